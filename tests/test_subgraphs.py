"""Balls with halos predict what the whole box predicts; the symmetries of the cube leave the liquid the same."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch_geometric import utils as pyg

from glassdyn.learning.dataset import draw_example, make_dataset, partition
from glassdyn.learning.distributed import ALONE
from glassdyn.learning.graphs import build_graph
from glassdyn.learning.metrics import evaluate
from glassdyn.learning.models import Sizes, build
from glassdyn.learning.subgraphs import SYMMETRIES, apply_symmetry, k_hop_subgraph, nearest_particles
from glassdyn.liquid.configuration import Configuration
from liquids import DISTANCES, NETWORK, PLAIN, SHORT, VECTORS, labelled_graph, liquid


def test_a_ball_holds_the_nearest_particles():
    graph = labelled_graph(0)
    vectors = (graph.pos - graph.pos[3]).double()
    box_length = float(graph.box_length)
    vectors -= box_length * (vectors / box_length).round()
    distances = vectors.norm(dim=1)
    inside = nearest_particles(graph, 3, 40)
    outside = np.setdiff1d(np.arange(graph.num_nodes), inside)
    assert len(inside) == 40
    assert 3 in inside
    assert distances[inside].max() <= distances[outside].min() + 1e-6
    assert len(nearest_particles(graph, 3, 10**6)) == graph.num_nodes


@pytest.mark.parametrize("kind", ["graph_network", "attention", "radial_filter"])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_ball_with_its_halo_predicts_what_the_whole_box_predicts(kind, depth):
    graph = labelled_graph(1, particles=600)
    torch.manual_seed(0)
    network = build(replace(NETWORK, kind=kind, n_rec=depth), Sizes(5, 1, 1, reach=1.5)).eval()
    core = nearest_particles(graph, 17, 20)
    part, subset = k_hop_subgraph(graph, core, depth)
    assert part.num_nodes < graph.num_nodes
    predictions = network(part)[torch.searchsorted(subset, core)]
    torch.testing.assert_close(predictions, network(graph)[core], rtol=0, atol=2e-5)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_the_shells_of_neighbours_are_those_of_pytorch_geometric(depth):
    graph = labelled_graph(1, particles=600)
    core = nearest_particles(graph, 17, 20)
    part, subset = k_hop_subgraph(graph, core, depth)
    nodes, edge_index, _, edges = pyg.k_hop_subgraph(
        core, depth, graph.edge_index, relabel_nodes=True, num_nodes=graph.num_nodes
    )
    assert torch.equal(subset, nodes)
    assert torch.equal(part.edge_index, edge_index)
    assert torch.equal(part.edge_attr, graph.edge_attr[edges])
    assert torch.equal(part.in_degree, edge_index[1].bincount(minlength=len(nodes)))
    assert torch.equal(edge_index[0][part.by_sender], edge_index[0].sort(stable=True).values)


def test_a_ball_has_the_targets_of_its_own_a_particles():
    graph = labelled_graph(0, particles=600)
    dataset = make_dataset([graph], [graph], PLAIN)
    whole = dataset.train[0]
    part = draw_example(dataset.train, 5, replace(SHORT, subgraph=50), depth=1)
    assert 0 < len(part.a_particles) <= 50
    assert part.graph.num_nodes < graph.num_nodes
    assert (part.graph.species[part.a_particles] == 0).all()
    features = whole.graph.x[whole.a_particles]
    for particle, target in zip(part.graph.x[part.a_particles], part.targets, strict=True):
        row = int((features == particle).all(dim=1).nonzero())
        assert torch.equal(whole.targets[row], target)


@pytest.mark.parametrize("depth", [0, 1])
def test_cubes_with_their_halos_predict_what_the_whole_box_predicts(depth):
    graph = labelled_graph(0, particles=600)
    whole = make_dataset([graph], [graph], PLAIN).train[0]
    parts = list(partition(whole, 50, depth))
    assert len(parts) == 27
    assert sum(len(part.a_particles) for part in parts) == len(whole.a_particles)
    assert max(part.graph.num_nodes for part in parts) < graph.num_nodes
    assert list(partition(whole, 0, depth)) == [whole]
    torch.manual_seed(0)
    network = build(replace(NETWORK, n_rec=depth), Sizes(5, 1, 1, reach=1.5))
    pairs = [(part.targets, network(part.graph)[part.a_particles]) for part in parts]
    targets, predictions = map(torch.cat, zip(*pairs, strict=True))
    expected = network(whole.graph)[whole.a_particles]
    order, own = torch.argsort(targets[:, 0]), torch.argsort(whole.targets[:, 0])
    assert torch.equal(targets[order], whole.targets[own])
    torch.testing.assert_close(predictions[order], expected[own], rtol=0, atol=2e-5)


def test_a_network_is_evaluated_in_parts_as_on_the_whole():
    graphs = [labelled_graph(seed, particles=600) for seed in range(2)]
    dataset = make_dataset(graphs[:1], graphs[1:], replace(PLAIN, alpha=0.5))
    metrics = []
    for subgraph in (0, 100):
        torch.manual_seed(0)
        network = build(replace(NETWORK, n_rec=1), Sizes(5, 1, 1, reach=1.5))
        in_parts = partial(partition, particles=subgraph, depth=1)
        scale = dataset.normalisation.targets.scale
        metrics.append(evaluate(network, dataset.held_out, scale, partition=in_parts, group=ALONE))
    whole, divided = metrics
    assert divided.objective == pytest.approx(whole.objective, rel=1e-5)
    assert divided.losses == pytest.approx(whole.losses, rel=1e-5)
    assert divided.pearsons == pytest.approx(whole.pearsons, abs=1e-5)


def test_the_same_draw_is_the_same_ball_under_the_same_symmetry():
    graphs = [labelled_graph(seed, VECTORS) for seed in range(3)]
    dataset, params = make_dataset(graphs[:2], graphs[2:], PLAIN), replace(SHORT, subgraph=30, augment=True)
    first, again, second = (draw_example(dataset.train, number, params, depth=1) for number in (3, 3, 4))
    assert torch.equal(first.graph.edge_attr, again.graph.edge_attr)
    assert torch.equal(first.a_particles, again.a_particles)
    assert first.graph.x.shape != second.graph.x.shape or not torch.equal(first.graph.x, second.graph.x)


def test_there_are_48_symmetries_and_each_is_that_of_transformed_positions():
    positions, species, box_length = liquid(0)
    features = species[:, None].astype(np.float32)
    graph = build_graph(Configuration(positions, species, box_length), features, VECTORS)
    assert len(set(SYMMETRIES)) == 48
    for number, (axes, signs) in enumerate(SYMMETRIES):
        image = apply_symmetry(graph, number)
        moved = Configuration(positions[:, axes] * np.array(signs), species, box_length)
        expected = build_graph(moved, features, VECTORS)
        assert torch.equal(image.edge_index, expected.edge_index)
        torch.testing.assert_close(image.edge_attr, expected.edge_attr, rtol=0, atol=1e-6)
        torch.testing.assert_close(image.edge_vectors, expected.edge_vectors, rtol=0, atol=1e-6)


def test_symmetries_leave_distances_as_they_are():
    graph = labelled_graph(0, DISTANCES)
    assert torch.equal(apply_symmetry(graph, 7).edge_attr, graph.edge_attr)
