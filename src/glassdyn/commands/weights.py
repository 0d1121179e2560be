"""The command `import-weights`: a published network as a model file of this project."""

import argparse
from pathlib import Path

from glassdyn.commands.command import CommandAdder, parse_count
from glassdyn.errors import GlassdynError

__all__ = ["add_weights_command"]

DESCRIPTION = """\
Convert the published network of Bapst et al. (2020) to a model file, which `glassdyn predict` applies to
configurations of the liquid. CHECKPOINT is the name that its files share, such as t044_s09.ckpt: TensorFlow's
index (.index) and data (.data-00000-of-00001), which are read without TensorFlow. They lie in
https://github.com/google-deepmind/deepmind-research, glassy_dynamics/checkpoints."""


def add_weights_command(add: CommandAdder) -> None:
    """Add the command, and what it takes."""
    parser = add("import-weights", "convert a published network", DESCRIPTION, _import_weights)
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT")
    parser.add_argument("output", type=Path, metavar="OUT", help="the model file (.safetensors)")
    parser.add_argument(
        "--label",
        metavar="NAME",
        help="what it predicts; by default propensity_s0.9, the propensity when F_s = 0.9",
    )
    parser.add_argument(
        "--recurrences",
        type=parse_count,
        metavar="N",
        help="of its block, which the files do not state; by default 7",
    )


def _import_weights(options: argparse.Namespace) -> None:
    # Here, because it takes seconds that the other commands need not wait.
    from glassdyn.importing import bapst_weights  # noqa: PLC0415

    output, recurrences = options.output, options.recurrences
    recurrences = bapst_weights.RECURRENCES if recurrences is None else recurrences
    if output.suffix != ".safetensors" or not output.parent.is_dir():
        raise GlassdynError(f"a model file is .safetensors, in a folder that exists: got {output}")
    if recurrences > bapst_weights.MAX_RECURRENCES:
        raise GlassdynError(
            f"a block recurs 1 to {bapst_weights.MAX_RECURRENCES} times: got {recurrences} (--recurrences)"
        )
    label = options.label or bapst_weights.LABEL
    trained = bapst_weights.import_weights(options.checkpoint, output, recurrences=recurrences, label=label)
    weights = sum(parameter.numel() for parameter in trained.networks[0].parameters())
    print(f"{output}: {weights} weights, {recurrences} recurrences, predicts {label}")
