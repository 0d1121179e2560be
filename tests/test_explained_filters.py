"""Filters and attention are those that the networks act by."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from glassdyn.explanation.filters import attention_table, filter_table, radial_filters
from glassdyn.explanation.neighbour_figures import attention, filters
from glassdyn.learning.graphs import fit_normalisation, standardise
from glassdyn.learning.model_file import TrainedModel
from glassdyn.learning.models import build
from glassdyn.learning.models.sizes import infer_sizes
from liquids import DISTANCES, NETWORK, STRUCTURE, labelled_graph

GRAPHS = [labelled_graph(seed) for seed in (1, 2)]


def untrained(kind, *, linear=False):
    sizes = infer_sizes(GRAPHS[0], DISTANCES.r_threshold)
    model = replace(NETWORK, kind=kind, n_rec=2, hidden=(8, 8), linear=linear)
    torch.manual_seed(1)
    return TrainedModel(
        (build(model, sizes),),
        model,
        sizes,
        DISTANCES,
        STRUCTURE,
        ("p_hop",),
        {"p_hop": {}},
        fit_normalisation(GRAPHS),
    )


@pytest.mark.parametrize("linear", [False, True])
def test_filters_sum_neighbours_as_the_network_does(linear):
    trained = untrained("radial_filter", linear=linear)
    network = trained.networks[0].network if linear else trained.networks[0]
    convolve, graph = network.blocks[0].convolve, GRAPHS[0]
    distances = torch.linalg.vector_norm(graph.edge_vectors, dim=1)
    weights = radial_filters(trained.networks[0], distances.double().numpy())[0]  # (E, h)
    with torch.inference_mode():
        nodes = torch.randn(graph.num_nodes, 8)
        expected = convolve(nodes, graph.edge_index, distances, network.expand(distances))
        messages = convolve.lin1(nodes)[graph.edge_index[0]] * torch.from_numpy(weights).float()
        sums = torch.zeros(graph.num_nodes, 8).index_add_(0, graph.edge_index[1], messages)
        assert convolve.lin2(sums).numpy() == pytest.approx(expected.numpy(), abs=1e-4)


def test_filters_end_at_the_longest_edge():
    table = filter_table([untrained("radial_filter")] * 2)
    assert set(table["block"]) == set(table["network"]) == {1, 2}
    assert set(table["unit"]) == set(range(1, 9))
    norm = table.group_by("distance").agg((pl.col("value") ** 2).sum().sqrt()).sort("distance")["value"]
    assert norm[-1] < 0.01 * norm.max()
    with_distribution = table.with_columns(g_AA=pl.lit(1.0), g_AB=pl.lit(1.0))
    assert len(filters(with_distribution).axes) == 4


def test_attention_is_one_on_average_over_the_neighbours_of_a_particle():
    trained = untrained("attention")
    table = attention_table([trained], GRAPHS)
    means = table.group_by("layer", "head").agg(
        (pl.col("attention") * pl.col("edges")).sum() / pl.col("edges").sum()
    )
    assert means["attention"].to_numpy() == pytest.approx(np.ones(len(means)), abs=0.01)
    assert table.group_by("layer", "head").agg(pl.col("edges").sum())["edges"].n_unique() == 1
    assert len(attention(table).axes) == 2


def test_looking_at_attention_changes_no_prediction():
    trained = untrained("attention")
    graph = standardise(GRAPHS[0], trained.normalisation)
    with torch.inference_mode():
        before = trained.networks[0].eval()(graph)
        attention_table([trained], GRAPHS)
        assert torch.equal(trained.networks[0].eval()(graph), before)


@pytest.mark.parametrize("kind", ["graph_network", "ridge"])
def test_other_kinds_have_neither(kind):
    trained = untrained(kind)
    assert filter_table([trained]).is_empty()
    assert attention_table([trained], GRAPHS).is_empty()
