"""The edge update (thesis 2.9) and its sums over receivers (thesis 2.10) in one kernel: its interface.

    h_k = ReLU(W e_k + W0 e0_k + P_{r_k} + Q_{s_k}),   e'_k = MLP(h_k),   e_bar_i = sum_{k: r_k = i} e'_k

P_i and Q_i, the node terms, are what the columns of the first weight that belong to v_r and v_s make of node i:
products of N nodes, not of E edges.
"""

from itertools import chain
from typing import NamedTuple

import torch
from torch import Tensor

from glassdyn.learning.models.buffers import BufferPool
from glassdyn.learning.models.connectivity import Connectivity
from glassdyn.learning.models.edge_kernels import EncodeEdges, UpdateAndSum, UpdateAndSumLast
from glassdyn.learning.models.linear_kernels import Layers

__all__ = ["EdgePerceptron", "Skip", "encode_edges", "update_and_sum", "update_and_sum_last"]


class Skip(NamedTuple):
    """Features of the current graph and of the encoded one, which a skip connection puts beside them.

    Attributes:
        current: (N, h) v or (E, h) e.
        encoded: v0 or e0; the same tensor before the first block.
    """

    current: Tensor
    encoded: Tensor


class EdgePerceptron(NamedTuple):
    """The perceptron of (2.9), where the columns of its first weight that belong to nodes are applied already.

    Attributes:
        node_terms: (2 N, h_1) P_i and Q_i in turns.
        current: (h_1, h) W, columns of the first weight that belong to e.
        encoded: (h_1, h) W0, those that belong to e0.
        layers: behind the first one.
    """

    node_terms: Tensor
    current: Tensor
    encoded: Tensor
    layers: Layers


def encode_edges(features: Tensor, layers: Layers, buffers: BufferPool) -> Tensor:
    """(E, h) perceptron of (E, F) edge features, which receive no gradient (thesis 2.8), for updates alone."""
    encoded: Tensor = EncodeEdges.apply(buffers, *_autocast(features, *chain(*layers)))
    return encoded


def update_and_sum(
    edges: Skip, phi: EdgePerceptron, connectivity: Connectivity, buffers: BufferPool
) -> tuple[Skip, Tensor]:
    """The edge update of one block and its sums over receivers (thesis 2.9 and 2.10).

    Args:
        edges: (E, h) e and e0.
        phi: the perceptron.
        connectivity: of the graph.
        buffers: for what belongs to the edges.

    Returns:
        (E, h) e' and e0, for the update of the next block and for nothing else, because it overwrites the
        gradients that reach them; and (N, h) e_bar.
    """
    operands = _autocast(phi.node_terms, *_first_layer(edges, phi), *chain(*phi.layers))
    updated, encoded, received = UpdateAndSum.apply(connectivity, buffers, *operands)
    return Skip(updated, encoded), received


def update_and_sum_last(
    edges: Skip, phi: EdgePerceptron, connectivity: Connectivity, buffers: BufferPool
) -> Tensor:
    """(N, h) e_bar of `update_and_sum` alone, keeping no e': for the last block, whose edges nobody reads."""
    operands = _autocast(phi.node_terms, *_first_layer(edges, phi), *chain(*phi.layers))
    received: Tensor = UpdateAndSumLast.apply(connectivity, buffers, *operands)
    return received


def _first_layer(edges: Skip, phi: EdgePerceptron) -> tuple[Tensor | None, ...]:
    """e0, W0, e, W; where e is e0, W e + W0 e0 = (W + W0) e0 and the latter two are none.

    The weights are columns of a wider one. They are copied together because oneDNN, on a processor without
    AVX-512, has nothing but its reference kernel for columns: 500 times slower.
    """
    if edges.current is edges.encoded:
        return edges.encoded, phi.current + phi.encoded, None, None
    return edges.encoded, phi.encoded.contiguous(), edges.current, phi.current.contiguous()


def _autocast(*tensors: Tensor | None) -> tuple[Tensor | None, ...]:
    """What goes into a function of ours, in the one type that autocast asks for where it is on."""
    kind = next(tensor.device.type for tensor in tensors if tensor is not None)
    if not torch.is_autocast_enabled(kind):
        return tensors
    dtype = torch.get_autocast_dtype(kind)
    return tuple(None if tensor is None else tensor.to(dtype) for tensor in tensors)
