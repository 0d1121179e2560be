"""The command `glassdyn preset`: the parameters of a known system."""

import argparse

from glassdyn import presets
from glassdyn.commands.command import CommandAdder

__all__ = ["add_preset_command"]

PRESET = """\
Write the parameters of presets/<name>.yaml into params.yaml, whose comments stay, and list what changed.
Parameters that the preset does not name stay as they are."""


def add_preset_command(add: CommandAdder) -> None:
    """Add `preset`."""
    preset = add("preset", "set the parameters of a known system", PRESET, _preset)
    preset.add_argument("name", help=f"one of: {', '.join(presets.preset_names())}")


def _preset(options: argparse.Namespace) -> None:
    changes = presets.apply_preset(options.name)
    print("\n".join(changes) if changes else "params.yaml has these parameters already")
