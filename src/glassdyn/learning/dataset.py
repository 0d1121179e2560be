"""Training examples: standardised graphs with targets and weights, and the order in which training draws them."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from glassdyn.learning.graphs import Normalisation, Snapshot, fit_normalisation, fit_scaling, standardise
from glassdyn.learning.loss import Histogram, fit_histogram, rarity_weights
from glassdyn.learning.subgraphs import SYMMETRIES, apply_symmetry, k_hop_subgraph, nearest_particles
from glassdyn.params import Loss, Train

__all__ = ["Dataset", "Example", "draw_example", "make_dataset", "partition"]


class Example(NamedTuple):
    """One snapshot, or a part of it: what goes into the network and what should come out.

    Attributes:
        graph: standardised features.
        a_particles: (N_A,) int64, the A particles whose errors count.
        targets: (N_A, targets) standardised labels.
        weight: (N_A, targets) of their squared errors.
    """

    graph: Snapshot
    a_particles: Tensor
    targets: Tensor
    weight: Tensor

    def to(self, device: torch.device) -> "Example":
        """The same example on another device."""
        return Example(
            self.graph.to(device),
            self.a_particles.to(device),
            self.targets.to(device),
            self.weight.to(device),
        )


class Dataset(NamedTuple):
    """Examples to train on, and examples to stop and select by.

    Attributes:
        train: examples whose errors are reduced.
        held_out: examples whose errors stop training and select the weights.
        normalisation: statistics of the training snapshots.
    """

    train: Sequence[Example]
    held_out: Sequence[Example]
    normalisation: Normalisation

    def to(self, device: torch.device) -> "Dataset":
        """The same dataset on another device; the normalisation stays where the labels are."""
        train, held_out = ([example.to(device) for example in part] for part in (self.train, self.held_out))
        return Dataset(train, held_out, self.normalisation)


def make_dataset(train: Sequence[Snapshot], held_out: Sequence[Snapshot], loss: Loss) -> Dataset:
    """Standardise labelled graphs, and weigh their labels.

    Node features and edges get the statistics of the training part. So do labels, or each snapshot its own
    (`loss.standardise`): then a model learns who moves more than others at the same time, not how mobile the snapshot
    is as a whole, and its predictions are given the training part's mean and spread.
    """
    normalisation = fit_normalisation(train)
    histogram = fit_histogram([graph.labels[graph.species == 0] for graph in train], loss.bins)
    train_examples, held_out_examples = (
        [_example(graph, normalisation, histogram, loss) for graph in part] for part in (train, held_out)
    )
    return Dataset(train_examples, held_out_examples, normalisation)


def _example(graph: Snapshot, normalisation: Normalisation, histogram: Histogram, loss: Loss) -> Example:
    """Standardise one labelled graph; its weights come from the labels in their own units."""
    a_particles = torch.nonzero(graph.species == 0).squeeze(1)
    labels = graph.labels[a_particles]
    scaling = fit_scaling([labels]) if loss.standardise == "snapshot" else normalisation.targets
    targets = scaling.apply(labels)
    weight = rarity_weights(labels, histogram, loss.alpha)
    return Example(standardise(graph, normalisation), a_particles, targets, weight)


def draw_example(examples: Sequence[Example], number: int, params: Train, depth: int) -> Example:
    """The example of one draw, which the seed and its number determine.

    Every snapshot comes once per epoch, in an order of its own. Where `subgraph` is above 0, the example is
    a ball of so many particles around one of its A particles; where `augment` is set, one of its 48 images
    under the symmetries of the cube.

    Args:
        examples: whole snapshots.
        number: draws before this one.
        params: seed, subgraph, augment.
        depth: blocks of the network, hence shells around a ball.
    """
    epoch, place = divmod(number, len(examples))
    order = np.random.default_rng([params.seed, epoch]).permutation(len(examples))
    example = examples[int(order[place])]
    generator = np.random.default_rng([params.seed, number, 1])
    centre, symmetry = generator.random(), int(generator.integers(len(SYMMETRIES)))
    if params.subgraph:
        particle = int(example.a_particles[int(centre * len(example.a_particles))])
        example = _part(example, nearest_particles(example.graph, particle, params.subgraph), depth)
    return example._replace(graph=apply_symmetry(example.graph, symmetry)) if params.augment else example


def partition(example: Example, particles: int, depth: int) -> Iterator[Example]:
    """Divide a whole snapshot among cubes of about so many particles, each with its halo.

    Args:
        example: whole snapshot.
        particles: of a cube; 0 leaves the snapshot whole.
        depth: blocks of the network, hence shells around a cube.
    """
    if not particles:
        yield example
        return
    graph = example.graph
    along = math.ceil((graph.num_nodes / particles) ** (1 / 3))  # cubes along an edge of the box
    places = (graph.pos / graph.box_length * along).long().clamp(max=along - 1)  # (N, 3)
    cubes = (places[:, 0] * along + places[:, 1]) * along + places[:, 2]  # (N,)
    for cube in cubes[example.a_particles].unique():
        yield _part(example, torch.nonzero(cubes == cube).squeeze(1), depth)


def _part(example: Example, core: Tensor, depth: int) -> Example:
    """The A particles among those of the core, and what a network needs to predict them."""
    graph, subset = k_hop_subgraph(example.graph, core, depth)
    rows = torch.isin(example.a_particles, core)
    a_particles = torch.searchsorted(subset, example.a_particles[rows])
    return Example(graph, a_particles, example.targets[rows], example.weight[rows])
