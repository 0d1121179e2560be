"""What models have learnt, where `glassdyn explain MODEL --out plots/explanations/NAME` has been run."""

from pathlib import Path
from typing import NamedTuple

from glassdyn.reporting.numbers import MISSING, significant
from glassdyn.reporting.pictures import Picture, embed
from glassdyn.reporting.run_files import read_json, read_table

__all__ = ["ModelExplanation", "NumberTable", "list_explanations"]

TABLES = {
    "distillation": "What simpler models keep of its variance, and how well they predict the truth",
    "importance": "What it loses when a group of features is permuted",
    "formulas": "Formulas for its output",
}
"""Tables that are shown, by name; the pictures show these and the others."""

MOST_ROWS = 30


class NumberTable(NamedTuple):
    """A table as it is written."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class ModelExplanation(NamedTuple):
    """The explanation of a model.

    Attributes:
        name: of the folder.
        warnings: what must not be read from it.
        formula: the selected one; empty without a search.
        tables: of numbers.
        pictures: of the tables.
    """

    name: str
    warnings: tuple[str, ...]
    formula: str
    tables: tuple[NumberTable, ...]
    pictures: tuple[Picture, ...]


def list_explanations(folder: Path) -> list[ModelExplanation]:
    """List the explanations of a run, those of plots/explanations.

    Args:
        folder: of the run.
    """
    summaries = sorted((folder / "plots" / "explanations").glob("*/summary.json"))
    return [_read_explanation(path.parent) for path in summaries]


def _read_explanation(folder: Path) -> ModelExplanation:
    summary = read_json(folder / "summary.json")
    tables = [_read_numbers(folder / f"{name}.csv", title) for name, title in TABLES.items()]
    return ModelExplanation(
        folder.name,
        tuple(map(str, summary.get("warnings", []))),
        str(summary.get("formula") or ""),
        tuple(table for table in tables if table.rows),
        tuple(embed(path, path.stem.replace("_", " ")) for path in sorted(folder.glob("*.png"))),
    )


def _read_numbers(path: Path, title: str) -> NumberTable:
    table = read_table(path).head(MOST_ROWS)
    rows = tuple(tuple(map(_write, row)) for row in table.rows())
    return NumberTable(title, tuple(name.replace("_", " ") for name in table.columns), rows)


def _write(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return significant(value)
    return MISSING if value is None else str(value)
