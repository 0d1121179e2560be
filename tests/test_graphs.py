"""Graphs against a brute-force reference, and the laws of their features."""

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch

from glassdyn.learning.graphs import build_graph, fit_normalisation, standardise
from glassdyn.liquid.box import minimum_image
from glassdyn.params import Graph
from liquids import DISTANCES, VECTORS, labelled, liquid


def brute_force(positions, box_length, r_threshold):
    """Vectors from receiver to sender of every pair, by the definition."""
    vectors = minimum_image(positions[None, :] - positions[:, None], box_length)
    distances = np.linalg.norm(vectors, axis=-1)
    receivers, senders = np.nonzero((distances < r_threshold) & ~np.eye(len(positions), dtype=bool))
    return receivers, senders, vectors[receivers, senders]


@pytest.mark.parametrize("edges", ["distance", "vector"])
def test_edges_are_the_pairs_nearer_than_the_threshold(edges):
    positions, species, box_length = liquid(0)
    graph = Graph(1.4, edges, self_edges=False, nodes="type")
    built = build_graph(positions, species, species[:, None], box_length=box_length, graph=graph)
    receivers, senders, vectors = brute_force(positions, box_length, 1.4)
    assert np.array_equal(built.edge_index.numpy(), np.stack((senders, receivers)))
    expected = vectors if edges == "vector" else np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(built.edge_attr.numpy(), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(built.edge_vectors.numpy(), vectors, rtol=1e-6, atol=1e-6)
    assert built.x.dtype == built.edge_attr.dtype == torch.float32


def test_self_edges_are_one_zero_edge_per_particle():
    positions, species, box_length = liquid(1)
    plain, own = (
        build_graph(
            positions, species, species[:, None], box_length=box_length, graph=Graph(1.4, "vector", s, "type")
        )
        for s in (False, True)
    )
    senders, receivers = own.edge_index
    loops = senders == receivers
    assert torch.equal(receivers[loops], torch.arange(len(positions)))
    assert not own.edge_attr[loops].any()
    assert torch.equal(own.edge_index[:, ~loops], plain.edge_index)
    assert (receivers.diff() >= 0).all()


@pytest.mark.parametrize("together", [False, True], ids=["one", "batch"])
def test_wiring_tells_the_edges_of_every_sender_and_receiver(together):
    graph = Batch.from_data_list([labelled(0), labelled(1)]) if together else labelled(0)
    senders, receivers = graph.edge_index
    assert torch.equal(receivers.bincount(minlength=graph.num_nodes), graph.in_degree)
    assert torch.equal(senders.bincount(minlength=graph.num_nodes), graph.out_degree)
    assert torch.equal(senders[graph.by_sender], senders.sort(stable=True).values)


def test_training_graphs_have_zero_mean_and_unit_variance_once_standardised():
    graphs = [labelled(seed) for seed in range(3)]
    normalisation = fit_normalisation(graphs)
    ready = [standardise(graph, normalisation) for graph in graphs]
    for values in (torch.cat([graph.x for graph in ready]), torch.cat([graph.edge_attr for graph in ready])):
        torch.testing.assert_close(values.mean(dim=0), torch.zeros(values.shape[1]), atol=1e-5, rtol=0)
        torch.testing.assert_close(values.std(dim=0, correction=0), torch.ones(values.shape[1]))
    learnt = torch.cat([graph.y[graph.species == 0] for graph in graphs])
    assert abs(float(normalisation.targets.apply(learnt).mean())) < 1e-5
    torch.testing.assert_close(normalisation.targets.undo(normalisation.targets.apply(learnt)), learnt)


def test_statistics_are_those_of_all_particles_however_far_from_zero():
    graphs = [labelled(seed, particles=100 * (seed + 1)) for seed in range(3)]
    for graph in graphs:
        graph.x[:, 1] += 1000
    nodes = fit_normalisation(graphs).nodes
    values = np.concatenate([graph.x.numpy().astype(np.float64) for graph in graphs])
    np.testing.assert_allclose(nodes.mean.numpy(), values.mean(axis=0), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(nodes.scale.numpy(), values.std(axis=0), rtol=1e-6)


def test_standardising_leaves_the_graph_it_was_given():
    graph = labelled(0)
    before = graph.x.clone()
    standardise(graph, fit_normalisation([graph]))
    assert torch.equal(graph.x, before)


def test_a_constant_feature_becomes_zero():
    graph = labelled(0)
    graph.x[:, 1] = 7.0
    assert not standardise(graph, fit_normalisation([graph])).x[:, 1].any()


def test_vectors_share_one_scale_so_that_rotations_stay_rotations():
    graph = labelled(0, VECTORS)
    edges = fit_normalisation([graph]).edges
    assert not edges.mean.any()
    assert torch.equal(edges.scale, edges.scale[0].expand(3))
    assert DISTANCES.edges != VECTORS.edges
