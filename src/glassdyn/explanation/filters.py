"""What networks have learnt about neighbours: radial filters, and attention by distance and species."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glassdyn.explanation.hidden_units import inner_network
from glassdyn.learning.graphs import Snapshot, standardise
from glassdyn.learning.model_file import TrainedModel

__all__ = ["attention_table", "filter_table", "radial_filters"]

Values = NDArray[np.float64]

STEP = 0.02
"""Between the distances at which filters are evaluated, units of sigma_AA."""

WIDTH = 0.05
"""Of the bins of distance that attention is averaged in, units of sigma_AA."""


def radial_filters(network: nn.Module, distances: Values) -> Values:
    """(blocks, R, h) filters of a network of continuous convolutions, as they act on neighbours.

    W_k(r) = w_k(r) (1 + cos(pi r / r_threshold)) / 2, of each of the h units k

    Args:
        network: of the kind `radial_filter`.
        distances: (R,) units of sigma_AA.
    """
    inner = cast("Any", inner_network(network))
    lengths = torch.from_numpy(distances).float()
    with torch.inference_mode():
        expanded = inner.expand(lengths)  # (R, Gaussians)
        filters = [
            block.convolve.nn(expanded)
            * (0.5 + 0.5 * torch.cos(torch.pi * lengths / block.convolve.cutoff))[:, None]
            for block in inner.blocks
        ]
    return np.stack([each.double().numpy() for each in filters])


def filter_table(models: Sequence[TrainedModel]) -> pl.DataFrame:
    """The radial filters of models; without a row for those of other kinds.

    Units carry no sign or order: filters of two networks are compared by their norm over units,
    |W|(r) = sqrt(sum_k W_k(r)^2), or by their singular functions.

    Args:
        models: the model, and refits of it.

    Returns:
        Columns network (a number for each network of each model), block, unit, distance (sigma_AA), value.
    """
    networks = [
        (network, np.arange(STEP, trained.sizes.reach, STEP))
        for trained in _of_kind(models, "radial_filter")
        for network in trained.networks
    ]
    if not networks:
        return pl.DataFrame()
    return pl.concat(
        _lay_out_filters(radial_filters(network, distances), distances).select(
            pl.lit(number).alias("network"), pl.all()
        )
        for number, (network, distances) in enumerate(networks, 1)
    )


def _lay_out_filters(filters: Values, distances: Values) -> pl.DataFrame:
    """Columns block, unit, distance, value of the (blocks, R, h) filters of a network."""
    blocks, _, units = filters.shape
    return pl.concat(
        pl.DataFrame(
            {"block": block + 1, "unit": unit + 1, "distance": distances, "value": filters[block, :, unit]}
        )
        for block, unit in np.ndindex(blocks, units)
    )


class Attended(NamedTuple):
    """Attention of a layer of a snapshot.

    Attributes:
        layer: from 1.
        weights: (E, heads) times the number of edges that the receiver has: 1 is what each has on average.
        edge_index: (2, E) senders and receivers.
    """

    layer: int
    weights: Tensor
    edge_index: Tensor


def _of_kind(models: Sequence[TrainedModel], kind: str) -> list[TrainedModel]:
    """Those of a kind that look at neighbours."""
    return [trained for trained in models if trained.model.kind == kind and trained.model.n_rec]


def attention_table(models: Sequence[TrainedModel], graphs: Sequence[Snapshot]) -> pl.DataFrame:
    """How much A particles attend to neighbours of each species, by distance; without a row for models of other kinds.

    a_ij = alpha_ij n_i, alpha_ij: weight of the neighbour j of i, which sum to 1; n_i: number of neighbours

    Args:
        models: the model, and refits of it.
        graphs: of the test samples, not yet standardised.

    Returns:
        Columns layer, head, neighbour (A or B), distance (sigma_AA), attention, error over networks and samples, edges.
    """
    rows = [
        row
        for trained in _of_kind(models, "attention")
        for network in trained.networks
        for graph in graphs
        for layer in _attend(network, standardise(graph, trained.normalisation))
        for row in _average(layer, graph)
    ]
    if not rows:
        return pl.DataFrame()
    return (
        pl.DataFrame(rows)
        .group_by("layer", "head", "neighbour", "distance")
        .agg(
            pl.col("attention").mean(),
            error=pl.col("attention").std() / pl.len().sqrt(),
            edges=pl.col("edges").sum(),
        )
        .sort("layer", "head", "neighbour", "distance")
    )


def _attend(network: nn.Module, graph: Snapshot) -> Iterator[Attended]:
    """The attention of every layer, in the order in which they act."""
    inner, calls = cast("Any", inner_network(network)), []
    handles = [
        layer.register_forward_pre_hook(lambda module, arguments: calls.append((module, arguments)))
        for layer in inner.layers
    ]
    with torch.inference_mode():
        try:
            network.eval()(graph)
        finally:
            for handle in handles:
                handle.remove()
        for number, (layer, arguments) in enumerate(calls, 1):
            _, (edge_index, alpha) = layer(*arguments, return_attention_weights=True)
            degree = torch.bincount(edge_index[1], minlength=graph.num_nodes)
            yield Attended(number, alpha * degree[edge_index[1]][:, None], edge_index)


def _average(layer: Attended, graph: Snapshot) -> Iterator[dict[str, Any]]:
    """Means over the edges from A or B to A particles in bins of distance."""
    senders, receivers = layer.edge_index.numpy()
    species, distances = graph.species.numpy(), torch.linalg.vector_norm(graph.edge_vectors, dim=1).numpy()
    bins = (distances / WIDTH).astype(int)
    for kind, name in enumerate("AB"):
        rows = (species[receivers] == 0) & (species[senders] == kind)
        counts = np.bincount(bins[rows])
        for head, weights in enumerate(layer.weights.double().numpy().T, 1):
            sums = np.bincount(bins[rows], weights[rows])
            for k in np.flatnonzero(counts):
                place = {"layer": layer.layer, "head": head, "neighbour": name, "distance": (k + 0.5) * WIDTH}
                yield {**place, "attention": sums[k] / counts[k], "edges": int(counts[k])}
