"""Where edges begin and end, a slice of them at a time, and sums over the edges of a node."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from glassdyn.learning.graphs import Snapshot

__all__ = ["Connectivity", "connect", "edge_slices", "node_slices", "sum_by_sender", "sum_received"]

SLICE_CPU, SLICE_GPU = 2**19, 2**26
"""Numbers in a slice: 64 of 8192 edges are 2 MB in float32, which the caches of two cores hold."""


class Connectivity(NamedTuple):
    """Senders and receivers in the forms that gathering and summing need.

    Attributes:
        ends: (E, 2) int64, rows 2 r_k and 2 s_k + 1 of a table of node terms, two rows for each node.
        receivers: (E,) int64, increasing.
        offsets: (N + 1,) int64, node i receives the edges offsets[i] ... offsets[i + 1] - 1.
        by_sender: (E,) int64, the edges in the order of their senders.
        sender_offsets: (N + 1,) int64, node i sends by_sender[sender_offsets[i] ... [i + 1] - 1].
    """

    ends: Tensor
    receivers: Tensor
    offsets: Tensor
    by_sender: Tensor
    sender_offsets: Tensor


def connect(graph: Snapshot) -> Connectivity:
    """The connectivity of a graph whose receivers increase."""
    senders, receivers = graph.edge_index
    return Connectivity(
        torch.stack((2 * receivers, 2 * senders + 1), dim=1),
        receivers,
        functional.pad(graph.in_degree.cumsum(0), (1, 0)),
        graph.by_sender,
        functional.pad(graph.out_degree.cumsum(0), (1, 0)),
    )


def edge_slices(edges: Tensor, width: int) -> Iterator[slice]:
    """Slices of (E, ...) edges with `width` numbers each."""
    size = _slice_size(edges, width)
    return (slice(start, start + size) for start in range(0, len(edges), size))


def node_slices(connectivity: Connectivity, width: int) -> Iterator[tuple[slice, slice]]:
    """Slices of nodes, and of the edges that they receive, of which there are about as many as in `edge_slices`."""
    nodes, edges = len(connectivity.offsets) - 1, len(connectivity.receivers)
    number = max(round(edges / _slice_size(connectivity.receivers, width)), 1)
    starts = [nodes * part // number for part in range(number + 1)]
    edge_starts = connectivity.offsets[starts].tolist()
    for bounds, edge_bounds in zip(pairwise(starts), pairwise(edge_starts), strict=True):
        yield slice(*bounds), slice(*edge_bounds)


def sum_received(edges: Tensor, offsets: Tensor) -> Tensor:
    """(N, h) sums e_bar_i of the edges that each node receives (thesis 2.10).

    Args:
        edges: (E, h), sorted by receiver.
        offsets: (N + 1,) int64, node i receives the edges offsets[i] ... offsets[i + 1] - 1.
    """
    return _sum_rows(edges, torch.arange(len(edges), device=edges.device), offsets)


def sum_by_sender(edges: Tensor, connectivity: Connectivity) -> Tensor:
    """(N, h) sums of the (E, h) edges that each node sends."""
    return _sum_rows(edges, connectivity.by_sender, connectivity.sender_offsets)


def _sum_rows(table: Tensor, rows: Tensor, offsets: Tensor) -> Tensor:
    """(N, h) sums: node i adds up the rows[offsets[i] ... offsets[i + 1] - 1] of the table."""
    return torch.embedding_bag(table, rows, offsets, False, 0, False, None, True)[0]


def _slice_size(edges: Tensor, width: int) -> int:
    return max((SLICE_CPU if edges.device.type == "cpu" else SLICE_GPU) // width, 1)
