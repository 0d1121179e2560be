"""Rotation-equivariant messages: node features that turn with the liquid, up to rank 2 tensors.

Geiger & Smidt, "e3nn: Euclidean neural networks", arXiv:2207.09453; for glasses: Pezzicoli, Charpiat &
Landes, SciPost Phys. 16, 136 (2024). The prediction is a scalar: rotations and reflections of the whole
configuration do not change it.
"""

import math

import torch
from e3nn import o3
from e3nn.math import soft_one_hot_linspace
from e3nn.nn.models.v2106.gate_points_message_passing import MessagePassing
from torch import Tensor, nn

from glassdyn.learning.graphs import Snapshot
from glassdyn.learning.models.graph_network import mlp
from glassdyn.learning.models.sizes import Sizes
from glassdyn.params import Model

__all__ = ["Equivariant", "build"]

HARMONICS = o3.Irreps("0e + 1o + 2e")
"""What an edge's direction is expanded in."""

SPACING = 0.1
"""Between the centres of the Gaussians that a distance is expanded in, units of sigma_AA."""

DENSITY = 1.2
"""Of the liquid; only the scale of the initial weights depends on it."""


def build(model: Model, sizes: Sizes) -> "Equivariant":
    """Make the equivariant network with these recurrences, widths and sizes."""
    return Equivariant(sizes, model)


class Equivariant(nn.Module):
    """Encoder of scalars, `n_rec` equivariant convolutions with gates between them, decoder of scalars.

    v'_i = linear(v_i) + linear(sum_j w(r_ij) v_j (x) Y(r_ij / |r_ij|)) / sqrt(mean number of neighbours)

    (x): tensor product; Y: spherical harmonics; w: two layers on Gaussians of the distance.

    Args:
        sizes: of the data.
        model: n_rec and hidden; of the last width h, features between convolutions are h scalars,
            h / 2 vectors and h / 4 tensors of rank 2. Weights cannot be shared: the first and the
            last convolution differ in what they take and give.
    """

    def __init__(self, sizes: Sizes, model: Model) -> None:
        super().__init__()
        width, self.reach = model.hidden[-1], sizes.reach
        self.gaussians = round(sizes.reach / SPACING) + 1
        self.encode = mlp(sizes.nodes, model.hidden)
        self.convolve = self._build_convolutions(model.n_rec, width) if model.n_rec else None
        self.decode = nn.Sequential(mlp(width, model.hidden), nn.Linear(width, sizes.targets))

    def _build_convolutions(self, n_rec: int, width: int) -> MessagePassing:
        scalars = f"{width}x0e"
        hidden = f"{width}x0e + {max(1, width // 2)}x1o + {max(1, width // 4)}x2e"
        return MessagePassing(
            irreps_node_sequence=[scalars, *[hidden] * (n_rec - 1), scalars],
            irreps_node_attr="0e",
            irreps_edge_attr=HARMONICS,
            fc_neurons=[self.gaussians, width],
            num_neighbors=4 / 3 * torch.pi * self.reach**3 * DENSITY,
        )

    def forward(self, graph: Snapshot) -> Tensor:
        """(N, targets) predictions."""
        nodes = self.encode(graph.x)  # (N, h)
        if self.convolve is not None:
            nodes = self._convolve_scalars(self.convolve, nodes.float(), graph)
        predictions: Tensor = self.decode(nodes)
        return predictions

    def _convolve_scalars(self, convolve: MessagePassing, nodes: Tensor, graph: Snapshot) -> Tensor:
        """(N, h) scalars, in float32 always: e3nn's products mix no types."""
        senders, receivers = graph.edge_index
        with torch.autocast(nodes.device.type, enabled=False):
            directions = o3.spherical_harmonics(
                HARMONICS, graph.edge_vectors, normalize=True, normalization="component"
            )  # (E, 9)
            convolved: Tensor = convolve(
                nodes,
                torch.ones_like(nodes[:, :1]),
                senders,
                receivers,
                directions,
                self._expand_distances(graph),
            )
        return convolved

    def _expand_distances(self, graph: Snapshot) -> Tensor:
        distances = torch.linalg.vector_norm(graph.edge_vectors, dim=1)
        basis: Tensor = soft_one_hot_linspace(
            distances, 0.0, self.reach, self.gaussians, basis="gaussian", cutoff=False
        )  # (E, Gaussians)
        return basis * math.sqrt(self.gaussians)  # to a mean square of about 1, as e3nn expects
