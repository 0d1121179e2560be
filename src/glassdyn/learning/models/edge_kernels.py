"""The kernels behind `edge_update`: perceptrons of edges and their sums, forward and backward, slice by slice.

A slice of edges stays in the processor's cache through all its layers and its sums. Of E edges only e' is kept
for the backward pass, where hidden layers are computed once more; in the last block, whose e' nobody reads, h is
kept in its stead. Gradients of the edges live in two buffers that all blocks share, one of them first the h of
the last block.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from glassdyn.learning.models.buffers import BufferPool
from glassdyn.learning.models.connectivity import (
    Connectivity,
    edge_slices,
    node_slices,
    sum_by_sender,
    sum_received,
)
from glassdyn.learning.models.linear_kernels import (
    Layers,
    add_linear_,
    add_outer_,
    linear,
    linear_add,
    mlp_backward,
    mlp_forward,
    relu_backward,
)

__all__ = ["EncodeEdges", "UpdateAndSum", "UpdateAndSumLast"]


class _Operands(NamedTuple):
    """What the kernel reads: (2 N, h_1) node terms, pairs of edges and first weight, e0 first, and layers."""

    node_terms: Tensor
    products: Sequence[tuple[Tensor, Tensor]]
    layers: Layers

    @property
    def widths(self) -> tuple[int, int]:
        """h_1 and h."""
        first = len(self.products[0][1])
        return first, len(self.layers[-1][1]) if self.layers else first


class _Gradients(NamedTuple):
    """Where the gradients of a kernel's operands are written: of (E, h_1) h before its ReLU, e0, weights, layers."""

    hidden: Tensor
    encoded: Tensor
    weights: Sequence[Tensor]
    layers: Layers


def _unpack(tensors: Sequence[Any]) -> _Operands:
    node_terms, encoded, weight_encoded, current, weight, *layers = tensors
    products = [(encoded, weight_encoded)] + ([] if current is None else [(current, weight)])
    return _Operands(node_terms, products, _pairs(layers))


def _pairs(layers: Sequence[Tensor]) -> Layers:
    return list(zip(layers[::2], layers[1::2], strict=True))


class EncodeEdges(torch.autograd.Function):
    """Perceptron of edge features that receive no gradient; keeps its output."""

    @staticmethod
    def forward(ctx: Any, buffers: BufferPool, features: Tensor, *layers: Tensor) -> Tensor:
        encoded = buffers.take(len(features), len(layers[-1]), features)
        for part in edge_slices(features, encoded.shape[1]):
            mlp_forward(features[part], _pairs(layers), out=encoded[part])
        ctx.buffers = buffers
        ctx.save_for_backward(features, encoded, *layers)
        return encoded

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        features, encoded, *tensors = ctx.saved_tensors
        layers = _pairs(tensors)
        layer_gradients = _zeros_of(layers)
        for part in edge_slices(features, encoded.shape[1]):
            activations = _recompute(features[part], layers, encoded[part])
            mlp_backward(gradient[part], activations, layers, layer_gradients)
        ctx.buffers.release()
        return None, None, *chain(*layer_gradients)


class UpdateAndSum(torch.autograd.Function):
    """Keeps e'. The gradient of e0 begins with what later blocks have written, that of h lies where that of e' was."""

    @staticmethod
    def forward(
        ctx: Any, connectivity: Connectivity, buffers: BufferPool, *tensors: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        operands = _unpack(tensors)
        (encoded, _), (hidden_width, width) = operands.products[0], operands.widths
        updated = buffers.take(len(encoded), width, encoded)  # (E, h) e'
        received = operands.node_terms.new_empty(len(connectivity.offsets) - 1, width)  # (N, h) e_bar
        for nodes, part in node_slices(connectivity, hidden_width):
            *_, e = mlp_forward(_hidden(part, connectivity, operands), operands.layers, out=updated[part])
            received[nodes] = sum_received(e, connectivity.offsets[nodes.start : nodes.stop + 1] - part.start)
        ctx.connectivity, ctx.buffers = connectivity, buffers
        ctx.save_for_backward(updated, *tensors)
        return updated, encoded, received

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad_updated: Tensor, grad_encoded: Tensor, grad_received: Tensor
    ) -> tuple[Tensor | None, ...]:
        updated, *tensors = ctx.saved_tensors
        operands, connectivity = _unpack(tensors), ctx.connectivity
        (encoded, weight), (hidden_width, _) = operands.products[0], operands.widths
        grad_hidden = ctx.buffers.reuse(grad_updated, hidden_width)
        gradients = _gradients(grad_hidden, grad_encoded, operands)
        for part in edge_slices(encoded, hidden_width):
            gradient = grad_received[connectivity.receivers[part]]
            gradient += grad_updated[part]
            hidden = _hidden(part, connectivity, operands)
            activations = _recompute(hidden, operands.layers, updated[part])
            add_linear_(
                grad_encoded[part], _backward(part, gradient, activations, operands, gradients), weight.T
            )
        return None, None, *_operand_gradients(gradients, operands, connectivity, ctx.buffers)


