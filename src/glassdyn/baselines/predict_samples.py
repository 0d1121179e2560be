"""The baselines' predictions of recorded samples, as tables."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glassdyn.baselines import linear
from glassdyn.baselines.features import FEATURES, load_configuration, load_radial_features
from glassdyn.baselines.fit import Baselines
from glassdyn.learning import predict_samples as networks
from glassdyn.learning.labelled_graphs import TableFolders
from glassdyn.liquid.configuration import Configuration
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
) -> None:
    """Write a table of every baseline's predictions for every sample; no label of theirs is read.

    Args:
        folder: of all predictions.
        baselines: the models.
        samples: their names.
        folders: of the tables.
        selected_on: the part of the split that chose the models.

    Raises:
        TableError: for a structure table that is absent or damaged.
    """
    labels = baselines.perceptron.labels
    for name in samples:
        radial, configuration = load_radial_features(name, folders), load_configuration(name, folders)
        for model in baselines.linear:
            write_predictions(
                folder,
                name,
                model,
                species=configuration.species,
                predictions=predict_linear(baselines, model, radial, configuration),
                metadata={"labels": labels, "selected_on": selected_on},
            )
    networks.predict_samples(folder, "perceptron", baselines.perceptron, samples, folders, selected_on)


def predict_linear(
    baselines: Baselines, model: str, radial: Values, configuration: Configuration
) -> dict[str, Values]:
    """Predict every label by a linear baseline.

    Args:
        baselines: all of them.
        model: one of `baselines.linear`.
        radial: (N, F) radial features of the configuration.
        configuration: of N particles.

    Returns:
        label -> (N,), in the label's unit.
    """
    columns = linear.predict(baselines.linear[model], FEATURES[model](radial, configuration)).T
    return dict(zip(baselines.perceptron.targets, columns, strict=True))
