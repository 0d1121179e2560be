"""The linear model m = x w + b of a particle's own features, fitted in closed form and in double precision."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glassdyn.learning.graphs import Snapshot
from glassdyn.learning.models.sizes import Sizes

__all__ = ["LinearModel"]


class LinearModel(nn.Module):
    """Weights that no gradient reaches, zero until they are set.

    Args:
        sizes: of the data.
    """

    weights: Tensor
    intercept: Tensor

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.register_buffer("weights", torch.zeros(sizes.nodes, sizes.targets, dtype=torch.float64))
        self.register_buffer("intercept", torch.zeros(sizes.targets, dtype=torch.float64))

    def set_weights(self, weights: NDArray[np.float64], intercept: NDArray[np.float64]) -> None:
        """Take (F, targets) weights and (targets,) intercepts, of standardised features and targets."""
        self.weights.copy_(torch.from_numpy(weights))
        self.intercept.copy_(torch.from_numpy(intercept))

    def forward(self, graph: Snapshot) -> Tensor:
        """(N, targets) predictions."""
        return (graph.x.double() @ self.weights + self.intercept).float()
