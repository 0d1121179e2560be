"""The graph network of Battaglia et al. (2018) as in thesis 2.3: encoder, recurrent blocks, decoder.

The first linear layer of an update acts on a concatenation. Its weight is cut into the columns of
each part, W (a || b) = W_a a + W_b b, and what belongs to nodes is multiplied before it is gathered on
edges: nothing is concatenated per edge, and the products of N nodes replace those of E edges.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from glassdyn.learning.graphs import Snapshot
from glassdyn.learning.models.edge_update import (
    BufferPool,
    Connectivity,
    connect,
    encode,
    sums_of_update,
    update,
)
from glassdyn.learning.models.sizes import Sizes
from glassdyn.params import Model

__all__ = ["Block", "GraphNetwork", "Update", "build", "layers_of", "mlp"]

Pair = tuple[Tensor, Tensor]
"""What belongs to the current and to the encoded graph."""


def build(model: Model, sizes: Sizes) -> "GraphNetwork":
    """The graph network with these recurrences, layers and sizes."""
    return GraphNetwork(sizes, model.hidden, n_rec=model.n_rec, shared=model.shared)


def mlp(inputs: int, hidden: Sequence[int]) -> nn.Sequential:
    """Linear layers of these widths, ReLU after each."""
    widths = (inputs, *hidden)
    layers = [nn.Linear(i, o) for i, o in pairwise(widths)]
    return nn.Sequential(*(module for layer in layers for module in (layer, nn.ReLU())))


def layers_of(perceptron: nn.Sequential) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of every linear layer."""
    return [(layer.weight, layer.bias) for layer in perceptron if isinstance(layer, nn.Linear)]


class Update(nn.Module):
    """A multilayer perceptron whose first layer is applied to the parts of a concatenation.

    Args:
        parts: number of parts, each as wide as the last layer.
        hidden: widths of the layers.
    """

    def __init__(self, parts: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.width = hidden[-1]
        self.first = nn.Linear(parts * self.width, hidden[0])
        self.rest = mlp(hidden[0], hidden[1:])

    def columns(self) -> tuple[Tensor, ...]:
        """Columns (h_1, h) of the first layer's weight that belong to each part."""
        return torch.split(self.first.weight, self.width, dim=1)


class Block(nn.Module):
    """One graph-network block (thesis 2.9 to 2.11), from the current and the encoded graph.

    e'_k = MLP_e(e_k || e0_k || v_r || v0_r || v_s || v0_s)
    v'_i = MLP_v(sum_{k: r_k = i} e'_k || v_i || v0_i)

    Source of the order: Bapst et al. (2020), published code.
    """

    def __init__(self, hidden: Sequence[int]) -> None:
        super().__init__()
        self.edges = Update(6, hidden)
        self.nodes = Update(3, hidden)

    def forward(self, nodes: Pair, edges: Pair, wiring: Connectivity) -> tuple[Tensor, Pair]:
        """The current nodes (N, h) and the edges for the next block, from pairs (current, encoded)."""
        current, encoded, *_ = self.edges.columns()
        layers = layers_of(self.edges.rest)
        edges, sums = update(wiring, edges, self._tables(nodes), (current, encoded), layers)
        return self._nodes(sums, nodes), edges

    def last(self, nodes: Pair, edges: Pair, wiring: Connectivity) -> Tensor:
        """The nodes of `forward` alone, in less memory: nobody reads the edges of the last block."""
        current, encoded, *_ = self.edges.columns()
        layers = layers_of(self.edges.rest)
        sums = sums_of_update(wiring, edges, self._tables(nodes), (current, encoded), layers)
        return self._nodes(sums, nodes)

    def _tables(self, nodes: Pair) -> Tensor:
        """(2 N, h_1) what each node adds to the edges that it receives, and to those that it sends."""
        _, _, received, received_encoded, sent, sent_encoded = self.edges.columns()
        bias = self.edges.first.bias
        both = torch.cat((received, sent)), torch.cat((received_encoded, sent_encoded))
        products = _product(nodes, both, torch.cat((bias, torch.zeros_like(bias))))  # (N, 2 h_1)
        return products.view(2 * len(products), -1)

    def _nodes(self, sums: Tensor, nodes: Pair) -> Tensor:
        summed, current, encoded = self.nodes.columns()
        hidden = torch.addmm(_product(nodes, (current, encoded), self.nodes.first.bias), sums, summed.T)
        updated: Tensor = self.nodes.rest(functional.relu(hidden))
        return updated


def _product(nodes: Pair, weights: Pair, bias: Tensor) -> Tensor:
    """W v + W0 v0 + b, one product before the first block, where v is v0."""
    (current, encoded), (weight, weight_encoded) = nodes, weights
    if current is encoded:
        return functional.linear(current, weight + weight_encoded, bias)
    return torch.addmm(functional.linear(current, weight, bias), encoded, weight_encoded.T)


class GraphNetwork(nn.Module):
    """Encoder, `n_rec` blocks, decoder; n_rec = 0 sees no neighbour.

    Args:
        sizes: of the data.
        hidden: widths of every MLP's layers.
        n_rec: number of blocks.
        shared: one pair of MLPs for all blocks (Bapst et al. 2020) instead of one per block (thesis).
    """

    def __init__(self, sizes: Sizes, hidden: Sequence[int], *, n_rec: int, shared: bool) -> None:
        super().__init__()
        self.encode_nodes = mlp(sizes.nodes, hidden)
        self.encode_edges = mlp(sizes.edges, hidden) if n_rec else None
        self.blocks = nn.ModuleList(Block(hidden) for _ in range(min(n_rec, 1) if shared else n_rec))
        self.decode = nn.Sequential(mlp(hidden[-1], hidden), nn.Linear(hidden[-1], sizes.targets))
        self.spare: list[Tensor] = []
        self.recurrences = [0 if shared else block for block in range(n_rec)]

    def forward(self, graph: Snapshot) -> Tensor:
        """(N, targets) predictions."""
        nodes: Tensor = self.encode_nodes(graph.x)
        if self.encode_edges is not None:
            wiring = connect(graph, BufferPool(self.spare))
            edges = encode(graph.edge_attr, layers_of(self.encode_edges), wiring.room)
            nodes = self._propagate(nodes, edges, wiring)
        predictions: Tensor = self.decode(nodes)
        return predictions

    def _propagate(self, encoded: Tensor, encoded_edges: Tensor, wiring: Connectivity) -> Tensor:
        *blocks, last = (cast("Block", self.blocks[number]) for number in self.recurrences)
        nodes, edges = encoded, (encoded_edges, encoded_edges)
        for block in blocks:
            nodes, edges = block((nodes, encoded), edges, wiring)
        return last.last((nodes, encoded), edges, wiring)
