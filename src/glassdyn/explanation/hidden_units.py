"""What the last node vectors of a network hold, and what hand-made quantities they go with."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glassdyn.correlation import pearson
from glassdyn.explanation.explained_model import Network
from glassdyn.explanation.intervals import mean_and_error
from glassdyn.learning.graphs import Snapshot, standardise
from glassdyn.learning.model_file import TrainedModel
from glassdyn.learning.models import Residual

__all__ = ["correlate", "hidden_units"]

Values = NDArray[np.float64]


def hidden_units(model: object, graph: Snapshot | None) -> dict[str, Values]:
    """Name -> (N,) values of each unit of the node vectors that the decoder reads; none of a model without a decoder.

    Args:
        model: the explained model.
        graph: of the sample, not yet standardised.
    """
    if not isinstance(model, Network) or graph is None or not model.trained.model.is_network:
        return {}
    trained = model.trained
    vectors = [_node_vectors(network, trained, graph) for network in trained.networks]
    prefixes = [f"network {k + 1}, " if len(vectors) > 1 else "" for k in range(len(vectors))]
    return {
        f"{prefix}unit {unit + 1}": column
        for prefix, vector in zip(prefixes, vectors, strict=True)
        for unit, column in enumerate(vector.T)
    }


def inner_network(network: nn.Module) -> nn.Module:
    """The network whose layers are looked at: of a residual model the part that is trained."""
    return network.network if isinstance(network, Residual) else network


def _node_vectors(network: nn.Module, trained: TrainedModel, graph: Snapshot) -> Values:
    """(N, h) what goes into the decoder."""
    captured: list[Tensor] = []

    def capture(_module: nn.Module, arguments: tuple[Any, ...]) -> None:
        captured.append(arguments[0])

    decoder = cast("nn.Module", inner_network(network).decode)
    handle = decoder.register_forward_pre_hook(capture)
    try:
        with torch.inference_mode():
            network.eval()(standardise(graph, trained.normalisation))
    finally:
        handle.remove()
    return captured[0].double().numpy()


def correlate(
    outputs: Mapping[str, Values], quantities: Mapping[str, Values], units: NDArray[np.int64]
) -> pl.DataFrame:
    """Pearson's coefficient of every output with every quantity.

    Args:
        outputs: name -> (n,) values of n particles: the prediction, the truth, hidden units.
        quantities: name -> (n,) values of the same particles.
        units: (n,) copies, or samples where there is one copy.

    Returns:
        Columns output, quantity, pearson, pearson_error: mean and standard error over units; null where either is
        constant.
    """
    groups = [units == unit for unit in np.unique(units)]
    return pl.DataFrame(
        [
            {"output": output, "quantity": quantity, **_coefficient(values, others, groups)}
            for output, values in outputs.items()
            for quantity, others in quantities.items()
        ],
        schema={
            "output": pl.String,
            "quantity": pl.String,
            "pearson": pl.Float64,
            "pearson_error": pl.Float64,
        },
    )


def _coefficient(
    first: Values, second: Values, groups: Sequence[NDArray[np.bool_]]
) -> dict[str, float | None]:
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return {"pearson": None, "pearson_error": None}
    return mean_and_error("pearson", [pearson(first[rows], second[rows]) for rows in groups])
