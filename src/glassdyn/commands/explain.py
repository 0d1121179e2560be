"""The command `glassdyn explain`."""

import argparse
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from glassdyn.commands.command import CommandAdder, parse_count, parse_index
from glassdyn.folds import rotate_split
from glassdyn.params import load

if TYPE_CHECKING:
    import polars as pl

    from glassdyn.explanation.explain import Explanation, Parts
    from glassdyn.explanation.explained_model import ExplainedModel

__all__ = ["add_explain_command"]

EXPLAIN = """\
Say what a trained model has learnt: how much each group of its features counts; how much of its predictions a sum
over pairs, a small decision tree or a short formula keeps; what its predictions and its hidden units correlate with;
and which weights must not be read. Explanations are fitted on the training copies and scored on the test copies of
params.yaml. Tables (.csv), pictures (.png) and summary.json go to a folder. docs/explanation.md says how to read them.

  glassdyn explain models/network.safetensors
  glassdyn explain models/baselines.safetensors --model ridge --out plots/explanations/ridge"""


def add_explain_command(add: CommandAdder) -> None:
    """Add `explain`."""
    parser = add("explain", "say what a model has learnt", EXPLAIN, _explain)
    _add_model(parser)
    _add_samples(parser)
    _add_results(parser)


def _add_model(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", type=Path, metavar="MODEL", help="a model file")
    add("--model", help="which of the baselines: radial_ridge, averaged_ridge, ridge or perceptron")
    add("--label", help="which of the model's labels; the first by default")
    add(
        "--refits",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="models of the same kind fitted to other copies: the spread of filters and attention",
    )


def _add_samples(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", type=Path, default=Path("data"), help="folder of the tables (%(default)s)")
    add(
        "--fold", type=parse_index, default=0, help="rotation of the split that the model is of (%(default)s)"
    )
    add(
        "--samples",
        nargs="+",
        default=["*"],
        metavar="PATTERN",
        help="samples to use, such as 'copy*-sample0[0-3]'; all by default",
    )


def _add_results(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--out",
        type=Path,
        metavar="DIR",
        help="default: plots/explanations/<name of the model>, where the report finds them",
    )
    add(
        "--repeats",
        type=parse_count,
        default=5,
        help="permutations of every sample for each group (%(default)s)",
    )
    add(
        "--without-minimum",
        action="store_true",
        help="leave out what needs the nearest energy minimum, and its engine",
    )
    add("--without-formula", action="store_true", help="leave out the search for formulas, a minute")


def _explain(options: argparse.Namespace) -> None:
    # Here, because they take seconds that the other commands need not wait.
    from glassdyn.explanation.explain import Settings, explain  # noqa: PLC0415
    from glassdyn.explanation.explained_model import load_explained, load_refits  # noqa: PLC0415
    from glassdyn.explanation.write import read_ceiling, write_explanation  # noqa: PLC0415

    name = options.model or options.file.stem
    folder = options.out or Path("plots/explanations") / name
    model = load_explained(options.file, options.model, options.label)
    settings = Settings(repeats=options.repeats, refits=load_refits(options.refits, model))
    parts = _load_parts(model, options)
    explanation = explain(
        model, parts, settings._replace(formulas=None) if options.without_formula else settings
    )
    facts = {
        "model": name,
        "label": model.label,
        **{part: [sample.scored.name for sample in samples] for part, samples in parts._asdict().items()},
    }
    ceiling = read_ceiling(options.data.parent / "metrics" / "evaluate.json", model.label)
    write_explanation(folder, explanation, facts, ceiling)
    _print(explanation, folder)


def _load_parts(model: "ExplainedModel", options: argparse.Namespace) -> "Parts":
    """Read and measure the samples of every part."""
    from glassdyn.explanation.examples import load_sample, split_samples  # noqa: PLC0415
    from glassdyn.explanation.explain import Parts  # noqa: PLC0415
    from glassdyn.explanation.quantities import quantities_job, quantity_names  # noqa: PLC0415
    from glassdyn.jobs import run_jobs  # noqa: PLC0415
    from glassdyn.learning.labelled_graphs import TableFolders  # noqa: PLC0415
    from glassdyn.storage.trajectory import sample_names  # noqa: PLC0415

    folders = TableFolders(*(options.data / field for field in TableFolders._fields))
    every = sample_names(folders.features)
    selected = [each for each in every if any(fnmatchcase(each, pattern) for pattern in options.samples)]
    split = split_samples(selected, rotate_split(load(Path("params.yaml")).split, options.fold))
    names = quantity_names(with_minimum=not options.without_minimum)
    measured = options.data / "quantities"
    jobs = [
        quantities_job(folders.features / f"{each}.parquet", measured / f"{each}.parquet", names)
        for part in split.values()
        for each in part
    ]
    run_jobs(jobs, label="explain", unit="samples")
    return Parts(
        **{
            part: [load_sample(each, model, folders, measured) for each in members]
            for part, members in split.items()
        }
    )


def _print(explanation: "Explanation", folder: Path) -> None:
    from glassdyn.explanation.write import collinearity_warning, selected_formula  # noqa: PLC0415

    console = Console()
    tables = explanation.tables
    console.print(_table(tables["distillation"], "explanation", ("r2", "pearson")))
    console.print(_table(tables["importance"], "group", ("drop", "alone")))
    if formula := selected_formula(tables):
        console.print(f"formula, standardised: {formula}", markup=False, highlight=False, soft_wrap=True)
    if warning := collinearity_warning(tables["vif"]):
        print(f"glassdyn explain: warning: {warning}", file=sys.stderr)
    print(f"{folder}: tables, pictures and summary.json")


def _table(frame: "pl.DataFrame", first: str, columns: tuple[str, ...]) -> Table:
    """Rows with a mean and its error in each column."""
    table = Table(box=None, pad_edge=False)
    for name in (first, *columns):
        table.add_column(name)
    for row in frame.to_dicts():
        errors = [row[f"{name}_error"] for name in columns]
        cells = [
            f"{row[name]:.3f}" + ("" if error is None else f" ± {error:.3f}")
            for name, error in zip(columns, errors, strict=True)
        ]
        table.add_row(row[first], *cells)
    return table
