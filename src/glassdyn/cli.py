"""The command `glassdyn`: what a user does outside of the pipeline, which `dvc repro` runs."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from glassdyn import jobs, presets
from glassdyn.errors import GlassdynError
from glassdyn.params import Isoconfigurational, Params, Simulation, Split, load
from glassdyn.simulation.protocol import compute_frame_time, count_frame_intervals, count_steps

if TYPE_CHECKING:
    from glassdyn.importing.source import ReadOptions

__all__ = ["main"]

AddParser = Callable[..., argparse.ArgumentParser]

DESCRIPTION = """\
Predict the dynamics of a glass-forming liquid from its structure.

The whole pipeline, from simulation to pictures, is run by DVC: `dvc repro` runs it, `params.yaml` says
what is computed, `dvc exp run -S model.n_rec=1` varies it. The commands here go beside it."""

EXAMPLES = """\
examples:
  glassdyn check
  glassdyn check model.n_rec=3 model.hidden=[16,16]
  glassdyn preset thesis
  glassdyn predict models/network.safetensors data/trajectories/copy04-sample00.h5 mobile.xyz
  glassdyn predict models/baselines.safetensors snapshot.xyz mobile.parquet --model ridge
  glassdyn inspect run.lammpstrj.gz
  glassdyn import run.lammpstrj.gz run.h5 --species 1=A,2=B --timestep 0.005
