"""Sweeps that were run: the table of each and its figure."""

from pathlib import Path
from typing import NamedTuple

import polars as pl

from glassdyn.reporting.charts import Chart
from glassdyn.reporting.numbers import MISSING, significant, with_error
from glassdyn.reporting.run_files import read_table, read_yaml
from glassdyn.reporting.sweep_charts import make_sweep_chart

__all__ = ["SweepTable", "list_sweeps"]


class SweepTable(NamedTuple):
    """A sweep.

    Attributes:
        name: of its file.
        title: what varies.
        thesis: where the thesis shows it, and what it states.
        header: names of the columns.
        rows: cells as they are written.
        chart: its coefficients, as a chart.
        picture: its figure, with all panels.
    """

    name: str
    title: str
    thesis: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    chart: Chart
    picture: Path


def list_sweeps(folder: Path) -> list[SweepTable]:
    """List the sweeps whose tables a run has, plots/sweeps/<name>.csv.

    Args:
        folder: of the run.
    """
    paths = sorted((folder / "plots" / "sweeps").glob("*.csv"))
    tables = {path.stem: read_table(path) for path in paths}
    return [
        _lay_out(folder, name, table)
        for name, table in tables.items()
        if {"x", "line", "pearson", "error"} <= set(table.columns)
    ]


def _lay_out(folder: Path, name: str, table: pl.DataFrame) -> SweepTable:
    declared = read_yaml(folder / "sweeps" / f"{name}.yaml")
    figure = declared.get("figure", {})
    x_title = _plain(str(figure.get("x_label", "x")))
    columns = {
        x_title: [_write(row["x"]) for row in table.to_dicts()],
        str(figure.get("lines") or "line"): [_write(row["line"]) for row in table.to_dicts()],
        "label": [_write(row.get("target")) for row in table.to_dicts()],
        "Pearson": _with_errors(table, "pearson", "error", 3),
        "ceiling": _with_errors(table, "ceiling", "ceiling_error", 3),
        "thesis": _with_errors(table, "thesis", "thesis_error", 2),
    }
    filled = {header: cells for header, cells in columns.items() if set(cells) - {"", MISSING}}
    return SweepTable(
        name,
        str(declared.get("title", name)),
        str(declared.get("thesis", "")),
        tuple(filled),
        tuple(zip(*filled.values(), strict=True)),
        Chart(f"sweep-{name}", f"sweep {name}", f"sweeps/{name}", make_sweep_chart(table, figure, x_title)),
        folder / "plots" / "sweeps" / f"{name}.png",
    )


def _write(value: str | float | None) -> str:
    return significant(value) if isinstance(value, int | float) else value or ""


def _with_errors(table: pl.DataFrame, name: str, error: str, digits: int) -> list[str]:
    return [with_error(row.get(name), row.get(error), digits) for row in table.to_dicts()]


def _plain(text: str) -> str:
    """The label of an axis without its mathematics, words in place of symbols."""
    return text.translate(str.maketrans("", "", "$\\{}"))
