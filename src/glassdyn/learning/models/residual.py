"""A network that learns what a linear model of the node features leaves.

m_i = x_i w + b + network(graph)_i. The last layer of the network starts from zero, so that training starts from the
linear model. Its hidden layers start from He's weights: with PyTorch's the input of the last layer hardly varies over
particles, so that it gets no gradient, and the sum stays the linear model.

Source: He et al., "Delving deep into rectifiers", ICCV 2015.
"""

from typing import Protocol, cast, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glassdyn.learning.graphs import Snapshot
from glassdyn.learning.models.linear import LinearModel
from glassdyn.learning.models.sizes import Sizes

__all__ = ["Residual", "SumsOverEdges"]


@runtime_checkable
class SumsOverEdges(Protocol):
    """A network whose layers read sums over the edges of a node, which grow with their number."""

    def weights_of_sums(self) -> list[Tensor]:
        """The columns of its weights that act on such sums; views, to be changed in place."""


class Residual(nn.Module):
    """The sum of a linear model, whose weights are fixed, and a network.

    Args:
        network: untrained; `decode` ends with a linear layer. Weights of its `nn.Linear` layers are drawn anew.
        sizes: of the data.
    """

    def __init__(self, network: nn.Module, sizes: Sizes) -> None:
        super().__init__()
        self.linear, self.network = LinearModel(sizes), network
        for module in network.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        last = cast("nn.Linear", cast("nn.Sequential", network.decode)[-1])
        nn.init.zeros_(last.weight)

    @torch.no_grad()
    def start_from(
        self, weights: NDArray[np.float64], intercept: NDArray[np.float64], *, degree: float
    ) -> None:
        """Set the linear model, and bring sums over edges to the scale of means.

        Args:
            weights: (F, targets) of standardised features and targets.
            intercept: (targets,).
            degree: mean number of edges that a node receives.
        """
        self.linear.set_weights(weights, intercept)
        if isinstance(self.network, SumsOverEdges):
            for columns in self.network.weights_of_sums():
                columns.div_(degree)

    def forward(self, graph: Snapshot) -> Tensor:
        """(N, targets) predictions."""
        predictions: Tensor = self.linear(graph) + self.network(graph)
        return predictions
