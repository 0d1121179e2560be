"""The graph network: its symmetries, its reach, and its equality with a plain concatenating network."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.nn import MetaLayer

from glassdyn.learning.graphs import build_graph, fit_normalisation, standardise
from glassdyn.learning.models import Sizes, build, edge_update, linear_kernels
from glassdyn.learning.models.graph_network import mlp
from glassdyn.liquid.configuration import Configuration
from glassdyn.params import Model
from liquids import DISTANCES, NETWORK, VECTORS, labelled_graph, liquid

EPSILON = 2e-5
"""Rounding of float32 sums over some hundred terms, for predictions of order 1."""


def network(n_rec=3, *, shared=False, edges=1, targets=1, hidden=(8, 8), seed=0):
    torch.manual_seed(seed)
    return build(Model("graph_network", n_rec, shared, hidden), Sizes(5, edges, targets, 1.5))


class EdgeUpdate(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.layers = mlp(6 * hidden[-1], hidden)

    def forward(self, sent, received, edges, _globals, _batch):
        return self.layers(torch.cat((edges, received, sent), dim=1))


class NodeUpdate(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.layers = mlp(3 * hidden[-1], hidden)

    def forward(self, nodes, edge_index, edges, _globals, _batch):
        summed = torch.zeros(len(nodes), edges.shape[1]).index_add_(0, edge_index[1], edges)
        return self.layers(torch.cat((summed, nodes), dim=1))


def concatenating(model, graph):
    """The same network, of PyG's MetaLayer, concatenating on every edge."""
    hidden = [layer.out_features for layer in model.encode_nodes if isinstance(layer, nn.Linear)]
    nodes = first_nodes = model.encode_nodes(graph.x)
    edges = first_edges = model.encode_edges(graph.edge_attr) if model.recurrences else None
    for number in model.recurrences:
        layer = MetaLayer(EdgeUpdate(hidden), NodeUpdate(hidden))
        block = model.blocks[number]
        for plain, update in ((layer.edge_model, block.edges), (layer.node_model, block.nodes)):
            linear = [module for module in plain.layers if isinstance(module, nn.Linear)]
            ours = [update.first, *(module for module in update.rest if isinstance(module, nn.Linear))]
            for theirs, own in zip(linear, ours, strict=True):
                theirs.weight, theirs.bias = own.weight, own.bias
        nodes, edges, _ = layer(
            torch.cat((nodes, first_nodes), dim=1), graph.edge_index, torch.cat((edges, first_edges), dim=1)
        )
    return model.decode(nodes)


def assert_equals_the_concatenating_network(graph, model):
    """Forward to rounding, and backward on every weight, all of which matter."""
    ours, theirs = model(graph), concatenating(model, graph)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    weight = torch.randn(ours.shape)
    gradients = [
        torch.autograd.grad((output * weight).sum(), list(model.parameters())) for output in (ours, theirs)
    ]
    for own, other in zip(*gradients, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-4 * float(other.abs().max()))


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("n_rec", [0, 1, 3])
@pytest.mark.parametrize("hidden", [(8, 8), (6, 10, 4), (5,)])
def test_equals_the_concatenating_network_forward_and_backward(n_rec, shared, hidden):
    model = network(n_rec, shared=shared, edges=3, targets=2, hidden=hidden)
    assert_equals_the_concatenating_network(labelled_graph(0, VECTORS), model)


@pytest.mark.parametrize(("width", "fused"), [(16, False), (64, False), (64, True)])
def test_wide_layers_and_slices_of_many_edges_change_nothing(width, fused, monkeypatch):
    monkeypatch.setattr(linear_kernels, "ONEDNN", fused and hasattr(torch.ops.mkldnn, "_linear_pointwise"))
    monkeypatch.setattr(edge_update, "SLICE_CPU", 4096 * width)
    graph = labelled_graph(0, VECTORS, particles=600)
    assert graph.num_edges > 2 * 4096
    assert_equals_the_concatenating_network(graph, network(edges=3, hidden=(width, width)))


