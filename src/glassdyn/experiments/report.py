"""What a person reads of a sweep: a table on the terminal, a CSV file and a figure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from glassdyn.experiments.collect import group_results, tabulate_densities, tabulate_groups
from glassdyn.experiments.figure import draw_sweep
from glassdyn.experiments.points import Point
from glassdyn.experiments.repository import Experiment, RepositoryError
from glassdyn.experiments.results import read_densities, read_results
from glassdyn.experiments.selection import describe_selection, select_by_validation
from glassdyn.experiments.sweep_file import Sweep
from glassdyn.figures import style
from glassdyn.storage.outputs import write_csv

__all__ = ["Report", "lay_out_table", "report_sweep"]

FOLDER = Path("plots/sweeps")
"""Of tables and figures of sweeps; they are in git, and no stage writes them."""

DIGITS = 5

ABOVE = ("label", "ceiling", "thesis", "runs")
"""Columns that are left out where all their cells are the same."""

Report = tuple[Table, list[str]]
"""The table for the terminal, and sentences below it."""


def report_sweep(name: str, sweep: Sweep, points: Sequence[Point], done: Mapping[str, Experiment]) -> Report:
    """Write `plots/sweeps/<name>.csv` and `.png`, and return what the terminal shows.

    Args:
        name: of the sweep.
        sweep: what it declares.
        points: of the sweep.
        done: experiments by name of the point, at least one.

    Raises:
        RepositoryError: where no experiment has numbers.
    """
    by_commit = read_results([experiment.commit for experiment in done.values()])
    results = {
        point: by_commit[experiment.commit]
        for point, experiment in done.items()
        if experiment.commit in by_commit
    }
    if not results:
        raise RepositoryError(
            "experiments hold their numbers as metrics/evaluate.json: none of these does; run them anew"
        )
    groups = group_results(points, results, sweep.figure)
    table = tabulate_groups(groups, sweep)
    write_csv(FOLDER / f"{name}.csv", table, digits=DIGITS)
    named = [group._replace(experiments=(done[group.experiments[0]].commit,)) for group in groups]
    shown = [group.experiments[0] for group in named] if sweep.figure.densities else []
    densities = tabulate_densities(named, read_densities(shown, groups[0].target))
    if not densities.is_empty():
        write_csv(FOLDER / f"{name}_densities.csv", densities, digits=DIGITS)
    style.save(draw_sweep(table, densities, sweep.figure), FOLDER / f"{name}.png")
    sentences = [describe_selection(selection) for selection in select_by_validation(groups)]
    return lay_out_table(sweep, table.to_dicts()), [*sentences, f"{FOLDER / name}.csv, {FOLDER / name}.png"]


def lay_out_table(sweep: Sweep, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Rows as cells; what is the same in all of them stands above, so that the numbers fit a terminal."""
    cells = [_cells(sweep, row) for row in rows]
    above = [name for name in ABOVE if len(rows) > 1 and len({row[name] for row in cells}) == 1]
    same = ", ".join(f"{name} {cells[0][name]}" for name in above if cells[0][name])
    title = "\n".join(filter(None, (sweep.title, sweep.thesis, same)))
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    names = [name for name in cells[0] if name not in above]
    for name in names:
        table.add_column(name, no_wrap=True)
    for row in cells:
        table.add_row(*(row[name] for name in names))
    return table


def _cells(sweep: Sweep, row: Mapping[str, Any]) -> dict[str, str]:
    """What a row says, by the name of its column."""
    figure = sweep.figure
    lines = {_last(figure.lines): row["line"]} if figure.lines else {}
    return {
        **lines,
        _last(figure.x): str(row["x"]),
        "label": row["target"],
        "Pearson": _with_error(row["pearson"], row["error"]),
        "ceiling": _with_error(row["ceiling"], row["ceiling_error"]),
        "thesis": _with_error(row["thesis"], row["thesis_error"], digits=2),
        "validation": _with_error(row["validation"], None),
        **{_last(name): _with_error(row[name], None) for name in figure.y if name != "pearson"},
        "runs": str(row["experiments"]),
    }


def _last(key: str) -> str:
    """n_rec of model.n_rec."""
    return key.rpartition(".")[2]


def _with_error(value: float | None, error: float | None, digits: int = 3) -> str:
    if value is None:
        return ""
    return f"{value:.{digits}f} ± {error:.{digits}f}" if error else f"{value:.{digits}f}"
