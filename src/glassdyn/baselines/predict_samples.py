"""The baselines' predictions of recorded samples, as tables."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glassdyn.baselines.features import FEATURES, Inputs, inputs_from_tables
from glassdyn.baselines.fit import Baselines
from glassdyn.learning import linear
from glassdyn.learning import predict_samples as networks
from glassdyn.learning.labelled_graphs import TableFolders
from glassdyn.storage.predictions import write_predictions

__all__ = ["predict_linear", "predict_samples"]

Values = NDArray[np.float64]


def predict_samples(
    folder: Path,
    baselines: Baselines,
    samples: Sequence[str],
    *,
    folders: TableFolders,
    selected_on: str,
    fold: int,
) -> None:
    """Write a table of every baseline's predictions for every sample; no label of theirs is read.

    Args:
        folder: of all predictions.
        baselines: the models.
        samples: their names.
        folders: of the tables.
        selected_on: the part of the split that chose the models.
        fold: the rotation of the split whose test copies these samples are from.

    Raises:
        TableError: for a structure table that is absent or damaged.
    """
    perceptron = baselines.perceptron
    metadata = {"labels": perceptron.labels, "selected_on": selected_on, "fold": fold}
    for name in samples:
        inputs = inputs_from_tables(name, folders, perceptron.graph)
        for model in baselines.linear:
            write_predictions(
                folder,
                name,
                model,
                species=inputs.configuration.species,
                predictions=predict_linear(baselines, model, inputs),
                metadata=metadata,
            )
    networks.predict_samples(
        folder, "perceptron", perceptron, samples, folders, selected_on=selected_on, fold=fold
    )


def predict_linear(baselines: Baselines, model: str, inputs: Inputs) -> dict[str, Values]:
    """Predict every label by a linear baseline.

    Args:
        baselines: all of them.
        model: one of `baselines.linear`.
        inputs: of a configuration of N particles.

    Returns:
        label -> (N,), in the label's unit.
    """
    columns = linear.predict(baselines.linear[model], FEATURES[model](inputs)).T
    return dict(zip(baselines.perceptron.targets, columns, strict=True))
