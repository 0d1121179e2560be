"""What a notebook asks for, as Polars frames: tables of particles, metrics, experiments and sweeps."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

import polars as pl

from glassdyn.errors import GlassdynError
from glassdyn.experiments.overview import tabulate_experiments
from glassdyn.storage import tables
from glassdyn.storage.trajectory import sample_names

__all__ = ["load_frame"]


SAMPLES = "copy*-sample*.parquet"
"""Tables of particles, one for each sample."""


def load_frame(name: str, folder: Path) -> pl.DataFrame:
    """Read a table by its name, see `glassdyn.load`.

    Raises:
        GlassdynError: for a name that the run has no table of.
    """
    if name == "metrics":
        return _tabulate_metrics(folder / "metrics")
    if name == "experiments":
        with chdir(folder):
            return tabulate_experiments()
    particles, table = folder / "data" / name, folder / "plots" / f"{name}.csv"
    if _is_inside(particles, folder) and any(particles.glob(SAMPLES)):
        return pl.concat([_read_sample(particles, sample) for sample in sample_names(particles)])
    if _is_inside(table, folder) and table.is_file():
        return pl.read_csv(table, infer_schema_length=None)
    raise GlassdynError(
        f"a run has tables of particles in data/, of pictures in plots/, metrics and experiments: got {name!r}, of "
        f"which there is none in {folder.absolute()}; there are {', '.join(_names(folder)) or 'none: run `dvc repro`'}"
    )


def _read_sample(folder: Path, sample: str) -> pl.DataFrame:
    table = tables.read(folder / f"{sample}.parquet")
    return table.insert_column(0, pl.lit(sample).alias("sample"))


def _tabulate_metrics(folder: Path) -> pl.DataFrame:
    rows = [
        {"file": path.stem, "name": name, "value": value}
        for path in sorted(folder.glob("*.json"))
        for name, value in _flatten(json.loads(path.read_text()))
    ]
    return pl.DataFrame(rows, schema={"file": pl.String, "name": pl.String, "value": pl.Float64})


def _flatten(numbers: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in numbers.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        elif isinstance(value, int | float):
            yield prefix + name, float(value)


def _is_inside(path: Path, folder: Path) -> bool:
    return Path(os.path.abspath(path)).is_relative_to(folder.absolute())  # noqa: PTH100 (no link is followed)


def _names(folder: Path) -> list[str]:
    parquet = {path.parent for path in (folder / "data").glob(f"**/{SAMPLES}")}
    particles = sorted(str(path.relative_to(folder / "data")) for path in parquet)
    return ["metrics", "experiments", *particles]