class UpdateAndSumLast(torch.autograd.Function):
    """Keeps h, in whose place its gradient is written; the gradient of e0 begins here."""

    @staticmethod
    def forward(ctx: Any, connectivity: Connectivity, buffers: BufferPool, *tensors: Tensor | None) -> Tensor:
        operands = _unpack(tensors)
        (encoded, _), (hidden_width, width) = operands.products[0], operands.widths
        hidden = buffers.take(len(encoded), hidden_width, encoded)  # (E, h_1) h
        received = operands.node_terms.new_empty(len(connectivity.offsets) - 1, width)  # (N, h) e_bar
        for nodes, part in node_slices(connectivity, hidden_width):
            hidden[part] = first = _hidden(part, connectivity, operands)
            *_, e = mlp_forward(first, operands.layers)
            received[nodes] = sum_received(e, connectivity.offsets[nodes.start : nodes.stop + 1] - part.start)
        ctx.connectivity, ctx.buffers = connectivity, buffers
        ctx.save_for_backward(hidden, *tensors)
        return received

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_received: Tensor) -> tuple[Tensor | None, ...]:
        hidden, *tensors = ctx.saved_tensors
        operands, connectivity = _unpack(tensors), ctx.connectivity
        (encoded, weight), (hidden_width, _) = operands.products[0], operands.widths
        grad_encoded = ctx.buffers.take(*encoded.shape, encoded)
        gradients = _gradients(hidden, grad_encoded, operands)
        for part in edge_slices(encoded, hidden_width):
            gradient = grad_received[connectivity.receivers[part]]
            activations = mlp_forward(hidden[part], operands.layers)
            grad_encoded[part] = linear(_backward(part, gradient, activations, operands, gradients), weight.T)
        return None, None, *_operand_gradients(gradients, operands, connectivity, ctx.buffers)


def _hidden(part: slice, connectivity: Connectivity, operands: _Operands) -> Tensor:
    """First activation h of a slice of edges."""
    hidden = functional.embedding_bag(connectivity.ends[part], operands.node_terms, mode="sum")
    for edges, weight in operands.products:
        hidden = linear_add(hidden, edges[part], weight)
    return hidden.relu_()


def _recompute(first: Tensor, layers: Layers, last: Tensor) -> list[Tensor]:
    """The activations of `mlp_forward`, from the first and the last one."""
    return [*mlp_forward(first, layers[:-1]), last] if layers else [first]


def _gradients(hidden: Tensor, encoded: Tensor, operands: _Operands) -> _Gradients:
    weights = [_zeros(weight) for _, weight in operands.products]
    return _Gradients(hidden, encoded, weights, _zeros_of(operands.layers))


def _zeros_of(layers: Layers) -> Layers:
    return [(_zeros(weight), _zeros(bias)) for weight, bias in layers]


def _zeros(weight: Tensor) -> Tensor:
    """Where the gradient of a weight is summed: in float32, because many slices are added up."""
    return torch.zeros_like(weight, dtype=torch.float32)


def _backward(
    part: slice, gradient: Tensor, activations: Sequence[Tensor], operands: _Operands, gradients: _Gradients
) -> Tensor:
    """The gradient of a slice of h before its ReLU, from that of its e'; those of the weights are added up."""
    gradient = mlp_backward(gradient, activations, operands.layers, gradients.layers)
    gradient = relu_backward(gradient, activations[0], out=gradients.hidden[part])
    for (edges, _), grad_weight in zip(operands.products, gradients.weights, strict=True):
        add_outer_(grad_weight, gradient, edges[part])
    return gradient


def _operand_gradients(
    gradients: _Gradients, operands: _Operands, connectivity: Connectivity, buffers: BufferPool
) -> tuple[Tensor | None, ...]:
    """The gradients of all operands, in the order of `_unpack`."""
    grad_terms = _grad_nodes(gradients.hidden, connectivity).view_as(operands.node_terms)
    grad_layers = chain(*gradients.layers)
    if len(operands.products) == 1:
        return grad_terms, gradients.encoded, gradients.weights[0], None, None, *grad_layers
    grad_current = _grad_edges(gradients.hidden, *operands.products[1], buffers)
    weight_encoded, weight = gradients.weights
    return grad_terms, gradients.encoded, weight_encoded, grad_current, weight, *grad_layers


def _grad_nodes(grad_hidden: Tensor, connectivity: Connectivity) -> Tensor:
    """(N, 2, h_1) gradients of P and Q: sums over the edges that a node receives and that it sends."""
    received = sum_received(grad_hidden, connectivity.offsets)
    return torch.stack((received, sum_by_sender(grad_hidden, connectivity)), dim=1)


def _grad_edges(grad_hidden: Tensor, edges: Tensor, weight: Tensor, buffers: BufferPool) -> Tensor:
    """(E, h) gradient of e, in the place of that of h where it fits."""
    grad_edges = buffers.reuse(grad_hidden, edges.shape[1])
    for part in edge_slices(edges, len(weight)):
        grad_edges[part] = linear(grad_hidden[part], weight.T)
    return grad_edges
