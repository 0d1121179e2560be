"""Tables of predictions: a folder for each model, in it a table for each sample, whoever made them.

<folder>/<model>/<sample>.parquet: particle, type, predicted_<label> for every label
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.storage import tables

__all__ = ["PredictionTable", "prediction_labels", "read_predictions", "write_predictions"]

PREFIX = "predicted_"
"""What a column is called before the name of its label."""


class PredictionTable(NamedTuple):
    """One model's predictions of one sample.

    Attributes:
        particles: (N,) their numbers.
        species: (N,) uint8, 0 for A, 1 for B.
        predictions: label -> (N,) float64, the label's unit.
    """

    particles: NDArray[np.uint32]
    species: NDArray[np.uint8]
    predictions: Mapping[str, NDArray[np.float64]]


def write_predictions(
    folder: Path,
    sample: str,
    model: str,
    *,
    species: NDArray[np.uint8],
    predictions: Mapping[str, NDArray[np.float64]],
    metadata: Mapping[str, Any],
) -> None:
    """Write one model's predictions of a sample as a table of all its particles.

    Args:
        folder: of all predictions.
        sample: its name.
        model: its name, that of the folder of its tables.
        species: (N,) 0 for A, 1 for B.
        predictions: label -> (N,), the label's unit.
        metadata: `labels`, what determined the labels that the model was trained on, by label, and
            `selected_on`, the part that selected it.
    """
    columns = {f"{PREFIX}{label}": values for label, values in predictions.items()}
    tables.write(
        folder / model / f"{sample}.parquet",
        tables.labels_schema(list(columns)),
        [{"particle": np.arange(len(species), dtype=np.uint32), "type": species, **columns}],
        {"model": model, **metadata},
    )


def read_predictions(folder: Path, sample: str, model: str, labels: Sequence[str]) -> PredictionTable:
    """Read one model's predictions of some labels of a sample.

    Raises:
        TableError: for a file that is absent or damaged, or lacks a label.
    """
    path = folder / model / f"{sample}.parquet"
    table = tables.read(path, ["particle", "type", *(f"{PREFIX}{label}" for label in labels)])
    try:
        numbers = {label: table[f"{PREFIX}{label}"].cast(pl.Float64).to_numpy() for label in labels}
    except pl.exceptions.PolarsError as error:
        raise tables.TableError(f"predictions are numbers: {path}: {error}") from None
    return PredictionTable(table["particle"].to_numpy(), table["type"].to_numpy(), numbers)


def prediction_labels(path: Path) -> list[str]:
    """The labels that a table of predictions has, in the order of its columns."""
    columns = tables.read(path).columns
    return [column.removeprefix(PREFIX) for column in columns if column.startswith(PREFIX)]
