"""The network and what it has to beat, all of them functions from a sample's name to predictions.

- `network`: the trained model;
- `constant`: the mean label of the training copies;
- `ridge`: ridge regression on type and radial descriptors, whatever the network's node features are;
- `averaged_ridge`: on these and two generations of their averages over neighbours;
- `perceptron`: the network's own training, without recurrences: it sees the same features and no neighbour.

All are fitted to the training copies and chosen on those that the network was chosen on.

Source of the averages' reach: Boattini, Smallenburg & Filion, Phys. Rev. Lett. 127, 088007 (2021).
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from glassdyn.baselines import linear
from glassdyn.features.neighbour_averages import average_generations
from glassdyn.features.node_features import features_from_tables
from glassdyn.learning import training
from glassdyn.learning.distributed import Group
from glassdyn.learning.labelled_graphs import TableFolders, load_labelled_graph, load_labels
from glassdyn.learning.model_file import TrainedModel, predict
from glassdyn.learning.training_run import TrainingConfig, run_training, set_up
from glassdyn.liquid.neighbours import find_neighbours
from glassdyn.params import Model
from glassdyn.storage import tables

__all__ = ["Predictor", "averaged_features", "fit_linear", "network", "perceptron", "radial_features"]

Values = NDArray[np.float64]

Predictor = Callable[[str], Values]
"""From the name of a sample to (N, K) predictions in the labels' units."""

Features = Callable[[str, TableFolders], Values]
"""From the name of a sample and the folders of its tables to (N, F) features."""

GENERATIONS = 2
REACH = 3.5
"""Radius of an average, units of sigma_AA; half the box where that is less."""

DECAY = 2.0
"""Length over which a neighbour's share in an average decays, units of sigma_AA."""


def network(trained: TrainedModel, folders: TableFolders) -> Predictor:
    """Make the trained network answer in float64."""

    def answer(name: str) -> Values:
        graph = load_labelled_graph(name, folders, trained.graph, trained.targets)
        predicted: Values = predict(trained, graph).double().numpy()
        return predicted

    return answer


def fit_linear(course: TrainingConfig, folders: TableFolders) -> dict[str, Predictor]:
    """Fit the baselines that need no descent, one snapshot in memory at a time.

    Args:
        course: of the network; its held-out samples choose the penalties.
        folders: of the tables.

    Returns:
        `constant`, `ridge` and `averaged_ridge`.
    """
    found: dict[str, Predictor] = {}
    for name, features in (("ridge", radial_features), ("averaged_ridge", averaged_features)):
        known, held_out = (
            linear.moments(_learnt(features, part, folders, course.loss.targets))
            for part in (course.train, course.held_out)
        )
        if not found:
            found["constant"] = partial(_answer, radial_features, folders, linear.constant(known))
        chosen, _ = linear.select_ridge(known, held_out)
        found[name] = partial(_answer, features, folders, chosen)
    return found


def perceptron(
    trained: TrainedModel,
    course: TrainingConfig,
    folders: TableFolders,
    members: Group,
    advance: Callable[[float], None] = lambda _steps: None,
) -> Predictor:
    """Train the encoder and decoder alone, on the network's course; goes on where it was cut off.

    Args:
        trained: the network.
        course: of the network.
        folders: of the tables.
        members: this process, and where it computes.
        advance: told of every step.
    """
    model = Model(kind="graph_network", n_rec=0, shared=False, hidden=course.model.hidden, heads=1)
    blind = course._replace(model=model)
    lesson = set_up(blind, folders, members.device)
    *_, end = run_training(blind, lesson, folders, members, advance)
    untrained = training.initial_network(model, lesson.sizes, course.settings.seed)
    untrained.load_state_dict(end.best)
    normalisation = lesson.dataset.normalisation
    return network(trained._replace(network=untrained, model=model, normalisation=normalisation), folders)


def radial_features(name: str, folders: TableFolders) -> Values:
    """(N, F) type and radial descriptors of a sample."""
    return features_from_tables(folders.features / f"{name}.parquet", "full").astype(np.float64)


def averaged_features(name: str, folders: TableFolders) -> Values:
    """(N, 3 F) type, radial descriptors and two generations of their averages over neighbours."""
    path = folders.features / f"{name}.parquet"
    positions = tables.read(path, ["x", "y", "z"]).to_numpy()
    box_length = tables.read_parameters(path)["box_length"]
    pairs = find_neighbours(positions, box_length, min(REACH, box_length / 2))
    return average_generations(radial_features(name, folders), pairs, count=GENERATIONS, length=DECAY)


def _learnt(
    features: Features, names: Sequence[str], folders: TableFolders, labels: Sequence[str]
) -> Iterable[tuple[Values, Values]]:
    """Features and labels of the A particles, sample by sample."""
    for name in names:
        found = load_labels(name, folders, labels)
        learnt = (found["type"] == 0).to_numpy()
        yield features(name, folders)[learnt], found.select(labels).to_numpy()[learnt]


def _answer(features: Features, folders: TableFolders, model: linear.Linear, name: str) -> Values:
    return linear.predict(model, features(name, folders))
