"""The command that makes data sets: `new-dataset`."""

import argparse
from pathlib import Path

from glassdyn.commands.command import CommandAdder, parse_count, parse_positive
from glassdyn.commands.files import FORMATS, add_read_options, read_options

__all__ = ["add_dataset_commands"]

NEW_DATASET = """\
Make datasets/NAME, a pipeline that begins with trajectories of other programs: its parameters are those of params.yaml
here, with what the files state and what fits into them, its stages those of dvc.yaml here, from the labels on.

Each of FILES is a run of the liquid, a file or a folder of files that follow each other in time. All have the same
particles in the same box, frames as far apart. Runs are copies: some for training, others for test; where there are fewer than
three, --blocks cuts each into blocks of time. A copy is cut into samples of --duration. tau_alpha of A and
the plateau of the RMSD are measured in the first run. Without FILES, those that lie in datasets/NAME/raw are taken.

{formats}"""


def add_dataset_commands(add: CommandAdder) -> None:
    """Add the command, and what it takes."""
    parser = add(
        "new-dataset",
        "make a pipeline of trajectories of other programs",
        NEW_DATASET.format(formats=FORMATS),
        _new_dataset,
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "--from",
        dest="files",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILES",
        help="they are copied to raw/",
    )
    _add_liquid(parser)
    _add_samples(parser)
    add_read_options(parser)


def _add_liquid(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the liquid").add_argument
    add(
        "--temperature",
        type=parse_positive,
        metavar="T",
        help="units of epsilon_AA / k_B, unless the files have energies",
    )
    add(
        "--potential",
        choices=["none", "kob-andersen"],
        default="none",
        help="none (the default): features of positions alone; kob-andersen: energies, minima, short runs",
    )
    add(
        "--tau-alpha",
        type=parse_positive,
        metavar="TAU",
        help="of A, units of tau; measured where it is not stated",
    )


def _add_samples(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("copies and samples").add_argument
    add("--duration", type=parse_positive, metavar="D", help="of a sample, units of tau_alpha")
    add(
        "--samples",
        type=parse_count,
        metavar="S",
        help="of each copy; as many as fit, at most simulation.samples",
    )
    add("--blocks", type=parse_count, default=1, metavar="B", help="of time, that every run is cut into; 1")


def _new_dataset(options: argparse.Namespace) -> None:
    # Here, because it takes seconds that the other commands need not wait.
    from glassdyn.datasets.new_dataset import new_dataset  # noqa: PLC0415
    from glassdyn.datasets.parameters import Statements  # noqa: PLC0415

    stated = Statements(
        potential=options.potential,
        temperature=options.temperature,
        tau_alpha=options.tau_alpha,
        duration=options.duration,
        samples=options.samples,
        blocks=options.blocks,
        raw={
            "species": _join({name: "AB"[kind] for name, kind in (options.species or {}).items()}),
            "keys": _join(options.keys or {}),
            "timestep": options.timestep or 0.0,
            "unwrapped": options.unwrapped,
        },
    )
    for line in new_dataset(Path(), options.name, options.files, read_options(options), stated):
        print(line)


def _join(pairs: dict[str, str]) -> str:
    return ",".join(f"{name}={meaning}" for name, meaning in pairs.items())
