"""The graph network of Battaglia et al. (2018) as in thesis 2.3: encoder, recurrent blocks, decoder.

The first linear layer of an update acts on a concatenation. Its weight is cut into the columns of
each part, W (a || b) = W_a a + W_b b, and what belongs to nodes is multiplied before it is gathered on
edges: nothing is concatenated per edge, and the products of N nodes replace those of E edges.

Global features are not used in the thesis: (2.12) and (2.13) leave them at zero, and they are left out here.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from glassdyn.learning.graphs import Snapshot
from glassdyn.learning.models.buffers import BufferPool
from glassdyn.learning.models.connectivity import Connectivity, connect
from glassdyn.learning.models.edge_update import (
    EdgePerceptron,
    Skip,
    encode_edges,
    update_and_sum,
    update_and_sum_last,
)
from glassdyn.learning.models.linear_kernels import Layers
from glassdyn.learning.models.sizes import Sizes
from glassdyn.params import Model

__all__ = ["Block", "GraphNetwork", "Update", "build", "mlp"]


def build(model: Model, sizes: Sizes) -> "GraphNetwork":
    """The graph network with these recurrences, layers and sizes."""
    return GraphNetwork(sizes, model.hidden, n_rec=model.n_rec, shared=model.shared)


def mlp(inputs: int, hidden: Sequence[int]) -> nn.Sequential:
    """Linear layers of these widths, ReLU after each."""
    widths = (inputs, *hidden)
    layers = [nn.Linear(i, o) for i, o in pairwise(widths)]
    return nn.Sequential(*(module for layer in layers for module in (layer, nn.ReLU())))


def _layers(perceptron: nn.Sequential) -> Layers:
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
    """One graph-network block (thesis 2.9 to 2.11) with skip connections from the encoded graph, e0 and v0.

    e'_k = MLP_e(e_k || e0_k || v_r || v0_r || v_s || v0_s)    (2.9)
    e_bar_i = sum_{k: r_k = i} e'_k                            (2.10)
    v'_i = MLP_v(e_bar_i || v_i || v0_i)                       (2.11)

    Source of the order: Bapst et al. (2020), published code.
    """

    def __init__(self, hidden: Sequence[int]) -> None:
        super().__init__()
        self.edges = Update(6, hidden)
        self.nodes = Update(3, hidden)

    def forward(
        self, v: Skip, e: Skip, connectivity: Connectivity, buffers: BufferPool
    ) -> tuple[Tensor, Skip]:
        """(N, h) nodes and (E, h) edges for the next block, from the current and the encoded ones."""
        e, e_bar = update_and_sum(e, self.phi_e(v), connectivity, buffers)  # (E, h) (2.9), (N, h) (2.10)
        v_next = self.update_nodes(e_bar, v)  # (N, h) (2.11)
        return v_next, e

    def forward_last(self, v: Skip, e: Skip, connectivity: Connectivity, buffers: BufferPool) -> Tensor:
        """The nodes of `forward` alone, in less memory: nobody reads the edges of the last block."""
        e_bar = update_and_sum_last(e, self.phi_e(v), connectivity, buffers)  # (N, h) (2.9), (2.10)
        return self.update_nodes(e_bar, v)  # (N, h) (2.11)

    def phi_e(self, v: Skip) -> EdgePerceptron:
        """MLP_e of (2.9), its first layer applied to nodes already."""
        current, encoded, *_ = self.edges.columns()
        return EdgePerceptron(self.node_terms(v), current, encoded, _layers(self.edges.rest))

    def node_terms(self, v: Skip) -> Tensor:
        """(2 N, h_1) what each node adds to the edges that it receives and to those that it sends, in turns."""
        _, _, received, received_encoded, sent, sent_encoded = self.edges.columns()
        bias = self.edges.first.bias
        weights = Skip(torch.cat((received, sent)), torch.cat((received_encoded, sent_encoded)))
        terms = _linear(v, weights, torch.cat((bias, torch.zeros_like(bias))))  # (N, 2 h_1)
        return terms.view(2 * len(terms), -1)

    def update_nodes(self, e_bar: Tensor, v: Skip) -> Tensor:
        """(N, h) v' from (N, h) e_bar, v and v0 (thesis 2.11)."""
        summed, *weights = self.nodes.columns()
        hidden = torch.addmm(_linear(v, Skip(*weights), self.nodes.first.bias), e_bar, summed.T)
        updated: Tensor = self.nodes.rest(functional.relu(hidden))
        return updated


def _linear(v: Skip, weights: Skip, bias: Tensor) -> Tensor:
    """W v + W0 v0 + b, one product before the first block, where v is v0."""
    if v.current is v.encoded:
        return functional.linear(v.current, weights.current + weights.encoded, bias)
    return torch.addmm(functional.linear(v.current, weights.current, bias), v.encoded, weights.encoded.T)


class GraphNetwork(nn.Module):
    """Encoder (thesis 2.8), `n_rec` blocks, decoder (thesis 2.14); n_rec = 0 sees no neighbour.

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
        v = self.encode_nodes(graph.x)  # (N, h) v0 (2.8)
        if self.encode_edges is not None:
            buffers = BufferPool(self.spare)
            e = encode_edges(graph.edge_attr, _layers(self.encode_edges), buffers)  # (E, h) e0 (2.8)
            v = self._propagate(v, e, connect(graph), buffers)  # (N, h)
        predictions: Tensor = self.decode(v)  # (N, targets) (2.14)
        return predictions

    def weights_of_sums(self) -> list[Tensor]:
        """Columns of the node updates that act on e_bar, the sums over edges (thesis 2.10)."""
        return [cast("Block", block).nodes.columns()[0] for block in self.blocks]

    def _propagate(self, v0: Tensor, e0: Tensor, connectivity: Connectivity, buffers: BufferPool) -> Tensor:
        *blocks, last = (cast("Block", self.blocks[number]) for number in self.recurrences)
        v, e = v0, Skip(e0, e0)
        for block in blocks:
            v, e = block(Skip(v, v0), e, connectivity, buffers)
        return last.forward_last(Skip(v, v0), e, connectivity, buffers)
