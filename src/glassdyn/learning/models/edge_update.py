"""Perceptrons over directed edges and their sums over receivers, a slice of edges at a time.

    h_k = relu(W e_k + W0 e0_k + P_{r_k} + Q_{s_k}),   e'_k = MLP(h_k),   S_i = sum_{k: r_k = i} e'_k

A slice of edges stays in the processor's cache through all its layers and its sums. Of E edges only e' is kept
for the backward pass, where hidden layers are computed once more; in the last block, whose e' nobody reads, h is
kept in its stead. P and Q belong to nodes: their products were made before they are gathered. Gradients of the
edges live in two buffers that all blocks share, one of them first the h of the last block.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from glassdyn.learning.graphs import Snapshot
from glassdyn.learning.models.linear_kernels import add_linear_, add_outer_, linear, linear_add, linear_relu

__all__ = ["BufferPool", "Connectivity", "Edges", "Layers", "connect", "encode", "sums_of_update", "update"]

Edges = tuple[Tensor, Tensor]
"""What belongs to the current and to the encoded edges."""

Layers = Sequence[tuple[Tensor, Tensor]]
"""Weight (out, in) and bias (out,) of each layer; ReLU follows every one."""

SLICE_CPU, SLICE_GPU = 2**19, 2**26
"""Numbers in a slice: 64 of 8192 edges are 2 MB in float32, which the caches of two cores hold."""


class BufferPool:
    """Memory for what belongs to the edges of one forward and backward pass, taken again by those that follow.

    On a processor, to touch new memory for the first time takes longer than a product with it; on a GPU PyTorch
    itself keeps memory. A second backward pass through the same graph is refused: PyTorch finds its numbers changed.

    Args:
        spare: blocks that earlier passes have left, and where this one leaves its own.
    """

    def __init__(self, spare: list[Tensor]) -> None:
        self.spare, self.taken = spare, list[Tensor]()

    def take(self, rows: int, width: int, like: Tensor) -> Tensor:
        """(rows, width) numbers of a tensor's type, on its device, not yet set."""
        number, found = rows * width, None
        while self.spare and found is None:
            block = self.spare.pop()  # one that does not fit is given up
            if block.numel() >= number and (block.dtype, block.device) == (like.dtype, like.device):
                found = block
        self.taken.append(like.new_empty(number) if found is None else found)
        return self.taken[-1][:number].view(rows, width)

    def leave(self) -> None:
        """All that was taken is needed no more."""
        self.spare += [block for block in self.taken if block.is_cpu]
        self.taken = []


class Connectivity(NamedTuple):
    """Where edges begin and end, in the forms that gathering and summing need.

    Attributes:
        pairs: (E, 2) int64, rows 2 r_k and 2 s_k + 1 of a table of P and Q in turns.
        receivers: (E,) int64, increasing.
        offsets: (N + 1,) int64, node i receives the edges offsets[i] ... offsets[i + 1] - 1.
        by_sender: (E,) int64, the edges in the order of their senders.
        sender_offsets: (N + 1,) int64, node i sends by_sender[sender_offsets[i] ... [i + 1] - 1].
        room: for what belongs to the edges.
    """

    pairs: Tensor
    receivers: Tensor
    offsets: Tensor
    by_sender: Tensor
    sender_offsets: Tensor
    room: BufferPool


def connect(graph: Snapshot, room: BufferPool) -> Connectivity:
    """The wiring of a graph, whose receivers increase."""
    senders, receivers = graph.edge_index
    return Connectivity(
        torch.stack((2 * receivers, 2 * senders + 1), dim=1),
        receivers,
        functional.pad(graph.in_degree.cumsum(0), (1, 0)),
        graph.by_sender,
        functional.pad(graph.out_degree.cumsum(0), (1, 0)),
        room,
    )


def encode(features: Tensor, layers: Layers, room: BufferPool) -> Tensor:
    """(E, h) perceptron of (E, F) edge features, which receive no gradient, for updates and nothing else."""
    encoded: Tensor = _Encode.apply(room, *_cast(features, *chain(*layers)))
    return encoded


