"""Graphs against a brute-force reference, and the laws of their features."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from glassdyn.learning.graphs import build_graph, fit_normalisation, standardise
from liquids import VECTORS, labelled_graph, liquid
from references import graphs as reference
from short_pipeline import section


@pytest.mark.parametrize("edges", ["distance", "vector"])
def test_edges_are_the_pairs_nearer_than_the_threshold(edges):
    configuration = liquid(0)
    graph = build_graph(
        configuration,
        configuration.species[:, None],
        section("graph", r_threshold=1.4, edges=edges, self_edges=False, nodes="type"),
    )
    receivers, senders, vectors = reference.edges(configuration, 1.4)
    assert np.array_equal(graph.edge_index.numpy(), np.stack((senders, receivers)))
    expected = vectors if edges == "vector" else np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(graph.edge_attr.numpy(), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(graph.edge_vectors.numpy(), vectors, rtol=1e-6, atol=1e-6)
    assert graph.x.dtype == graph.edge_attr.dtype == torch.float32
    assert (graph.num_nodes, graph.num_edges) == (len(configuration.positions), len(vectors))


def test_self_edges_are_one_zero_edge_per_particle():
    configuration = liquid(1)
    plain, own = (
        build_graph(
            configuration,
            configuration.species[:, None],
            section("graph", r_threshold=1.4, edges="vector", self_edges=self_edges, nodes="type"),
        )
        for self_edges in (False, True)
    )
    senders, receivers = own.edge_index
    loops = senders == receivers
    assert torch.equal(receivers[loops], torch.arange(own.num_nodes))
    assert not own.edge_attr[loops].any()
    assert torch.equal(own.edge_index[:, ~loops], plain.edge_index)
    assert (receivers.diff() >= 0).all()


def test_degrees_and_order_are_those_of_the_edges():
    graph = labelled_graph(0)
    senders, receivers = graph.edge_index
    assert torch.equal(receivers.bincount(minlength=graph.num_nodes), graph.in_degree)
    assert torch.equal(senders.bincount(minlength=graph.num_nodes), graph.out_degree)
    assert torch.equal(senders[graph.by_sender], senders.sort(stable=True).values)


def test_a_snapshot_moves_as_a_whole():
    graph, meta = labelled_graph(0), torch.device("meta")
    assert {tensor.device for tensor in graph.to(meta)} == {meta}
    assert graph._replace(y=None).to(meta).y is None


def test_training_without_labels_is_refused():
    with pytest.raises(ValueError, match="labelled snapshots"):
        fit_normalisation([labelled_graph(0)._replace(y=None)])


def test_training_graphs_have_zero_mean_and_unit_variance_once_standardised():
    graphs = [labelled_graph(seed) for seed in range(3)]
    normalisation = fit_normalisation(graphs)
    ready = [standardise(graph, normalisation) for graph in graphs]
    for values in (torch.cat([graph.x for graph in ready]), torch.cat([graph.edge_attr for graph in ready])):
        torch.testing.assert_close(values.mean(dim=0), torch.zeros(values.shape[1]), atol=1e-5, rtol=0)
        torch.testing.assert_close(values.std(dim=0, correction=0), torch.ones(values.shape[1]))
    labels = torch.cat([graph.y[graph.species == 0] for graph in graphs])
    assert abs(float(normalisation.targets.apply(labels).mean())) < 1e-5
    torch.testing.assert_close(normalisation.targets.undo(normalisation.targets.apply(labels)), labels)


def test_statistics_are_those_of_all_particles_however_far_from_zero():
    graphs = [labelled_graph(seed, particles=100 * (seed + 1)) for seed in range(3)]
    for graph in graphs:
        graph.x[:, 1] += 1000
    nodes = fit_normalisation(graphs).nodes
    values = np.concatenate([graph.x.numpy().astype(np.float64) for graph in graphs])
    np.testing.assert_allclose(nodes.mean.numpy(), values.mean(axis=0), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(nodes.scale.numpy(), values.std(axis=0), rtol=1e-6)


def test_standardising_leaves_the_graph_it_was_given():
    graph = labelled_graph(0)
    before = graph.x.clone()
    standardise(graph, fit_normalisation([graph]))
    assert torch.equal(graph.x, before)


def test_a_constant_feature_becomes_zero():
    graph = labelled_graph(0)
    graph.x[:, 1] = 7.0
    assert not standardise(graph, fit_normalisation([graph])).x[:, 1].any()


def test_vectors_share_one_scale_so_that_rotations_stay_rotations():
    graph = labelled_graph(0, VECTORS)
    edges = fit_normalisation([graph]).edges
    assert not edges.mean.any()
    assert torch.equal(edges.scale, edges.scale[0].expand(3))


def test_graphs_do_without_pytorch_geometric(root):
    """Importing it takes two seconds, which every stage that makes a graph would pay."""
    modules = "glassdyn.learning.labelled_graphs", "glassdyn.learning.subgraphs"
    code = f"import {', '.join(modules)}, sys; sys.exit('torch_geometric' in sys.modules)"
    subprocess.run(
        [sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": str(root / "src")}
    )


def test_shifts_and_scales_of_a_species_features_in_a_snapshot_change_nothing():
    configuration = liquid(0)
    species = configuration.species
    own = np.random.default_rng(3).normal(size=(len(species), 2))
    features = np.column_stack((species, own, own[:, :1] * species[:, None]))
    moved = features.copy()
    moved[species == 0, 1:3] = 3.0 + 2.0 * moved[species == 0, 1:3]
    moved[species == 1, 1:] = 0.5 * moved[species == 1, 1:] - 7.0
    params = section("graph", r_threshold=1.4, standardise="snapshot")
    graph, again = (build_graph(configuration, values, params) for values in (features, moved))
    np.testing.assert_allclose(graph.x.numpy(), again.x.numpy(), atol=1e-5)
    np.testing.assert_array_equal(graph.x[:, 0].numpy(), species)
    np.testing.assert_array_equal(graph.x[species == 0, 3].numpy(), 0.0)
    for kind in (0, 1):
        members = graph.x[species == kind, 1:3].numpy()
        np.testing.assert_allclose(members.mean(axis=0), 0.0, atol=1e-6)
        np.testing.assert_allclose(members.std(axis=0), 1.0, rtol=1e-5)
