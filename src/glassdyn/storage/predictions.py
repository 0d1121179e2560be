"""Tables of predictions, one per model and sample: what a model says of every particle of a snapshot.

    <folder>/<model>/<sample>.parquet    columns particle, type, predicted_<label> for each label

Targets are not repeated here: they lie in the label tables. Predictions that somebody else made are read like ours.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from glassdyn.storage import tables

__all__ = ["PredictionTable", "read_predictions", "write_predictions"]

PREFIX = "predicted_"


class PredictionTable(NamedTuple):
    """What one model predicts for one snapshot.

    Attributes:
        species: (N,) uint8, 0 for A and 1 for B.
        predictions: label -> (N,) float64, in the label's unit.
        metadata: `model`, its name; `labels`, label -> what determined the label that the model was trained on;
            `selected_on`, the part of the split that the model was selected on; `fold`, the rotation of the split that
            tests the sample. A foreign table may lack them.
    """

    species: NDArray[np.uint8]
    predictions: Mapping[str, NDArray[np.float64]]
    metadata: Mapping[str, Any]


def write_predictions(
    folder: Path,
    sample: str,
    model: str,
    *,
    species: NDArray[np.uint8],
    predictions: Mapping[str, NDArray[np.float64]],
    metadata: Mapping[str, Any],
) -> None:
    """Write one model's predictions of one sample; the file is there whole or not at all.

    Args:
        folder: of all predictions.
        sample: its name, such as "copy02-sample05".
        model: its name, which is that of its folder and is added to the metadata.
        species: (N,) 0 for A, 1 for B.
        predictions: label -> (N,) in the label's unit; columns keep this order.
        metadata: `labels`, `selected_on` and `fold`, see `PredictionTable`.
    """
    columns = {PREFIX + label: values for label, values in predictions.items()}
    fields = [("particle", pa.uint32()), ("type", pa.uint8()), *((name, pa.float64()) for name in columns)]
    block: tables.Columns = {"particle": np.arange(len(species), dtype=np.uint32), "type": species, **columns}
    path = folder / model / f"{sample}.parquet"
    tables.write(path, pa.schema(fields), [block], {**metadata, "model": model})


def read_predictions(folder: Path, sample: str, model: str) -> PredictionTable:
    """Read one model's predictions of one sample; arguments as for `write_predictions`.

    Raises:
        TableError: for a file that is absent or damaged, or lacks the columns of a table of predictions.
    """
    path = folder / model / f"{sample}.parquet"
    table, metadata = tables.read(path), tables.read_parameters(path)
    labels = [name.removeprefix(PREFIX) for name in table.columns if name.startswith(PREFIX)]
    if not labels or not {"particle", "type"} <= set(table.columns):
        raise tables.TableError(
            f"a table of predictions has the columns particle, type and {PREFIX}<label>: "
            f"{path} has {table.columns}; write it with these"
        )
    table = table.sort("particle")
    if not np.array_equal(table["particle"], np.arange(len(table))):
        raise tables.TableError(
            f"a table of predictions has one row for each particle, numbered from 0: {path} has {len(table)} rows of "
            f"{table['particle'].n_unique()} particles; write it anew"
        )
    predictions = {label: table[PREFIX + label].to_numpy().astype(np.float64) for label in labels}
    return PredictionTable(table["type"].to_numpy().astype(np.uint8), predictions, metadata)