def update(
    wiring: Connectivity, edges: Edges, tables: Tensor, firsts: Edges, layers: Layers
) -> tuple[Edges, Tensor]:
    """The edge update of one block and its sums.

    Args:
        wiring: of the graph.
        edges: (E, h) e and e0; one and the same tensor before the first block.
        tables: (2 N, h_1) P_i and Q_i in turns.
        firsts: (h_1, h) W and W0.
        layers: of the MLP behind h.

    Returns:
        (E, h) e' and e0, for the update of the next block and for nothing else, because it overwrites the
        gradients that reach them; and (N, h) S.
    """
    parts = _cast(tables, *_inputs(edges, firsts), *chain(*layers))
    updated, encoded, sums = _Update.apply(wiring, True, *parts)
    return (updated, encoded), sums


def sums_of_update(
    wiring: Connectivity, edges: Edges, tables: Tensor, firsts: Edges, layers: Layers
) -> Tensor:
    """S of `update` alone, keeping no e': for the last block, whose edges nobody reads."""
    parts = _cast(tables, *_inputs(edges, firsts), *chain(*layers))
    sums: Tensor = _Update.apply(wiring, False, *parts)
    return sums


def _inputs(edges: Edges, firsts: Edges) -> tuple[Tensor | None, ...]:
    """e0, W0, e, W; where e is e0, W e + W0 e0 = (W + W0) e0 and the latter two are none.

    The weights are columns of a wider one. They are copied together because oneDNN, on a processor without
    AVX-512, has nothing but its reference kernel for columns: 500 times slower.
    """
    (current, encoded), (weight, weight_encoded) = edges, firsts
    if current is encoded:
        return encoded, weight + weight_encoded, None, None
    return encoded, weight_encoded.contiguous(), current, weight.contiguous()


def _cast(*tensors: Tensor | None) -> tuple[Tensor | None, ...]:
    """What goes into a function of ours, in the one type that autocast asks for where it is on."""
    kind = next(tensor.device.type for tensor in tensors if tensor is not None)
    if not torch.is_autocast_enabled(kind):
        return tensors
    dtype = torch.get_autocast_dtype(kind)
    return tuple(None if tensor is None else tensor.to(dtype) for tensor in tensors)


