"""The commands on files of any format: `predict`, `import`, `inspect`; and `transfer`, on those of a run."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from glassdyn.commands.command import CommandAdder, parse_index, parse_positive
from glassdyn.errors import GlassdynError
from glassdyn.file_statements import parse_arrays, parse_species

if TYPE_CHECKING:
    from glassdyn.importing.source import ReadOptions

__all__ = ["FORMATS", "add_file_commands", "add_read_options", "read_options"]


PREDICT = """\
Apply a trained network or a baseline to configurations of the liquid and write what it predicts for every
particle, beside species and wrapped positions. The model file is all that is needed: node features are computed
as it says. Each label has a column `predicted_<label>`, in the label's unit; models are trained on A
particles only. OVITO opens the .xyz file and can colour particles by that column. A warning is printed where
the structure is not that of the liquid on which the model was trained.

{formats}"""

TRANSFER = """\
Apply a model that has learnt from another liquid, temperature or data set to the test copies of the run here, and write
data/predictions/NAME, which `dvc repro` then evaluates beside the run's own models. MODEL is a model file, such as
../glassbench-T0.50/models/network.safetensors. Labels are those that it shares with loss.targets; node features are
computed as it says, with the temperature of the run. In the data sets of published methods a NAME that ends in the
temperature, such as network_T0.50, is drawn beside published transfers between temperatures."""

IMPORT = """\
Convert files of other programs. OUT decides what is written: a trajectory (.h5, H5MD: all frames of the files, one
after the other, unwrapped), one snapshot (.parquet), or a folder of snapshots, of which each file is a copy and each
frame a sample. Particles are brought into the order of their ids, which are stored. Nothing is written where a frame
breaks a rule.

{formats}

--set NAME reads a published set instead, and OUT is a new folder: snapshots, isoconfigurational (labels), inherent,
cages and predictions (of the published methods), as stages expect them. NAME is botan (a folder of
isoconfig_N4096T0.44_<k>_tc07.npz), glassbench (an archive T0.44.tar.gz, or its folder), or deepmind (a folder of
.pickle, of which arrays are read and nothing is executed)."""

INSPECT = """\
Say in ten lines what a file holds, and what it lacks for which stage. The first frames and the last are read.

