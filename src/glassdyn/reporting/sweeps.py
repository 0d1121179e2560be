"""Sweeps that were run: the table of each and its figure."""

from pathlib import Path
from typing import NamedTuple

import polars as pl

from glassdyn.reporting.numbers import decimals, significant, with_error
from glassdyn.reporting.run_files import read_table, read_yaml

__all__ = ["SweepTable", "list_sweeps"]


class SweepTable(NamedTuple):
    """A sweep.

    Attributes:
        name: of its file.
        title: what varies.
        thesis: where the thesis shows it, and what it states.
        header: names of the columns.
        rows: cells as they are written.
        picture: its figure.
    """

    name: str
    title: str
    thesis: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
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
    header = (str(figure.get("x_label", "x")), str(figure.get("lines") or "line"), "label")
    return SweepTable(
        name,
        str(declared.get("title", name)),
        str(declared.get("thesis", "")),
        (*header, "Pearson", "ceiling", "thesis"),
        tuple(_row(row) for row in table.to_dicts()),
        folder / "plots" / "sweeps" / f"{name}.png",
    )


def _row(row: dict[str, str | float | None]) -> tuple[str, ...]:
    x = row["x"]
    numbers = {name: value for name, value in row.items() if isinstance(value, int | float)}
    return (
        significant(x) if isinstance(x, int | float) else str(x),
        str(row["line"] or ""),
        str(row.get("target", "")),
        with_error(numbers.get("pearson"), numbers.get("error")),
        decimals(numbers.get("ceiling")),
        with_error(numbers.get("thesis"), numbers.get("thesis_error"), 2),
    )
