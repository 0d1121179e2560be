"""The command `glassdyn`: what a user does outside of the pipeline, which `dvc repro` runs."""

import argparse
import sys
from collections.abc import Callable, Sequence

from glassdyn.commands.card import add_card_command
from glassdyn.commands.check import add_check_command
from glassdyn.commands.datasets import add_dataset_commands
from glassdyn.commands.explain import add_explain_command
from glassdyn.commands.files import add_file_commands
from glassdyn.commands.presets import add_preset_command
from glassdyn.commands.scratch import add_scratch_command
from glassdyn.commands.sweeps import add_sweep_commands
from glassdyn.commands.weights import add_weights_command
from glassdyn.errors import GlassdynError

__all__ = ["main", "make_parser"]

COMMANDS = (
    add_check_command,
    add_preset_command,
    add_sweep_commands,
    add_file_commands,
    add_dataset_commands,
    add_weights_command,
    add_explain_command,
    add_card_command,
    add_scratch_command,
)
"""What adds them, in the order of the help."""

DESCRIPTION = """\
Predict the dynamics of a glass-forming liquid from its structure.

The whole pipeline, from simulation to pictures, is run by DVC: `dvc repro` runs it, `params.yaml` says
what is computed, `dvc exp run -S model.n_rec=1` varies it. The commands here go beside it."""

EXAMPLES = """\
examples:
  glassdyn check
  glassdyn check model.n_rec=3 model.hidden=[16,16]
  glassdyn check --preset thesis --cores 64 --gpus 8
  glassdyn preset thesis
  glassdyn sweep architecture --jobs 2
  glassdyn predict models/network.safetensors data/trajectories/copy04-sample00.h5 mobile.xyz
  glassdyn predict models/baselines.safetensors snapshot.xyz mobile.parquet --model ridge
  glassdyn transfer ../elsewhere/models/network.safetensors network_T0.50
  glassdyn explain models/network.safetensors
  glassdyn inspect run.lammpstrj.gz
  glassdyn import run.lammpstrj.gz run.h5 --species 1=A,2=B --timestep 0.005
  glassdyn new-dataset mine --from runs/*.lammpstrj.gz --species 1=A,2=B --timestep 0.005 --temperature 0.5
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after `glassdyn`; those of the process where absent.

    Returns:
        0; 1 where the command refuses its input, with the reason on standard error; 130 after Ctrl-C.
    """
    options = make_parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], None] = options.run
    try:
        run(options)
    except (GlassdynError, OSError) as error:
        print(f"glassdyn {options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sets `run`, which takes what was parsed."""
    parser = argparse.ArgumentParser(
        prog="glassdyn",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(
        name: str, summary: str, description: str, run: Callable[[argparse.Namespace], None]
    ) -> argparse.ArgumentParser:
        command = subparsers.add_parser(
            name,
            help=summary,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=run)
        return command

    for add_commands in COMMANDS:
        add_commands(add)
    return parser


if __name__ == "__main__":
    sys.exit(main())