"""

CHECK = """\
Read the parameters, refuse what makes no sense, and list what they amount to: the box, the steps and
frames of each run, the size of the trajectories. KEY=VALUE takes the place of what stands in the file, as in
`dvc exp run -S KEY=VALUE`. Nothing is simulated and nothing is written."""

PRESET = """\
Write the parameters of presets/<name>.yaml into params.yaml, whose comments stay, and list what changed.
Parameters that the preset does not name stay as they are."""

PREDICT = """\
Apply a trained network or a baseline to configurations of the liquid and write what it predicts for every
particle, beside species and wrapped positions. The model file is all that is needed: node features are computed
as it says. Each label has a column `predicted_<label>`, in the label's unit; models are trained on A
particles only. OVITO opens the .xyz file and can colour particles by that column. A warning is printed where
the structure is not that of the liquid on which the model was trained. {formats}"""

IMPORT = """\
Convert files of other programs. OUT decides what is written: a trajectory (.h5, H5MD: all frames of the files, one
after the other, unwrapped), one snapshot (.parquet), or a folder of snapshots, of which each file is a copy and each
frame a sample. Particles are brought into the order of their ids, which are stored. Nothing is written where a frame
breaks a rule. {formats}"""

INSPECT = """\
Say in ten lines what a file holds, and what it lacks for which stage. The first frames and the last are read.
{formats}"""

FORMATS = """\
Formats, by content: H5MD of any writer; extended XYZ, plain XYZ, and those of atooms and RUMD; dumps and
data files of LAMMPS; GSD; DCD and XTC with --topology; NumPy (.npz, .npy); snapshots of this project. Text may be
compressed by gzip or Zstandard."""

SCRATCH = """\
List what the scratch folder holds: results of jobs, which outputs share as hard links, trainings, and
checkpoints. --prune deletes what no output is linked to or made from, unfinished work, and of
isoconfigurational runs the trajectories once they are labelled ("deletable"): a run that needs them again, such as
one with other label parameters, simulates them again; more runs need only their own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after `glassdyn`; those of the process where absent.

    Returns:
        0; 1 where the command refuses its input, with the reason on standard error.
    """
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], None] = options.run
    try:
        run(options)
    except (GlassdynError, OSError) as error:
        print(f"glassdyn {options.command}: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="glassdyn",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_subparsers(dest="command", metavar="COMMAND", required=True).add_parser
    check = _command(add, "check", "check the parameters and list what they amount to", CHECK, _check)
    check.add_argument("file", nargs="?", default="params.yaml", metavar="FILE", help="default: %(default)s")
    check.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="such as model.n_rec=3")
    preset = _command(add, "preset", "set the parameters of a known system", PRESET, _preset)
    preset.add_argument("name", help=f"one of: {', '.join(presets.preset_names())}")
    _add_predict(add)
    _add_import(add)
    scratch = _command(add, "scratch", "list or clear what jobs and trainings keep aside", SCRATCH, _scratch)
    scratch.add_argument("--prune", action="store_true", help="delete what no output needs")
    return parser


def _add_predict(add: AddParser) -> None:
    parser = _command(
        add, "predict", "apply a trained model to a configuration", PREDICT.format(formats=FORMATS), _predict
    )
    parser.add_argument(
        "file", type=Path, metavar="model", help="models/network.safetensors or models/baselines.safetensors"
    )
    parser.add_argument("configuration", type=Path, help="a file with configurations")
    parser.add_argument("output", type=Path, help="what to write: a table (.parquet) or .xyz")
    parser.add_argument(
        "--model", help="which of the baselines: constant, ridge, averaged_ridge or perceptron"
    )
    parser.add_argument("--frame", type=_frame, help="a number from 0, or all; the middle one by default")
    _add_read_options(parser)


def _add_import(add: AddParser) -> None:
    converter = _command(
        add, "import", "convert files of other programs", IMPORT.format(formats=FORMATS), _import
    )
    converter.add_argument("files", type=Path, nargs="+", metavar="FILE")
    converter.add_argument(
        "output", type=Path, metavar="OUT", help="a .h5 file, a .parquet file, or a folder"
    )
    converter.add_argument(
        "--frame", type=_frame, help="of snapshots: a number from 0, or all; the middle one by default"
    )
    inspector = _command(add, "inspect", "say what a file holds", INSPECT.format(formats=FORMATS), _inspect)
    inspector.add_argument("file", type=Path, metavar="FILE")
    for parser in (converter, inspector):
        _add_read_options(parser)


def _add_read_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what the file does not say").add_argument
    add("--species", type=_species, metavar="1=A,2=B", help="which names or numbers of species are A and B")
    add("--box", type=_length, metavar="L", help="edge of the cubic box, units of sigma_AA")
    add(
        "--timestep",
        type=_length,
        metavar="DT",
        help="time of a step, or between frames without steps, units of tau",
    )
    add("--topology", type=Path, metavar="FILE", help="a file with the species, for DCD, XTC and .npy")
    add("--keys", type=_keys, metavar="positions=r,...", help="names of the arrays in a NumPy file")
    add("--unwrapped", action="store_true", help="positions are unwrapped, although the file does not say so")


def _length(text: str) -> float:
    try:
        length = float(text)
    except ValueError:
        length = 0.0
    if not 0 < length < float("inf"):
        raise argparse.ArgumentTypeError(f"a number above 0 is needed: got {text!r}")
    return length


def _keys(text: str) -> dict[str, str]:
    meanings = ("positions", "species", "box", "ids", "images", "steps", "times")
    pairs = [pair.partition("=") for pair in text.split(",")]
    if not all(meaning in meanings and name for meaning, _, name in pairs):
        raise argparse.ArgumentTypeError(
            f"names of arrays stand behind {', '.join(meanings)}, as in positions=r,species=ptype: got {text!r}"
        )
    return {meaning: name for meaning, _, name in pairs}


def _frame(text: str) -> int | str:
    if text == "all" or text.isdigit():
        return text if text == "all" else int(text)
    raise argparse.ArgumentTypeError(f"a frame is a number from 0, or all: got {text!r}")


def _species(text: str) -> dict[str, int]:
    pairs = [pair.partition("=") for pair in text.split(",")]
    if not all(name and kind in {"A", "B"} for name, _, kind in pairs):
        raise argparse.ArgumentTypeError(f"each name is A or B, as in 1=A,2=B: got {text!r}")
    return {name: "AB".index(kind) for name, _, kind in pairs}


def _command(
    add: AddParser,
    name: str,
    summary: str,
    description: str,
    run: Callable[[argparse.Namespace], None],
) -> argparse.ArgumentParser:
    parser = add(
        name,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _check(options: argparse.Namespace) -> None:
    file, overrides = options.file, options.overrides
    if "=" in file:
        file, overrides = "params.yaml", [file, *overrides]
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, amount in _amounts(load(Path(file), overrides)):
        table.add_row(name, amount)
    Console().print(table)


def _amounts(params: Params) -> list[tuple[str, str]]:
    # Here, because numpy takes time that the other commands need not wait.
    from glassdyn.liquid.box import compute_box_length  # noqa: PLC0415

    simulation, liquid = params.simulation, params.liquid
    box_length = compute_box_length(liquid.particles, liquid.density)
    samples = simulation.copies * simulation.samples
    frames = count_frame_intervals(simulation, params.record.duration) + 1
    gigabytes = samples * frames * liquid.particles * 12 / 1e9
    targets = ", ".join(params.loss.targets)
    return [
        ("box length", f"L = {box_length:.5f} sigma_AA for N = {liquid.particles}"),
        ("samples", f"{samples} from {simulation.copies} copies"),
        ("one sample", f"{frames} frames, {compute_frame_time(simulation):g} tau apart"),
        ("molecular dynamics", f"{_count_all_steps(params):,} steps in all"),
        ("isoconfigurational", _describe_runs(simulation, params.isoconfigurational)),
        ("trajectories", f"{gigabytes:.2f} GB before compression"),
        ("labels", ", ".join(params.labels)),
        ("split", _describe_split(params.split)),
        ("network", f"{params.model.kind}, {params.graph.nodes} features, targets {targets}"),
    ]


def _count_all_steps(params: Params) -> int:
    simulation, copy, sample = params.simulation, params.equilibrate, params.record
    prepare = count_steps(simulation, copy.melt + copy.thermalise + copy.equilibrate)
    cycle = count_steps(simulation, sample.decorrelate + sample.duration)
    return simulation.copies * (prepare + simulation.samples * cycle)


def _describe_runs(simulation: Simulation, ensemble: Isoconfigurational) -> str:
    steps = count_frame_intervals(simulation, ensemble.duration) * simulation.frame_steps
    runs = simulation.copies * min(ensemble.samples_per_copy, simulation.samples) * ensemble.runs
    return f"{runs * steps:,} steps more, {runs} runs" if runs else "no runs"


def _describe_split(split: Split) -> str:
    parts = (("train", split.train), ("validation", split.validation), ("test", split.test))
    return "; ".join(f"{name} on copies {', '.join(map(str, copies))}" for name, copies in parts)


def _preset(options: argparse.Namespace) -> None:
    changes = presets.apply_preset(options.name)
    print("\n".join(changes) if changes else "params.yaml has these parameters already")


def _predict(options: argparse.Namespace) -> None:
    # Here, because it takes seconds that the other commands need not wait.
    from glassdyn.prediction import predict, predictors  # noqa: PLC0415

    inputs = [options.file, options.configuration]
    predict.require_writable(options.output, inputs)
    predictor = predictors.load_predictor(options.file, options.model)
    frames = predict.read(options.configuration, options.frame, _read_options(options))
    summary = predict.predict_file(predictor, frames, options.output)
    if summary.distribution_shift > predictors.MAX_SHIFT:
        print(
            f"glassdyn predict: warning: {options.configuration} is not like the samples that the model was trained "
            f"on: its features are off by {summary.distribution_shift:.2g} standard deviations, "
            f"{predictors.MAX_SHIFT:g} are usual at the most; are units, density, composition and temperature the "
            "same?",
            file=sys.stderr,
        )
    labels = ", ".join(f"predicted_{label}" for label in predictor.labels)
    print(f"{options.output}: {labels} of {summary.particles} particles, {summary.frames} frames")


def _read_options(options: argparse.Namespace) -> "ReadOptions":
    from glassdyn.importing.source import ReadOptions  # noqa: PLC0415 - as above

    return ReadOptions(
        species=options.species or {},
        box_length=options.box,
        timestep=options.timestep,
        topology=options.topology,
        keys=options.keys or {},
        unwrapped=options.unwrapped,
    )


def _import(options: argparse.Namespace) -> None:
    from glassdyn.importing import convert  # noqa: PLC0415 - as above

    output, stated = options.output, _read_options(options)
    if output.suffix in {".h5", ".h5md", ".hdf5"}:
        imported = convert.import_trajectory(options.files, output, stated)
    elif output.suffix in {"", ".parquet"}:
        imported = convert.import_snapshots(options.files, output, stated, options.frame)
    else:
        raise GlassdynError(f"what is written is a .h5 file, a .parquet file, or a folder: got {output}")
    for note in imported.notes:
        print(note)
    print(f"{output}: {imported.frames} frames of {imported.particles} particles")


def _inspect(options: argparse.Namespace) -> None:
    from glassdyn.importing.inspect import inspect_file  # noqa: PLC0415 - as above

    for label, text in inspect_file(options.file, _read_options(options)):
        print(f"{label:<10} {text}")


def _scratch(options: argparse.Namespace) -> None:
    root = jobs.default_root()
    entries = jobs.prune(root) if options.prune else jobs.list_entries(root)
    table = Table("job", "state", "MB", "folder", "training", box=None, pad_edge=False)
    for entry in entries:
        folder = entry.folder.path
        table.add_row(
            entry.name, entry.state, f"{entry.size / 1e6:.1f}", folder.name[:12], _describe_training(folder)
        )
    Console().print(table)
    done = "deleted" if options.prune else "in all"
    print(f"{sum(entry.size for entry in entries) / 1e6:.1f} MB {done}, {root.resolve()}")


def _describe_training(folder: Path) -> str:
    """What a network was and what it learnt; nothing for another job, or one that is deleted."""
    try:
        arguments = json.loads((folder / "job.json").read_text()).get("arguments")
    except (OSError, json.JSONDecodeError):
        return ""
    sections = (
        {name.lower(): section for name, section in arguments.items()} if isinstance(arguments, dict) else {}
    )
    if not {"model", "graph", "loss"} <= sections.keys():
        return ""
    model, nodes, targets = sections["model"], sections["graph"]["nodes"], sections["loss"]["targets"]
    return f"{model['kind']}, n_rec {model['n_rec']}, hidden {model['hidden']}, {nodes} features: {', '.join(targets)}"


if __name__ == "__main__":
    sys.exit(main())