{formats}"""

FORMATS = """\
Formats, by content: H5MD of any writer; extended XYZ, plain XYZ, and those of atooms and RUMD; dumps and
data files of LAMMPS; GSD; DCD and XTC with --topology; NumPy (.npz, .npy); snapshots of this project. Text may be
compressed by gzip or Zstandard."""


def add_file_commands(add: CommandAdder) -> None:
    """Add the commands, and what they take."""
    _add_predict(add)
    _add_transfer(add)
    _add_import(add)
    _add_inspect(add)


def _add_predict(add: CommandAdder) -> None:
    parser = add(
        "predict", "apply a trained model to a configuration", PREDICT.format(formats=FORMATS), _predict
    )
    parser.add_argument(
        "file", type=Path, metavar="model", help="models/network.safetensors or models/baselines.safetensors"
    )
    parser.add_argument("configuration", type=Path, help="a file with configurations")
    parser.add_argument("output", type=Path, help="what to write: a table (.parquet) or .xyz")
    parser.add_argument(
        "--model", help="which of the baselines: constant, radial_ridge, averaged_ridge, ridge or perceptron"
    )
    parser.add_argument("--frame", type=_frame, help="a number from 0, or all; the middle one by default")
    add_read_options(parser)


def _add_transfer(add: CommandAdder) -> None:
    parser = add("transfer", "evaluate a model that has learnt elsewhere", TRANSFER, _transfer)
    parser.add_argument("file", type=Path, metavar="MODEL", help="a model file of another run")
    parser.add_argument("name", metavar="NAME", help="that it has among the models here")
    parser.add_argument("--model", help="which of the baselines, as in predict")


def _add_import(add: CommandAdder) -> None:
    parser = add("import", "convert files of other programs", IMPORT.format(formats=FORMATS), _import)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("output", type=Path, metavar="OUT", help="a .h5 file, a .parquet file, or a folder")
    parser.add_argument(
        "--frame", type=_frame, help="of snapshots: a number from 0, or all; the middle one by default"
    )
    parser.add_argument("--set", metavar="NAME", help="a published set: botan, glassbench or deepmind")
    add_read_options(parser)


def _add_inspect(add: CommandAdder) -> None:
    parser = add("inspect", "say what a file holds", INSPECT.format(formats=FORMATS), _inspect)
    parser.add_argument("file", type=Path, metavar="FILE")
    add_read_options(parser)


def add_read_options(parser: argparse.ArgumentParser) -> None:
    """Add what a user may say about files."""
    add = parser.add_argument_group("what the file does not say").add_argument
    add("--species", type=_species, metavar="1=A,2=B", help="which names or numbers of species are A and B")
    add("--box", type=parse_positive, metavar="L", help="edge of the cubic box, units of sigma_AA")
    add(
        "--timestep",
        type=parse_positive,
        metavar="DT",
        help="time of a step, or between frames without steps, units of tau",
    )
    add("--topology", type=Path, metavar="FILE", help="a file with the species, for DCD, XTC and .npy")
    add("--keys", type=_keys, metavar="positions=r,...", help="names of the arrays in a NumPy file")
    add("--unwrapped", action="store_true", help="positions are unwrapped, although the file does not say so")


def _keys(text: str) -> dict[str, str]:
    try:
        return parse_arrays(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _frame(text: str) -> int | str:
    try:
        return text if text == "all" else parse_index(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"a frame is a number from 0, or all: got {text!r}") from None


def _species(text: str) -> dict[str, int]:
    try:
        return parse_species(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _predict(options: argparse.Namespace) -> None:
    # Here, because it takes seconds that the other commands need not wait.
    from glassdyn.prediction import predict, predictors  # noqa: PLC0415
    from glassdyn.prediction.distribution_shift import MAX_EXCESS  # noqa: PLC0415

    inputs = [options.file, options.configuration]
    predict.require_writable(options.output, inputs)
    predictor = predictors.load_predictor(options.file, options.model)
    frames = predict.read(options.configuration, options.frame, read_options(options))
    summary = predict.predict_file(predictor, frames, options.output)
    if summary.distribution_shift > MAX_EXCESS:
        print(
            f"glassdyn predict: warning: {options.configuration} is not like the samples that the model was trained "
            f"on: beyond chance its features are off by {summary.distribution_shift:.2g} standard deviations, "
            f"{MAX_EXCESS:g} at the most in that liquid; are units, density, composition and temperature the same?",
            file=sys.stderr,
        )
    labels = ", ".join(f"predicted_{label}" for label in predictor.labels)
    print(f"{options.output}: {labels} of {summary.particles} particles, {summary.frames} frames")


def _transfer(options: argparse.Namespace) -> None:
    from glassdyn import params  # noqa: PLC0415 - as above
    from glassdyn.jobs.progress import show_progress  # noqa: PLC0415
    from glassdyn.prediction import predictors, transfer  # noqa: PLC0415

    predictor, run = predictors.load_predictor(options.file, options.model), params.load()
    samples = transfer.list_test_samples(run, Path("data/snapshots"))
    with show_progress("transfer", total=len(samples), unit="samples") as advance:
        done = transfer.transfer_model(predictor, options.name, run, samples, advance=advance)
    print(
        f"data/predictions/{options.name}: {', '.join(done.labels)} of {len(samples)} samples; beyond chance their "
        f"features are off by {done.distribution_shift:.2g} standard deviations from those that the model has learnt "
        "from; `dvc repro` evaluates it"
    )


def read_options(options: argparse.Namespace) -> "ReadOptions":
    """What the user has said about files."""
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

    if options.set is not None:
        _import_set(options)
        return
    output, stated = options.output, read_options(options)
    if output.suffix in {".h5", ".h5md", ".hdf5"}:
        if isinstance(options.frame, int):
            raise GlassdynError(
                f"a trajectory has all frames of its files: got --frame {options.frame} for {output}; leave it out, or "
                "write the frame as a snapshot, to a .parquet file"
            )
        imported = convert.import_trajectory(options.files, output, stated)
    elif output.suffix in {"", ".parquet"}:
        imported = convert.import_snapshots(options.files, output, stated, options.frame)
    else:
        raise GlassdynError(f"what is written is a .h5 file, a .parquet file, or a folder: got {output}")
    for note in imported.notes:
        print(note)
    print(f"{output}: {imported.frames} frames of {imported.particles} particles")


def _import_set(options: argparse.Namespace) -> None:
    from glassdyn.importing.published_sets import import_set  # noqa: PLC0415 - as above
    from glassdyn.importing.source import ReadOptions  # noqa: PLC0415

    if len(options.files) != 1 or options.frame is not None or read_options(options) != ReadOptions():
        raise GlassdynError(
            f"a published set is one file or folder, about which nothing need be said: got {len(options.files)} "
            "paths, or options beside --set; leave them out"
        )
    configurations = import_set(options.set, options.files[0], options.output)
    print(f"{options.output}: {configurations} configurations of {options.set}")


def _inspect(options: argparse.Namespace) -> None:
    from glassdyn.importing.inspect import inspect_file  # noqa: PLC0415 - as above

    for label, text in inspect_file(options.file, read_options(options)):
        print(f"{label:<10} {text}")
