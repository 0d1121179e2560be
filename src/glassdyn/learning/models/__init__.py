"""The models that `model.kind` can name: each takes a `Snapshot` and returns (N, targets) predictions.

A model is an `nn.Module` made by `build(model, sizes)` in a module of its own; `BUILDERS` names it.
It sees standardised features and predicts standardised targets.
"""

from collections.abc import Callable, Mapping

from torch import nn

from glassdyn.learning.models import attention, equivariant, graph_network, radial_filter
from glassdyn.learning.models.sizes import Sizes
from glassdyn.params import Model

__all__ = ["BUILDERS", "Sizes", "build"]

BUILDERS: Mapping[str, Callable[[Model, Sizes], nn.Module]] = {
    "graph_network": graph_network.build,
    "attention": attention.build,
    "radial_filter": radial_filter.build,
    "equivariant": equivariant.build,
}
"""What makes the model of each kind."""


def build(model: Model, sizes: Sizes) -> nn.Module:
    """The untrained model of this kind; its weights are drawn from torch's global generator."""
    return BUILDERS[model.kind](model, sizes)
