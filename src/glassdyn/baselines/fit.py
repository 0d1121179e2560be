"""The models that the network has to beat, fitted to its samples and chosen on those that it is chosen on.

- `constant`: the mean label of the training copies;
- `ridge`: ridge regression on type and radial descriptors;
- `averaged_ridge`: on these and two generations of their averages over neighbours;
- `perceptron`: the network's own training without recurrences, on the same node features: it sees no neighbour.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.baselines import linear
from glassdyn.baselines.features import FEATURES, load_configuration, load_radial_features
from glassdyn.baselines.linear import Linear
from glassdyn.errors import GlassdynError
from glassdyn.features.moments import empty, update
from glassdyn.learning.distributed import Group
from glassdyn.learning.labelled_graphs import TableFolders, load_labels
from glassdyn.learning.model_file import TrainedModel
from glassdyn.learning.training_run import (
    TrainingConfig,
    run_training,
    select_samples,
    set_up,
    trained_model,
)
from glassdyn.params import Model, Params

__all__ = ["Baselines", "FeatureScale", "configure_perceptron", "fit_linear", "fit_perceptron", "fit_scale"]

Values = NDArray[np.float64]


class FeatureScale(NamedTuple):
    """Statistics of the radial features over all particles of the training copies.

    Attributes:
        mean: (F,).
        scale: (F,) standard deviation; 1 where a feature does not vary.
    """

    mean: Values
    scale: Values


class Baselines(NamedTuple):
    """All baselines.

    Attributes:
        linear: `constant`, `ridge` and `averaged_ridge`.
        radial: of the features that these read, to tell another liquid by.
        perceptron: a network without recurrences; it knows the labels, and how the features are computed.
    """

    linear: Mapping[str, Linear]
    radial: FeatureScale
    perceptron: TrainedModel


def configure_perceptron(params: Params, samples: Sequence[str]) -> TrainingConfig:
    """The network's training for a model that sees no neighbour: of `model` it reads `hidden` alone.

    Args:
        params: of the run.
        samples: names of all of them.
    """
    train, held_out = select_samples(samples, params.split, params.train.select_on)
    model = Model(kind="graph_network", n_rec=0, shared=False, hidden=params.model.hidden, heads=1)
    return TrainingConfig(train, held_out, params.graph, model, params.loss, params.train)


def fit_linear(config: TrainingConfig, folders: TableFolders) -> dict[str, Linear]:
    """Fit the baselines that need no gradient descent, one snapshot in memory at a time.

    Args:
        config: its samples, and its targets; the held-out samples choose the penalties.
        folders: of the tables.

    Returns:
        `constant`, `ridge` and `averaged_ridge`.
    """
    models: dict[str, Linear] = {}
    for name in ("ridge", "averaged_ridge"):
        training, held_out = (
            linear.sum_moments(_read_a_particles(name, part, folders, config.loss.targets))
            for part in (config.train, config.held_out)
        )
        if not models:
            models["constant"] = linear.fit_constant(training)
        models[name], _ = linear.select_ridge(training, held_out)
    return models


def fit_scale(samples: Sequence[str], folders: TableFolders) -> FeatureScale:
    """Mean and standard deviation of the radial features over all particles, one snapshot in memory at a time."""
    total = None
    for name in samples:
        rows = load_radial_features(name, folders)
        total = update(total or empty(rows.shape[1]), rows)
    if total is None:
        raise GlassdynError("a baseline needs training samples: got none (params.yaml: split.train)")
    spread = np.sqrt(np.diag(total.scatter) / total.rows)
    return FeatureScale(total.mean, np.where(spread > 1e-6, spread, 1.0))


def fit_perceptron(
    config: TrainingConfig,
    folders: TableFolders,
    group: Group,
    *,
    pca: Path,
    advance: Callable[[float], None] = lambda _steps: None,
) -> TrainedModel:
    """Train encoder and decoder alone; goes on where an earlier run was cut off.

    Args:
        config: see `configure_perceptron`.
        folders: of the tables.
        group: this process, and where it computes.
        pca: file of the principal components, read where they are the node features.
        advance: called with the number of steps done since the last call.
    """
    setup = set_up(config, folders, group.device)
    *_, end = run_training(config, setup, folders, group, advance)
    return trained_model(config, setup, end, pca)


def _read_a_particles(
    model: str, samples: Sequence[str], folders: TableFolders, labels: Sequence[str]
) -> Iterable[tuple[Values, Values]]:
    """Features and labels of the A particles, sample by sample."""
    for name in samples:
        table = load_labels(name, folders, labels)
        is_a = (table["type"] == 0).to_numpy()
        features = FEATURES[model](load_radial_features(name, folders), load_configuration(name, folders))
        yield features[is_a], table.select(labels).to_numpy()[is_a]
