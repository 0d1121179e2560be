"""The command `glassdyn card`: the data card."""

import argparse
from pathlib import Path

from glassdyn.commands.command import CommandAdder

__all__ = ["add_card_command"]

CARD = """\
Write ro-crate-metadata.json from dvc.lock, dvc.yaml and CITATION.cff: what every output is, its units and its
digest, which stage made it with which parameters, and what was checked. Run it after `dvc repro`, as `make repro` does."""


def add_card_command(add: CommandAdder) -> None:
    """Add `card`."""
    add("card", "write the data card, an RO-Crate", CARD, _card)


def _card(_options: argparse.Namespace) -> None:
    # Here, because RO-Crate takes time that the other commands need not wait.
    from glassdyn.data_card.card import write_card  # noqa: PLC0415

    print(f"written: {write_card(Path())}")
