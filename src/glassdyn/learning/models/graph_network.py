"""The graph network of Battaglia et al. (2018) as in thesis 2.3: encoder, recurrent blocks, decoder.

The first linear layer of an update acts on a concatenation. Its weight is cut into the columns of
each part, W (a || b) = W_a a + W_b b, and what belongs to nodes is multiplied before it is gathered on
edges: nothing is concatenated per edge, and the products of N nodes replace those of E edges.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from glassdyn.learning.graphs import Snapshot
from glassdyn.learning.models.sizes import Sizes
from glassdyn.params import Model

__all__ = ["Block", "GraphNetwork", "build", "mlp"]


def build(model: Model, sizes: Sizes) -> "GraphNetwork":
    """The graph network with these recurrences, layers and sizes."""
    return GraphNetwork(sizes, model.hidden, n_rec=model.n_rec, shared=model.shared)


def mlp(inputs: int, hidden: Sequence[int]) -> nn.Sequential:
    """Linear layers of these widths, ReLU after each."""
    widths = (inputs, *hidden)
    layers = [nn.Linear(i, o) for i, o in pairwise(widths)]
    return nn.Sequential(*(module for layer in layers for module in (layer, nn.ReLU())))


class Update(nn.Module):
    """A multilayer perceptron whose first layer is applied to the parts of a concatenation.

    Args:
        inputs: width of the whole concatenation.
        hidden: widths of the layers.
    """

    def __init__(self, inputs: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, hidden[0])
        self.rest = mlp(hidden[0], hidden[1:])

    def parts(self, *widths: int) -> tuple[Tensor, ...]:
        """Columns (hidden, width) of the first layer's weight that belong to each part."""
        return torch.split(self.first.weight, list(widths), dim=1)


class Block(nn.Module):
    """One graph-network block (thesis 2.9 to 2.11), from the current and the encoded graph.

    e'_k = MLP_e(e_k || e0_k || v_r || v0_r || v_s || v0_s)
    v'_i = MLP_v(sum_{k: r_k = i} e'_k || v_i || v0_i)

    Source of the order: Bapst et al. (2020), published code.
    """

    def __init__(self, hidden: Sequence[int]) -> None:
        super().__init__()
        self.width = hidden[-1]
        self.edges = Update(6 * self.width, hidden)
        self.nodes = Update(3 * self.width, hidden)

    def forward(
        self, nodes: tuple[Tensor, Tensor], edges: tuple[Tensor, Tensor], graph: Snapshot
    ) -> tuple[Tensor, Tensor]:
        """Updated (N, h) nodes and (E, h) edges, from pairs (current, encoded)."""
        senders, receivers = graph.edge_index
        h = self.width
        both = torch.cat(nodes, dim=1)  # (N, 2h)
        current, encoded, received, sent = self.edges.parts(h, h, 2 * h, 2 * h)
        hidden = edges[0] @ current.T + edges[1] @ encoded.T  # (E, h)
        hidden = hidden + functional.linear(both, received, self.edges.first.bias)[receivers]
        hidden = functional.relu(hidden + (both @ sent.T)[senders])
        updated = self.edges.rest(hidden)  # (E, h)
        summed = torch.segment_reduce(updated, "sum", lengths=graph.in_degree)  # (N, h)
        return self._nodes(torch.cat((summed, both), dim=1)), updated

    def _nodes(self, values: Tensor) -> Tensor:
        updated: Tensor = self.nodes.rest(functional.relu(self.nodes.first(values)))
        return updated


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
        self.encode_edges = mlp(sizes.edges, hidden)
        self.blocks = nn.ModuleList(Block(hidden) for _ in range(min(n_rec, 1) if shared else n_rec))
        self.decode = nn.Sequential(mlp(hidden[-1], hidden), nn.Linear(hidden[-1], sizes.targets))
        self.recurrences = [0 if shared else block for block in range(n_rec)]

    def forward(self, graph: Snapshot) -> Tensor:
        """(N, targets) predictions."""
        nodes = first_nodes = self.encode_nodes(graph.x)
        edges = first_edges = self.encode_edges(graph.edge_attr)
        for block in self.recurrences:
            nodes, edges = self.blocks[block]((nodes, first_nodes), (edges, first_edges), graph)
        predictions: Tensor = self.decode(nodes)
        return predictions
