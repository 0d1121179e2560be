"""Parts and symmetries of a snapshot: a ball with its halo, the same liquid along permuted and reflected axes.

A network of n blocks predicts the particles of a ball from the ball and the n shells of neighbours around
it: exactly what it predicts for them in the whole box. The cube has 48 symmetries, and under each of them
a periodic liquid in a cubic box is as likely as before.
"""

from itertools import permutations, product

import torch
from torch import Tensor

from glassdyn.learning.graphs import Snapshot, index_edges

__all__ = ["SYMMETRIES", "apply_symmetry", "k_hop_subgraph", "nearest_particles"]

SYMMETRIES = [(axes, signs) for axes in permutations(range(3)) for signs in product((1.0, -1.0), repeat=3)]
"""The 48 permutations of the axes with reflections."""


def nearest_particles(graph: Snapshot, centre: int, particles: int) -> Tensor:
    """The particles nearest to one of them.

    Args:
        graph: with positions and box length.
        centre: index of a particle.
        particles: how many, the centre among them; all where there are no more.

    Returns:
        (particles,) int64, increasing.
    """
    vectors = graph.pos - graph.pos[centre]
    vectors = vectors - graph.box_length * torch.round(vectors / graph.box_length)
    nearest = torch.topk((vectors**2).sum(dim=1), min(particles, graph.num_nodes), largest=False).indices
    return nearest.sort().values


def k_hop_subgraph(graph: Snapshot, nodes: Tensor, depth: int) -> tuple[Snapshot, Tensor]:
    """The part of a graph from which a network of `depth` blocks predicts some nodes.

    Args:
        graph: whole.
        nodes: (n,) int64, increasing.
        depth: blocks, so the shells of the halo.

    Returns:
        The graph of the nodes and their halo, in their order; and (m,) its nodes in the whole one.
    """
    senders, receivers = graph.edge_index
    inside = torch.zeros(graph.num_nodes, dtype=torch.bool, device=nodes.device)
    inside[nodes] = True
    for _ in range(depth):
        inside[senders[inside[receivers]]] = True
    subset = torch.nonzero(inside).squeeze(1)
    edges = inside[senders] & inside[receivers]  # (E,)
    index = inside.cumsum(dim=0) - 1  # (N,) place of each node of the subset in it
    part = Snapshot(
        x=graph.x[subset],
        pos=graph.pos[subset],
        box_length=graph.box_length,
        species=graph.species[subset],
        edge_attr=graph.edge_attr[edges],
        edge_vectors=graph.edge_vectors[edges],
        **index_edges(index[senders[edges]], index[receivers[edges]], len(subset)),
    )
    return part, subset


def apply_symmetry(graph: Snapshot, symmetry: int) -> Snapshot:
    """The graph as seen along permuted and reflected axes; labels and distances are what they were.

    Args:
        graph: standardised or not: the components of its vectors share one scale.
        symmetry: number of one of `SYMMETRIES`.
    """
    axes, signs = SYMMETRIES[symmetry]
    factors = torch.tensor(signs, device=graph.edge_vectors.device)
    vectors = graph.edge_vectors[:, list(axes)] * factors
    if graph.edge_attr.shape[1] == 1:
        return graph._replace(edge_vectors=vectors)
    return graph._replace(edge_vectors=vectors, edge_attr=graph.edge_attr[:, list(axes)] * factors)
