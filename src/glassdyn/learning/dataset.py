"""What is to be learnt: standardised graphs with targets and weights, and the order in which they come."""

import math
from collections.abc import Iterator, Sequence
from copy import copy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from glassdyn.learning.graphs import Normalisation, Snapshot, fit_normalisation, standardise
from glassdyn.learning.loss import Histogram, fit_histogram, rarity_weights
from glassdyn.learning.subgraphs import SYMMETRIES, apply_symmetry, khop_subgraph, nearest_particles
from glassdyn.params import Loss, Train

__all__ = ["Dataset", "Example", "draw_example", "make_dataset", "partition"]


class Example(NamedTuple):
    """One snapshot, or a part of it, made ready: what goes in and what should come out.

    Attributes:
        graph: standardised features.
        learnt: (N_A,) int64, the A particles whose errors count.
        targets: (N_A, targets) standardised labels.
        weight: (N_A, targets) of their squared errors.
    """

    graph: Snapshot
    learnt: Tensor
    targets: Tensor
    weight: Tensor

    def to(self, device: torch.device) -> "Example":
        """The same exercise on another device."""
        tensors = (part.to(device) for part in self[1:])
        return Example(copy(self.graph).to(device), *tensors)  # PyG moves a graph in place


class Dataset(NamedTuple):
    """What is to be learnt.

    Attributes:
        train: exercises whose errors are reduced.
        held_out: exercises that tell when to stop and which weights to keep.
        normalisation: statistics of the training snapshots.
    """

    train: Sequence[Example]
    held_out: Sequence[Example]
    normalisation: Normalisation

    def to(self, device: torch.device) -> "Dataset":
        """The same problem on another device; the normalisation stays where the labels are."""
        train, held_out = ([one.to(device) for one in part] for part in (self.train, self.held_out))
        return Dataset(train, held_out, self.normalisation)


def make_dataset(train: Sequence[Snapshot], held_out: Sequence[Snapshot], loss: Loss) -> Dataset:
    """Standardise labelled graphs with the statistics of the training part, and weigh their labels."""
    normalisation = fit_normalisation(train)
    histogram = fit_histogram([graph.y[graph.species == 0] for graph in train], loss.bins)

    def exercises(part: Sequence[Snapshot]) -> list[Example]:
        return [_exercise(graph, normalisation, histogram, loss.alpha) for graph in part]

    return Dataset(exercises(train), exercises(held_out), normalisation)


def _exercise(graph: Snapshot, normalisation: Normalisation, histogram: Histogram, alpha: float) -> Example:
    """Standardise one labelled graph; its weights come from the labels in their own units."""
    learnt = torch.nonzero(graph.species == 0).squeeze(1)
    labels = graph.y[learnt]
    targets = normalisation.targets.apply(labels)
    return Example(
        standardise(graph, normalisation), learnt, targets, rarity_weights(labels, histogram, alpha)
    )


def draw_example(exercises: Sequence[Example], number: int, settings: Train, depth: int) -> Example:
    """The exercise of one draw, which the seed and its number determine.

    Every snapshot comes once per epoch, in an order of its own. Where `subgraph` is above 0, it is a ball
    of so many particles around one of its A particles; where `augment` is set, one of the 48 views of it.

    Args:
        exercises: whole snapshots.
        number: draws before this one.
        settings: seed, subgraph, augment.
        depth: blocks of the network, hence shells around a ball.
    """
    epoch, place = divmod(number, len(exercises))
    order = np.random.default_rng([settings.seed, epoch]).permutation(len(exercises))
    exercise = exercises[int(order[place])]
    chance = np.random.default_rng([settings.seed, number, 1])
    centre, symmetry = chance.random(), int(chance.integers(len(SYMMETRIES)))
    if settings.subgraph:
        particle = int(exercise.learnt[int(centre * len(exercise.learnt))])
        exercise = _part(exercise, nearest_particles(exercise.graph, particle, settings.subgraph), depth)
    return exercise._replace(graph=apply_symmetry(exercise.graph, symmetry)) if settings.augment else exercise


def partition(exercise: Example, particles: int, depth: int) -> Iterator[Example]:
    """Divide a whole snapshot among cubes of about so many particles, each with its halo.

    Args:
        exercise: whole snapshot.
        particles: of a cube; 0 leaves the snapshot whole.
        depth: blocks of the network, hence shells around a cube.
    """
    if not particles:
        yield exercise
        return
    graph = exercise.graph
    along = math.ceil((graph.num_nodes / particles) ** (1 / 3))  # cubes along an edge of the box
    places = (graph.pos / graph.box_length * along).long().clamp(max=along - 1)  # (N, 3)
    cubes = (places[:, 0] * along + places[:, 1]) * along + places[:, 2]  # (N,)
    for cube in cubes[exercise.learnt].unique():
        yield _part(exercise, torch.nonzero(cubes == cube).squeeze(1), depth)


def _part(exercise: Example, core: Tensor, depth: int) -> Example:
    """The A particles among some, and what a network needs to predict them."""
    graph, kept = khop_subgraph(exercise.graph, core, depth)
    rows = torch.isin(exercise.learnt, core)
    learnt = torch.searchsorted(kept, exercise.learnt[rows])
    return Example(graph, learnt, exercise.targets[rows], exercise.weight[rows])
