"""Attention over neighbours: each particle weighs what its neighbours say (GATv2).

Brody, Alon & Yahav, "How attentive are graph attention networks?", ICLR 2022. The weights of a
particle's neighbours add up to one: it sees their mean, so that their number reaches it through the
node features only.
"""

from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import GATv2Conv

from glassdyn.learning.graphs import Snapshot
from glassdyn.learning.models.graph_network import mlp
from glassdyn.learning.models.sizes import Sizes
from glassdyn.params import Model

__all__ = ["Attention", "build"]


def build(model: Model, sizes: Sizes) -> "Attention":
    """Make the attention network with these recurrences, widths and sizes."""
    return Attention(sizes, model)


class Attention(nn.Module):
    """Encoder, `n_rec` layers of attention, decoder.

    v'_i = v_i + ReLU(sum_j alpha_ij W v_j),  alpha_ij = softmax_j(a . LeakyReLU(W_r v_i + W_s v_j + W_e e_ij))

    Args:
        sizes: of the data.
        model: n_rec, shared, hidden and heads; the last width is that of the layers, a multiple of `heads`.
    """

    def __init__(self, sizes: Sizes, model: Model) -> None:
        super().__init__()
        width = model.hidden[-1]
        self.encode_nodes = mlp(sizes.nodes, model.hidden)
        self.encode_edges = mlp(sizes.edges, model.hidden) if model.n_rec else None
        self.layers = nn.ModuleList(
            GATv2Conv(width, width // model.heads, model.heads, add_self_loops=False, edge_dim=width)
            for _ in range(min(model.n_rec, 1) if model.shared else model.n_rec)
        )
        self.decode = nn.Sequential(mlp(width, model.hidden), nn.Linear(width, sizes.targets))
        self.recurrences = [0 if model.shared else layer for layer in range(model.n_rec)]

    def forward(self, graph: Snapshot) -> Tensor:
        """(N, targets) predictions."""
        nodes = self.encode_nodes(graph.x)  # (N, h)
        if self.encode_edges is not None:
            edges = self.encode_edges(graph.edge_attr)  # (E, h)
            for layer in self.recurrences:
                nodes = nodes + functional.relu(self.layers[layer](nodes, graph.edge_index, edges))
        predictions: Tensor = self.decode(nodes)
        return predictions
