"""Balls with halos predict what the whole box predicts; turned snapshots are the same liquid."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from glassdyn.learning.dataset import draw_example, make_dataset, partition
from glassdyn.learning.distributed import ALONE
from glassdyn.learning.graphs import build_graph
from glassdyn.learning.metrics import evaluate
from glassdyn.learning.models import Sizes, build
from glassdyn.learning.subgraphs import SYMMETRIES, apply_symmetry, khop_subgraph, nearest_particles
from liquids import DISTANCES, NETWORK, PLAIN, SHORT, VECTORS, labelled, liquid


def test_a_ball_holds_the_nearest_particles():
    graph = labelled(0)
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
    graph = labelled(1, particles=600)
    torch.manual_seed(0)
    network = build(replace(NETWORK, kind=kind, n_rec=depth), Sizes(5, 1, 1, reach=1.5)).eval()
    core = nearest_particles(graph, 17, 20)
    part, kept = khop_subgraph(graph, core, depth)
    assert part.num_nodes < graph.num_nodes
    found = network(part)[torch.searchsorted(kept, core)]
    torch.testing.assert_close(found, network(graph)[core], rtol=0, atol=2e-5)


def test_a_drawn_ball_learns_from_its_own_a_particles():
    graph = labelled(0, particles=600)
    problem = make_dataset([graph], [graph], PLAIN)
    whole = problem.train[0]
    part = draw_example(problem.train, 5, replace(SHORT, subgraph=50), depth=1)
    assert 0 < len(part.learnt) <= 50
    assert part.graph.num_nodes < graph.num_nodes
    assert (part.graph.species[part.learnt] == 0).all()
    features = whole.graph.x[whole.learnt]
    for learnt, target in zip(part.graph.x[part.learnt], part.targets, strict=True):
        row = int((features == learnt).all(dim=1).nonzero())
        assert torch.equal(whole.targets[row], target)


@pytest.mark.parametrize("depth", [0, 1])
def test_cubes_with_their_halos_predict_what_the_whole_box_predicts(depth):
    graph = labelled(0, particles=600)
    whole = make_dataset([graph], [graph], PLAIN).train[0]
    parts = list(partition(whole, 50, depth))
    assert len(parts) == 27
    assert sum(len(part.learnt) for part in parts) == len(whole.learnt)
    assert max(part.graph.num_nodes for part in parts) < graph.num_nodes
    assert list(partition(whole, 0, depth)) == [whole]
    torch.manual_seed(0)
    network = build(replace(NETWORK, n_rec=depth), Sizes(5, 1, 1, reach=1.5))
    pairs = [(part.targets, network(part.graph)[part.learnt]) for part in parts]
    targets, found = map(torch.cat, zip(*pairs, strict=True))
    expected = network(whole.graph)[whole.learnt]
    order, own = torch.argsort(targets[:, 0]), torch.argsort(whole.targets[:, 0])
    assert torch.equal(targets[order], whole.targets[own])
    torch.testing.assert_close(found[order], expected[own], rtol=0, atol=2e-5)


def test_a_network_is_measured_in_parts_as_on_the_whole():
    graphs = [labelled(seed, particles=600) for seed in range(2)]
    task = make_dataset(graphs[:1], graphs[1:], replace(PLAIN, alpha=0.5))
    found = []
    for subgraph in (0, 100):
        torch.manual_seed(0)
        network = build(replace(NETWORK, n_rec=1), Sizes(5, 1, 1, reach=1.5))
        in_parts = partial(partition, particles=subgraph, depth=1)
        scale = task.normalisation.targets.scale
        found.append(evaluate(network, task.held_out, scale, cut=in_parts, members=ALONE))
    assert found[0].objective == pytest.approx(found[1].objective, rel=1e-5)
    assert found[0].losses == pytest.approx(found[1].losses, rel=1e-5)
    assert found[0].pearsons == pytest.approx(found[1].pearsons, abs=1e-5)


def test_the_same_draw_is_the_same_ball_seen_from_the_same_side():
    problem = make_dataset([labelled(0, VECTORS), labelled(1, VECTORS)], [labelled(2, VECTORS)], PLAIN)
    settings = replace(SHORT, subgraph=30, augment=True)
    one, again, other = (draw_example(problem.train, number, settings, depth=1) for number in (3, 3, 4))
    assert torch.equal(one.graph.edge_attr, again.graph.edge_attr)
    assert torch.equal(one.learnt, again.learnt)
    assert one.graph.x.shape != other.graph.x.shape or not torch.equal(one.graph.x, other.graph.x)


def test_there_are_48_symmetries_and_each_is_that_of_turned_positions():
    positions, species, box_length = liquid(0)
    features = species[:, None].astype(np.float32)
    graph = build_graph(positions, species, features, box_length=box_length, graph=VECTORS)
    assert len(set(SYMMETRIES)) == 48
    for number, (axes, signs) in enumerate(SYMMETRIES):
        seen = apply_symmetry(graph, number)
        moved = positions[:, axes] * np.array(signs)
        expected = build_graph(moved, species, features, box_length=box_length, graph=VECTORS)
        assert torch.equal(seen.edge_index, expected.edge_index)
        torch.testing.assert_close(seen.edge_attr, expected.edge_attr, rtol=0, atol=1e-6)
        torch.testing.assert_close(seen.edge_vectors, expected.edge_vectors, rtol=0, atol=1e-6)


def test_distances_stay_when_a_snapshot_turns():
    graph = labelled(0, DISTANCES)
    assert torch.equal(apply_symmetry(graph, 7).edge_attr, graph.edge_attr)