def gradients_of(model, *graphs):
    """Of the sum over graphs, all forward before all backward."""
    model.zero_grad()
    for output in [model(graph).square().sum() for graph in graphs]:
        output.backward()
    return [parameter.grad.clone() for parameter in model.parameters()]


def test_memory_that_is_taken_again_changes_nothing():
    """Graphs that grow and shrink, and several at once, beside networks that never took a step before."""
    used, addresses = network(), []
    for counts in ([300], [200], [400], [200, 300], [300, 200, 400], [400]):
        graphs = [labelled_graph(count, particles=count) for count in counts]
        addresses.append({block.data_ptr() for block in used.spare})
        for own, other in zip(gradients_of(used, *graphs), gradients_of(network(), *graphs), strict=True):
            assert torch.equal(own, other)
    assert addresses[1] & addresses[2]  # the smaller one lay where the larger one had been


def test_a_second_backward_pass_is_refused():
    output = network()(labelled_graph(0)).sum()
    output.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.backward()


def test_products_see_whole_weights(monkeypatch):
    """Columns of a wider weight would be multiplied by oneDNN's reference kernel."""
    seen = []

    def watched(terms, values, weight):
        seen.append(weight.is_contiguous() or weight.T.is_contiguous())
        return linear_kernels.linear_add(terms, values, weight)

    monkeypatch.setattr(edge_update, "linear_add", watched)
    network(edges=3)(labelled_graph(0, VECTORS)).sum().backward()
    assert seen
    assert all(seen)


def test_relabelling_permutes_the_predictions():
    positions, species, box_length = liquid(0)
    features = np.random.default_rng(1).normal(size=(len(positions), 5)).astype(np.float32)
    order = np.random.default_rng(2).permutation(len(positions))
    model = network()
    plain, relabelled = (
        model(build_graph(Configuration(positions[i], species[i], box_length), features[i], DISTANCES))
        for i in (np.arange(len(positions)), order)
    )
    torch.testing.assert_close(relabelled, plain[order], rtol=0, atol=EPSILON)


def test_translation_rotation_and_reflection_change_nothing():
    positions, species, box_length = liquid(0)
    features = np.random.default_rng(1).normal(size=(len(positions), 5)).astype(np.float32)
    model = network()

    def predictions(moved):
        return model(build_graph(Configuration(moved, species, box_length), features, DISTANCES))

    plain = predictions(positions)
    for shift in np.random.default_rng(3).normal(scale=20.0, size=(3, 3)):
        torch.testing.assert_close(predictions(positions + shift), plain, rtol=0, atol=EPSILON)
    for axes in itertools.permutations(range(3)):
        for signs in ((1, 1, 1), (-1, 1, 1), (1, -1, -1)):
            moved = positions[:, axes] * np.array(signs)
            torch.testing.assert_close(predictions(moved), plain, rtol=0, atol=EPSILON)


@pytest.mark.parametrize("n_rec", [0, 1, 2, 3])
def test_a_network_of_n_blocks_sees_exactly_n_shells(n_rec):
    graph = labelled_graph(0, particles=400)
    graph = standardise(graph, fit_normalisation([graph]))
    graph.x.requires_grad_()
    model = network(n_rec, hidden=(32, 32))
    model(graph)[7].sum().backward()
    seen = graph.x.grad.abs().sum(dim=1) > 0
    senders, receivers = graph.edge_index
    shells = torch.zeros(graph.num_nodes, dtype=torch.bool)
    shells[7] = True
    for _ in range(n_rec):
        shells[senders[shells[receivers]]] = True
    assert torch.equal(seen, shells)


def test_shared_weights_are_one_pair_for_all_blocks():
    one, three = (sum(p.numel() for p in network(n, shared=True).parameters()) for n in (1, 3))
    assert one == three
    assert len(network(3).blocks) == 3


def test_a_particle_without_neighbours_has_a_prediction():
    positions = np.array([[1.0, 1, 1], [5.0, 5, 5], [5.0, 5, 6]])
    graph = build_graph(
        Configuration(positions, np.zeros(3, np.uint8), 10.0), np.ones((3, 5), np.float32), DISTANCES
    )
    assert torch.isfinite(network()(graph)).all()
    assert NETWORK.n_rec == 3
