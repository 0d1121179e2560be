"""The files of a run that a report is made of; what a run has not got is empty."""

import json
from pathlib import Path
from typing import Any

import polars as pl
from ruamel.yaml import YAML

__all__ = ["read_json", "read_table", "read_yaml"]


def read_json(path: Path) -> dict[str, Any]:
    """Read metrics."""
    numbers: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return numbers


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a file of DVC's, or CITATION.cff."""
    tree: dict[str, Any] | None = YAML(typ="safe").load(path) if path.is_file() else None
    return tree or {}


def read_table(path: Path) -> pl.DataFrame:
    """Read a table, of commas or, where it is called so, of tabs."""
    separator = "\t" if path.suffix == ".tsv" else ","
    return (
        pl.read_csv(path, separator=separator, infer_schema_length=None) if path.is_file() else pl.DataFrame()
    )