def _size(edges: Tensor, width: int) -> int:
    """Edges in a slice."""
    return max((SLICE_CPU if edges.device.type == "cpu" else SLICE_GPU) // width, 1)


def _slices(edges: Tensor, width: int) -> Iterator[slice]:
    size = _size(edges, width)
    return (slice(start, start + size) for start in range(0, len(edges), size))


def _parts(wiring: Connectivity, width: int) -> Iterator[tuple[slice, slice]]:
    """Slices of nodes, and of the edges that they receive, of which there are about as many as in `_slices`."""
    nodes, edges = len(wiring.offsets) - 1, len(wiring.receivers)
    number = max(round(edges / _size(wiring.receivers, width)), 1)
    starts = [nodes * part // number for part in range(number + 1)]
    ends = wiring.offsets[starts].tolist()
    return (
        (slice(*bounds), slice(*held)) for bounds, held in zip(pairwise(starts), pairwise(ends), strict=True)
    )


def _sum_rows(table: Tensor, rows: Tensor, offsets: Tensor) -> Tensor:
    """(N, h) sums: node i adds up the rows[offsets[i] ... offsets[i + 1] - 1] of the table."""
    return torch.embedding_bag(table, rows, offsets, False, 0, False, None, True)[0]


def _sum_received(edges: Tensor, offsets: Tensor) -> Tensor:
    return _sum_rows(edges, torch.arange(len(edges), device=edges.device), offsets)


def _hidden(
    part: slice, wiring: Connectivity, tables: Tensor, inputs: Sequence[tuple[Tensor, Tensor]]
) -> Tensor:
    """First activation h of a slice of edges, from pairs of edges and weights."""
    hidden = functional.embedding_bag(wiring.pairs[part], tables, mode="sum")
    for edges, weight in inputs:
        hidden = linear_add(hidden, edges[part], weight)
    return hidden.relu_()


def _ascend(
    values: Tensor, layers: Sequence[Tensor], known: Tensor | None = None, into: Tensor | None = None
) -> list[Tensor]:
    """The values and the activation of every layer; `layers` are weights and biases in turns.

    The last activation is not computed where it is known, and is written into a place where one is given.
    """
    activations = [values]
    for weight, bias in zip(layers[::2], layers[1::2], strict=True):
        last = weight is layers[-2]
        if known is not None and last:
            activations.append(known)
        else:
            activations.append(linear_relu(activations[-1], weight, bias, into if last else None))
    if into is not None and not layers:
        into.copy_(values)
    return activations


def _before_relu(gradient: Tensor, activation: Tensor, out: Tensor) -> Tensor:
    """The gradient before a ReLU, from the gradient and the activation behind it."""
    found: Tensor = torch.ops.aten.threshold_backward.grad_input(gradient, activation, 0, grad_input=out)
    return found


def _descend(
    gradient: Tensor, activations: Sequence[Tensor], layers: Sequence[Tensor], gradients: Sequence[Tensor]
) -> Tensor:
    """The gradient of the first activation from that of the last, which is overwritten.

    Those of the layers are added to `gradients`.
    """
    for layer in reversed(range(len(layers) // 2)):
        gradient = _before_relu(gradient, activations[layer + 1], gradient)
        add_outer_(gradients[2 * layer], gradient, activations[layer])
        gradients[2 * layer + 1].add_(gradient.sum(dim=0, dtype=torch.float32))
        gradient = linear(gradient, layers[2 * layer].T)
    return gradient


def _zeros(weight: Tensor) -> Tensor:
    """Room for the gradient of a weight: in float32, because many slices are added up."""
    return torch.zeros_like(weight, dtype=torch.float32)


class _Encode(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, room: BufferPool, features: Tensor, *layers: Tensor) -> Tensor:
        encoded = room.take(len(features), len(layers[-1]), features)
        for part in _slices(features, encoded.shape[1]):
            _ascend(features[part], layers, into=encoded[part])
        ctx.room = room
        ctx.save_for_backward(features, encoded, *layers)
        return encoded

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        features, encoded, *layers = ctx.saved_tensors
        gradients = [_zeros(tensor) for tensor in layers]
        for part in _slices(features, encoded.shape[1]):
            _descend(gradient[part], _ascend(features[part], layers, encoded[part]), layers, gradients)
        ctx.room.leave()
        return None, None, *gradients


class _Gradients(NamedTuple):
    """Where the gradients of an update are gathered: of h before its ReLU, e0, first weights, layers.

    That of e0 is `begun` where a later block has written its part.
    """

    hidden: Tensor
    encoded: Tensor
    begun: bool
    weights: Sequence[Tensor]
    layers: Sequence[Tensor]


class _Update(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, wiring: Connectivity, keep: bool, tables: Tensor, *parts: Tensor | None
    ) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        inputs, layers = _sorted(parts)
        encoded, weight = inputs[0]
        width = len(layers[-1] if layers else weight)
        kept = wiring.room.take(len(encoded), width if keep else len(weight), encoded)  # e' or h
        sums = tables.new_empty(len(wiring.offsets) - 1, width)
        for nodes, part in _parts(wiring, len(weight)):
            hidden = _hidden(part, wiring, tables, inputs)
            *_, updated = _ascend(hidden, layers, into=kept[part] if keep else None)
            if not keep:
                kept[part] = hidden
            sums[nodes] = _sum_received(updated, wiring.offsets[nodes.start : nodes.stop + 1] - part.start)
        ctx.set_materialize_grads(False)
        ctx.wiring, ctx.keep = wiring, keep
        ctx.save_for_backward(kept, tables, *parts)
        return (kept, encoded, sums) if keep else sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *incoming: Any) -> tuple[Tensor | None, ...]:
        kept, tables, *parts = ctx.saved_tensors
        inputs, layers = _sorted(parts)
        g_updated, g_encoded, g_sums = (None, None, *incoming)[-3:]
        (encoded, weight), room = inputs[0], ctx.wiring.room
        gradients = _Gradients(
            hidden=_reused(g_updated, encoded, len(weight), room) if ctx.keep else kept,
            encoded=room.take(*encoded.shape, encoded) if g_encoded is None else g_encoded,
            begun=g_encoded is not None,
            weights=[_zeros(weight) for _, weight in inputs],
            layers=[_zeros(tensor) for tensor in layers],
        )
        for part in _slices(encoded, len(weight)):
            gradient = g_sums[ctx.wiring.receivers[part]]
            if g_updated is not None:
                gradient += g_updated[part]
            hidden = _hidden(part, ctx.wiring, tables, inputs) if ctx.keep else kept[part]
            activations = _ascend(hidden, layers, kept[part] if ctx.keep else None)
            _update_backward(part, gradient, activations, inputs, layers, gradients)
        g_tables = _gathered(gradients.hidden, ctx.wiring).view_as(tables)
        g_inputs = [gradients.encoded, gradients.weights[0], None, None]
        if len(inputs) == 2:
            g_inputs[2:] = _carried(gradients.hidden, *inputs[1], room), gradients.weights[1]
        return None, None, g_tables, *g_inputs, *gradients.layers


def _sorted(parts: Sequence[Tensor | None]) -> tuple[list[tuple[Tensor, Tensor]], list[Tensor]]:
    """Pairs of edges and first weight, as many as there are, and the layers."""
    encoded, weight, current, weight_current, *layers = parts
    pairs = [(encoded, weight), (current, weight_current)]
    return [(edges, first) for edges, first in pairs if edges is not None and first is not None], [
        layer for layer in layers if layer is not None
    ]


def _update_backward(
    part: slice,
    gradient: Tensor,
    activations: Sequence[Tensor],
    inputs: Sequence[tuple[Tensor, Tensor]],
    layers: Sequence[Tensor],
    gradients: _Gradients,
) -> None:
    """One slice of the backward pass, from the gradient of its e'; all but that of e."""
    gradient = _descend(gradient, activations, layers, gradients.layers)
    gradient = _before_relu(gradient, activations[0], gradients.hidden[part])
    for (edges, _), g_weight in zip(inputs, gradients.weights, strict=True):
        add_outer_(g_weight, gradient, edges[part])
    to_encoded = inputs[0][1].T
    if gradients.begun:
        add_linear_(gradients.encoded[part], gradient, to_encoded)
    else:
        gradients.encoded[part] = linear(gradient, to_encoded)


def _reused(gradient: Tensor | None, edges: Tensor, width: int, room: BufferPool) -> Tensor:
    """(E, width) room: that of the incoming gradient where it fits, because it is needed no longer."""
    if gradient is not None and gradient.shape[1] == width:
        return gradient
    return room.take(len(edges), width, edges)


def _gathered(g_hidden: Tensor, wiring: Connectivity) -> Tensor:
    """(N, 2, h_1) gradients of P and Q: sums over the edges that a node receives and that it sends."""
    received = _sum_received(g_hidden, wiring.offsets)
    return torch.stack((received, _sum_rows(g_hidden, wiring.by_sender, wiring.sender_offsets)), dim=1)


def _carried(g_hidden: Tensor, edges: Tensor, weight: Tensor, room: BufferPool) -> Tensor:
    """(E, h) gradient of e, in the room of that of h where it fits."""
    carried = _reused(g_hidden, edges, edges.shape[1], room)
    for part in _slices(edges, len(weight)):
        carried[part] = linear(g_hidden[part], weight.T)
    return carried
