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

from glassdyn import tables
from glassdyn.evaluation import baselines
from glassdyn.features.averages import generations
from glassdyn.learning import training
from glassdyn.learning.course import Course, attended, prepared
from glassdyn.learning.graphs import node_features
from glassdyn.learning.model_file import TrainedModel, predict
from glassdyn.learning.processes import Group
from glassdyn.learning.samples import Tables, labelled, labels_of
from glassdyn.neighbours import neighbours
from glassdyn.params import Model

__all__ = ["Rival", "averaged", "linear", "network", "own", "perceptron"]

Values = NDArray[np.float64]

Rival = Callable[[str], Values]
"""From the name of a sample to (N, K) predictions in the labels' units."""

Features = Callable[[str, Tables], Values]
"""From the name of a sample and the folders of its tables to (N, F) features."""

GENERATIONS = 2
REACH = 3.5
"""Radius of an average, units of sigma_AA; half the box where that is less."""

DECAY = 2.0
"""Length over which a neighbour's share in an average decays, units of sigma_AA."""


def network(trained: TrainedModel, folders: Tables) -> Rival:
    """Make the trained network answer in float64."""

    def answer(name: str) -> Values:
        graph = labelled(name, folders, trained.graph, trained.targets)
        predicted: Values = predict(trained, graph).double().numpy()
        return predicted

    return answer


def linear(course: Course, folders: Tables) -> dict[str, Rival]:
    """Fit the baselines that need no descent, one snapshot in memory at a time.

    Args:
        course: of the network; its held-out samples choose the penalties.
        folders: of the tables.

    Returns:
        `constant`, `ridge` and `averaged_ridge`.
    """
    found: dict[str, Rival] = {}
    for name, features in (("ridge", own), ("averaged_ridge", averaged)):
        known, held_out = (
            baselines.moments(_learnt(features, part, folders, course.loss.targets))
            for part in (course.train, course.held_out)
        )
        if not found:
            found["constant"] = partial(_answer, own, folders, baselines.constant(known))
        chosen, _ = baselines.select_ridge(known, held_out)
        found[name] = partial(_answer, features, folders, chosen)
    return found


def perceptron(
    trained: TrainedModel,
    course: Course,
    folders: Tables,
    members: Group,
    advance: Callable[[float], None] = lambda _steps: None,
) -> Rival:
    """Train the encoder and decoder alone, on the network's course; goes on where it was cut off.

    Args:
        trained: the network.
        course: of the network.
        folders: of the tables.
        members: this process, and where it computes.
        advance: told of every step.
    """
    model = Model(kind="graph_network", n_rec=0, shared=False, hidden=course.model.hidden)
    blind = course._replace(model=model)
    lesson = prepared(blind, folders, members.device)
    *_, end = attended(blind, lesson, folders, members, advance)
    untrained = training.initial(model, lesson.sizes, course.settings.seed)
    untrained.load_state_dict(end.best)
    normalisation = lesson.problem.normalisation
    return network(trained._replace(network=untrained, model=model, normalisation=normalisation), folders)


def own(name: str, folders: Tables) -> Values:
    """(N, F) type and radial descriptors of a sample."""
    structure = tables.read(folders.features / f"{name}.parquet", ["type", "descriptors"])
    found = node_features(structure["type"].to_numpy(), structure["descriptors"].to_numpy())
    return found.astype(np.float64)


def averaged(name: str, folders: Tables) -> Values:
    """(N, 3 F) type, radial descriptors and two generations of their averages over neighbours."""
    path = folders.features / f"{name}.parquet"
    positions = tables.read(path, ["x", "y", "z"]).to_numpy()
    box_length = tables.parameters(path)["box_length"]
    pairs = neighbours(positions, box_length, min(REACH, box_length / 2))
    return generations(own(name, folders), pairs, count=GENERATIONS, length=DECAY)


def _learnt(
    features: Features, names: Sequence[str], folders: Tables, labels: Sequence[str]
) -> Iterable[tuple[Values, Values]]:
    """Features and labels of the A particles, sample by sample."""
    for name in names:
        found = labels_of(name, folders, labels)
        learnt = (found["type"] == 0).to_numpy()
        yield features(name, folders)[learnt], found.select(labels).to_numpy()[learnt]


def _answer(features: Features, folders: Tables, model: baselines.Linear, name: str) -> Values:
    return baselines.predict(model, features(name, folders))
