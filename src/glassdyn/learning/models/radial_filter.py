"""Continuous convolution: neighbours are summed under a filter that is a trained function of distance.

Schuett et al., "SchNet: a continuous-filter convolutional neural network", NeurIPS 2017. Filters see
distances only, whatever the edge features: the network is invariant under rotations by construction.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch_geometric.nn.models.schnet import CFConv, GaussianSmearing, ShiftedSoftplus

from glassdyn.learning.graphs import Snapshot
from glassdyn.learning.models.graph_network import mlp
from glassdyn.learning.models.sizes import Sizes
from glassdyn.params import Model

__all__ = ["InteractionBlock", "RadialFilter", "build"]

SPACING = 0.05
"""Between the centres of the Gaussians that a distance is expanded in, units of sigma_AA."""


def build(model: Model, sizes: Sizes) -> "RadialFilter":
    """Make the network of continuous convolutions with these recurrences, widths and sizes."""
    return RadialFilter(sizes, model)


class InteractionBlock(nn.Module):
    """One interaction block of SchNet, on nodes of one width.

    Args:
        gaussians: number of those that a distance is expanded in.
        width: h, of nodes and filters.
        reach: where the filters end, units of sigma_AA.
    """

    def __init__(self, gaussians: int, width: int, reach: float) -> None:
        super().__init__()
        filters = nn.Sequential(nn.Linear(gaussians, width), ShiftedSoftplus(), nn.Linear(width, width))
        self.convolve = CFConv(width, width, width, filters, reach)
        self.mix = nn.Sequential(ShiftedSoftplus(), nn.Linear(width, width))

    def forward(self, nodes: Tensor, edge_index: Tensor, distances: Tensor, expanded: Tensor) -> Tensor:
        """(N, h) change of the nodes, from (E,) distances and their (E, Gaussians) expansion."""
        change: Tensor = self.mix(self.convolve(nodes, edge_index, distances, expanded))
        return change


class RadialFilter(nn.Module):
    """Encoder, `n_rec` interaction blocks, decoder.

    v'_i = v_i + W_3 ssp(W_2 sum_j (W_1 v_j) * w(r_ij) (1 + cos(pi r_ij / r_threshold)) / 2)

    w: two layers on Gaussians of the distance; ssp: shifted softplus.

    Args:
        sizes: of the data.
        model: n_rec, shared and hidden; the last width is that of the blocks and filters.
    """

    def __init__(self, sizes: Sizes, model: Model) -> None:
        super().__init__()
        width, reach = model.hidden[-1], sizes.reach
        self.expand = GaussianSmearing(0.0, reach, round(reach / SPACING) + 1)
        self.encode = mlp(sizes.nodes, model.hidden)
        self.blocks = nn.ModuleList(
            InteractionBlock(len(self.expand.offset), width, reach)
            for _ in range(min(model.n_rec, 1) if model.shared else model.n_rec)
        )
        self.decode = nn.Sequential(mlp(width, model.hidden), nn.Linear(width, sizes.targets))
        self.recurrences = [0 if model.shared else block for block in range(model.n_rec)]

    def weights_of_sums(self) -> list[Tensor]:
        """Weights that act on the filtered sums over neighbours."""
        return [cast("InteractionBlock", block).convolve.lin2.weight for block in self.blocks]

    def forward(self, graph: Snapshot) -> Tensor:
        """(N, targets) predictions."""
        nodes = self.encode(graph.x)  # (N, h)
        distances = torch.linalg.vector_norm(graph.edge_vectors, dim=1)  # (E,)
        expanded = self.expand(distances)  # (E, Gaussians)
        for block in self.recurrences:
            nodes = nodes + self.blocks[block](nodes, graph.edge_index, distances, expanded)
        predictions: Tensor = self.decode(nodes)
        return predictions
