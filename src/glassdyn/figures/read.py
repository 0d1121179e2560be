"""The tables and numbers that pictures are drawn from, read from the files of a run."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

__all__ = ["Numbers", "read_curves", "read_numbers", "read_table"]


class Numbers(NamedTuple):
    """Numbers that pictures show beside their tables; empty where a run has none.

    Attributes:
        physics: metrics of the liquid.
        labels: what determined the label tables.
        train: metrics of the training.
        components: principal components that are kept.
    """

    physics: dict[str, Any]
    labels: dict[str, Any]
    train: dict[str, Any]
    components: int


def read_numbers(folder: Path, components: int) -> Numbers:
    """Read the numbers of a run.

    Args:
        folder: of the run, with metrics/ and plots/.
        components: principal components that are kept.
    """
    return Numbers(
        _read_json(folder / "metrics/physics.json"),
        _read_json(folder / "plots/labels/parameters.json"),
        _read_json(folder / "metrics/train.json"),
        components,
    )


def read_table(folder: Path, name: str) -> pl.DataFrame:
    """Read the table of a picture, empty where the run has none.

    Args:
        folder: of the run.
        name: of the picture, <stage>/<table>; its table is plots/<name>.csv but for those of many files.
    """
    if name == "train/curves":
        return read_curves(folder / "plots/train/plots/metrics")
    if name == "isoconfigurational/agreement":
        return _read_agreement(folder / "plots/isoconfigurational")
    path = folder / "plots" / f"{name}.csv"
    return _read_csv(path) if path.exists() else pl.DataFrame()


def read_curves(folder: Path) -> pl.DataFrame:
    """Read the curves that DVCLive wrote: columns part, quantity, step, value.

    Args:
        folder: with one file `<part>/<quantity>.tsv` per curve, of columns step and quantity.
    """
    files = sorted(folder.glob("*/*.tsv"))
    return pl.concat([_read_curve(path) for path in files]) if files else pl.DataFrame()


def _read_csv(path: Path) -> pl.DataFrame:
    """Read a table whose columns without any value are numbers."""
    table = pl.read_csv(path, infer_schema_length=None)
    empty = [column.name for column in table if column.null_count() == len(column)]
    return table.with_columns(pl.col(empty).cast(pl.Float64))


def _read_curve(path: Path) -> pl.DataFrame:
    part, quantity = pl.lit(path.parent.name), pl.lit(path.stem)
    table = pl.read_csv(path, separator="\t")
    return table.select(
        part.alias("part"),
        quantity.alias("quantity"),
        pl.col("step").cast(pl.Int64),
        pl.col(path.stem).cast(pl.Float64).alias("value"),
    )


def _read_agreement(folder: Path) -> pl.DataFrame:
    """Read one file `<label>.csv` per label, of columns raw and mean, with the label as a further column."""
    files = [path for path in sorted(folder.glob("*.csv")) if path.stem != "ceilings"]
    tables = [pl.read_csv(path).with_columns(label=pl.lit(path.stem)) for path in files]
    return pl.concat(tables) if tables else pl.DataFrame()


def _read_json(path: Path) -> dict[str, Any]:
    numbers: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return numbers
