"""The network and what it has to beat, all of them functions from a graph to predictions.

- `network`: the trained model;
- `constant`: the mean label of the training copies;
- `ridge`: ridge regression on the node features;
- `averaged_ridge`: on the node features and their averages over neighbours, twice repeated;
- `perceptron`: a graph network without recurrences, trained as the network was: it sees no neighbour.

All are fitted to the training copies and chosen on those that the network was chosen on.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from glassdyn.features.averages import generations
from glassdyn.learning import baselines, training
from glassdyn.learning.exercises import problem_of
from glassdyn.learning.graphs import Snapshot
from glassdyn.learning.model_file import TrainedModel, predict
from glassdyn.neighbours import Pairs
from glassdyn.params import Loss, Model, Train

__all__ = ["Rival", "averaged", "linear", "network", "perceptron"]

Values = NDArray[np.float64]

Rival = Callable[[Snapshot], Values]
"""From a graph, its features not standardised, to (N, K) predictions in the labels' units."""

GENERATIONS = 2
DECAY = 1.0
"""Length over which a neighbour's share in an average decays, units of sigma_AA."""


def network(trained: TrainedModel) -> Rival:
    """Make the trained network answer in float64."""
    return lambda graph: predict(trained, graph).double().numpy()


def linear(fit_on: Sequence[Snapshot], choose_on: Sequence[Snapshot]) -> dict[str, Rival]:
    """Fit the baselines that need no descent: `constant`, `ridge` and `averaged_ridge`.

    Args:
        fit_on: labelled graphs; their A particles count.
        choose_on: those that choose the penalties.
    """
    found: dict[str, Rival] = {}
    for name, features in (("ridge", own), ("averaged_ridge", averaged)):
        known, held_out = (
            baselines.moments(_learnt(features, graph) for graph in part) for part in (fit_on, choose_on)
        )
        chosen, _ = baselines.select_ridge(known, held_out)
        if not found:
            found["constant"] = partial(_answer, own, baselines.constant(known))
        found[name] = partial(_answer, features, chosen)
    return found


def perceptron(
    trained: TrainedModel,
    fit_on: Sequence[Snapshot],
    choose_on: Sequence[Snapshot],
    *,
    loss: Loss,
    settings: Train,
    advance: Callable[[float], None] = lambda _steps: None,
) -> Rival:
    """Train the encoder and decoder alone, with the network's widths, loss and settings.

    Args:
        trained: the network, for its widths and node features.
        fit_on: labelled graphs; their A particles count.
        choose_on: those that stop the training and select its best step.
        loss: as the network's.
        settings: as the network's.
        advance: told of every step.
    """
    problem = problem_of(fit_on, choose_on, loss)
    model = Model(kind="graph_network", n_rec=0, shared=False, hidden=trained.model.hidden)
    blind = training.initial(model, trained.sizes, settings.seed)
    optimiser = torch.optim.Adam(blind.parameters(), lr=settings.lr)
    *_, end = training.fit(blind, optimiser, problem, settings, depth=0, advance=advance)
    blind.load_state_dict(end.best)
    return network(trained._replace(network=blind, model=model, normalisation=problem.normalisation))


def own(graph: Snapshot) -> Values:
    """(N, F) node features."""
    features: Values = graph.x.double().numpy()
    return features


def averaged(graph: Snapshot) -> Values:
    """(N, 3 F) node features and two generations of their averages over the graph's edges."""
    senders, receivers = graph.edge_index.numpy()
    pairs = Pairs(receivers, senders, graph.edge_vectors.double().numpy())
    return generations(own(graph), _without_self_edges(pairs), count=GENERATIONS, length=DECAY)


def _without_self_edges(pairs: Pairs) -> Pairs:
    others = pairs.receivers != pairs.senders
    return Pairs(pairs.receivers[others], pairs.senders[others], pairs.vectors[others])


def _learnt(features: Callable[[Snapshot], Values], graph: Snapshot) -> tuple[Values, Values]:
    learnt = (graph.species == 0).numpy()
    return features(graph)[learnt], graph.y.double().numpy()[learnt]


def _answer(features: Callable[[Snapshot], Values], model: baselines.Linear, graph: Snapshot) -> Values:
    return baselines.predict(model, features(graph))
