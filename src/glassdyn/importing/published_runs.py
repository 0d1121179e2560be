"""Published isoconfigurational runs as the stages expect them: a snapshot, labels of every run, and their means."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.importing.set_folders import ImportedFolders
from glassdyn.liquid.configuration import Configuration
from glassdyn.storage import tables
from glassdyn.storage.snapshots import write_snapshot

__all__ = ["PublishedRuns", "write_runs"]

Values = NDArray[np.float64]


class PublishedRuns(NamedTuple):
    """One configuration and its propensities.

    Attributes:
        configuration: the start of all runs.
        temperature: of the liquid, units of eps_AA / k_B.
        labels: of the T times.
        displacements: (R, T, N) of every particle in every run, units of sigma_AA; none where means are stated alone.
        propensities: (T, N) their means, units of sigma_AA.
    """

    configuration: Configuration
    temperature: float
    labels: tuple[str, ...]
    displacements: Values
    propensities: Values


def write_runs(name: str, runs: PublishedRuns, folders: ImportedFolders) -> None:
    """Write a snapshot, a table of displacements for every run, and their means."""
    configuration, temperature, labels, displacements, propensities = runs
    origin = {"frames": 1, "frame": 0}
    write_snapshot(
        folders.snapshots / f"{name}.parquet", configuration, {**origin, "temperature": temperature}
    )
    box = {"box_length": configuration.box_length}
    for run, rows in enumerate(displacements):
        path = folders.isoconfigurational / name / f"run{run:02}.parquet"
        _write_labels(path, configuration, labels, rows, {**origin, **box})
    metadata = {**box, "runs": len(displacements)} if len(displacements) else box
    _write_labels(
        folders.isoconfigurational / f"{name}.parquet", configuration, labels, propensities, metadata
    )


def _write_labels(
    path: Path,
    configuration: Configuration,
    labels: Sequence[str],
    rows: Values,
    metadata: Mapping[str, object],
) -> None:
    species = configuration.species
    table: tables.Columns = {"particle": np.arange(len(species)), "type": species}
    columns = dict(zip(labels, rows, strict=True))
    tables.write(path, tables.labels_schema(labels), [{**table, **columns}], metadata)
