"""The models that `model.kind` can name: each takes a `Snapshot` and returns (N, targets) predictions.

A model is an `nn.Module` made by `build(model, sizes)` in a module of its own; `BUILDERS` names it.
It sees standardised features and predicts standardised targets. Networks are trained by gradient descent; the
kinds `ridge` and `boosting` are regressions, which have no trainable weights but buffers. A network's module is
imported when one of its kind is built, because PyTorch Geometric and e3nn take seconds to import.
"""

import warnings
from collections.abc import Callable, Mapping

from torch import nn

from glassdyn.learning.models.boosting import BoostedTrees
from glassdyn.learning.models.linear import LinearModel
from glassdyn.learning.models.residual import Residual
from glassdyn.learning.models.sizes import Sizes
from glassdyn.params import Model

__all__ = ["BUILDERS", "BoostedTrees", "LinearModel", "Residual", "Sizes", "build"]

# PyTorch Geometric and e3nn script classes of their own when imported; users can do nothing about it.
warnings.filterwarnings("ignore", message=".torch.jit.script. is deprecated", category=FutureWarning)


def _build_graph_network(model: Model, sizes: Sizes) -> nn.Module:
    from glassdyn.learning.models import graph_network  # noqa: PLC0415

    return graph_network.build(model, sizes)


def _build_attention(model: Model, sizes: Sizes) -> nn.Module:
    from glassdyn.learning.models import attention  # noqa: PLC0415

    return attention.build(model, sizes)


def _build_radial_filter(model: Model, sizes: Sizes) -> nn.Module:
    from glassdyn.learning.models import radial_filter  # noqa: PLC0415

    return radial_filter.build(model, sizes)


def _build_equivariant(model: Model, sizes: Sizes) -> nn.Module:
    from glassdyn.learning.models import equivariant  # noqa: PLC0415

    return equivariant.build(model, sizes)


def _build_ridge(_model: Model, sizes: Sizes) -> nn.Module:
    return LinearModel(sizes)


def _build_boosting(_model: Model, sizes: Sizes) -> nn.Module:
    return BoostedTrees(sizes)


BUILDERS: Mapping[str, Callable[[Model, Sizes], nn.Module]] = {
    "graph_network": _build_graph_network,
    "attention": _build_attention,
    "radial_filter": _build_radial_filter,
    "equivariant": _build_equivariant,
    "ridge": _build_ridge,
    "boosting": _build_boosting,
}
"""What makes the model of each kind."""


def build(model: Model, sizes: Sizes) -> nn.Module:
    """The untrained model of this kind; its weights are drawn from torch's global generator."""
    network = BUILDERS[model.kind](model, sizes)
    return Residual(network, sizes) if model.linear else network
