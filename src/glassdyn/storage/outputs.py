"""Metrics and small tables, as DVC and people read them: strict JSON, and CSV."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from glassdyn.jobs.atomic import atomic_write

__all__ = ["write_csv", "write_metrics"]


def write_metrics(path: Path, metrics: Mapping[str, Any]) -> None:
    """Write nested maps of numbers and words as JSON, without NaN or infinity; the folder is made.

    Raises:
        ValueError: for a number that is not finite.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as beside:
        beside.write_text(json.dumps(metrics, indent=2, allow_nan=False) + "\n")


def write_csv(path: Path, table: pl.DataFrame, *, digits: int | None = None) -> None:
    """Write a table as CSV; the folder is made.

    Args:
        path: where.
        table: what to write.
        digits: behind the decimal point; all by default.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as beside:
        table.write_csv(beside, float_precision=digits)
