"""The graph network's kernels: equal to the network of the thesis, forward and backward, in memory used again."""

from dataclasses import replace

import pytest
import torch

from glassdyn.learning.models import Sizes, build, connectivity, edge_kernels, linear_kernels
from glassdyn.learning.models.buffers import BufferPool
from glassdyn.learning.models.edge_update import Skip, encode_edges
from glassdyn.learning.models.weights import named_perceptrons
from liquids import NETWORK, VECTORS, labelled_graph
from references import graph_network as reference


def network(n_rec=3, *, shared=False, edges=1, targets=1, hidden=(8, 8), seed=0):
    torch.manual_seed(seed)
    model = replace(NETWORK, n_rec=n_rec, shared=shared, hidden=hidden)
    return build(model, Sizes(5, edges, targets, 1.5))


def perceptrons_of(model):
    """The layers of a network as the reference takes them."""
    return {
        name: [(linear.weight.T, linear.bias) for linear in linears]
        for name, linears in named_perceptrons(model)
    }


def assert_equals_the_reference(graph, model):
    """Forward to rounding, and backward on every weight, all of which matter."""
    fast = model(graph)
    slow = reference.predict(
        graph.x, graph.edge_attr, graph.edge_index, perceptrons_of(model), model.recurrences
    )
    torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-5)
    weight = torch.randn(fast.shape)
    gradients = [
        torch.autograd.grad((output * weight).sum(), list(model.parameters())) for output in (fast, slow)
    ]
    for actual, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


@torch.no_grad()
def test_every_step_is_its_equation():
    graph, model = labelled_graph(0, VECTORS), network(1, edges=3)
    (senders, receivers), buffers = graph.edge_index, BufferPool([])
    phi = perceptrons_of(model)
    v0, e0 = (
        reference.encode(graph.x, phi["encoder.nodes"]),
        reference.encode(graph.edge_attr, phi["encoder.edges"]),
    )
    torch.testing.assert_close(model.encode_nodes(graph.x), v0)
    layers = [(weight.T, bias) for weight, bias in phi["encoder.edges"]]
    torch.testing.assert_close(encode_edges(graph.edge_attr, layers, buffers), e0)

    v, e = torch.randn_like(v0), torch.randn_like(e0)
    v_next, edges = model.blocks[0](Skip(v, v0), Skip(e, e0), connectivity.connect(graph), buffers)
    v, e = torch.cat((v, v0), dim=1), torch.cat((e, e0), dim=1)
    e_next = reference.update_edges(e, v, senders, receivers, phi["blocks.0.edges"])
    torch.testing.assert_close(edges.current, e_next)
    e_bar = reference.sum_received(e_next, receivers, graph.num_nodes)
    torch.testing.assert_close(v_next, reference.update_nodes(e_bar, v, phi["blocks.0.nodes"]))
    torch.testing.assert_close(model.decode(v_next), reference.decode(v_next, phi["decoder"]))


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("n_rec", [0, 1, 3])
@pytest.mark.parametrize("hidden", [(8, 8), (6, 10, 4), (5,)])
def test_equals_the_network_of_the_thesis_forward_and_backward(n_rec, shared, hidden):
    model = network(n_rec, shared=shared, edges=3, targets=2, hidden=hidden)
    assert_equals_the_reference(labelled_graph(0, VECTORS), model)


@pytest.mark.parametrize(("width", "fused"), [(16, False), (64, False), (64, True)])
def test_wide_layers_and_slices_of_many_edges_change_nothing(width, fused, monkeypatch):
    monkeypatch.setattr(linear_kernels, "ONEDNN", fused and hasattr(torch.ops.mkldnn, "_linear_pointwise"))
    monkeypatch.setattr(connectivity, "SLICE_CPU", 4096 * width)
    graph = labelled_graph(0, VECTORS, particles=600)
    assert graph.num_edges > 2 * 4096
    assert_equals_the_reference(graph, network(edges=3, hidden=(width, width)))


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
        pairs = zip(gradients_of(used, *graphs), gradients_of(network(), *graphs), strict=True)
        assert all(torch.equal(actual, expected) for actual, expected in pairs)
    assert addresses[1] & addresses[2]  # the smaller one lay where the larger one had been


def test_a_second_backward_pass_is_refused():
    output = network()(labelled_graph(0)).sum()
    output.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.backward()


def test_products_see_whole_weights(monkeypatch):
    """Columns of a wider weight would be multiplied by oneDNN's reference kernel."""
    whole = []

    def record(terms, values, weight):
        whole.append(weight.is_contiguous() or weight.T.is_contiguous())
        return linear_kernels.linear_add(terms, values, weight)

    monkeypatch.setattr(edge_kernels, "linear_add", record)
    network(edges=3)(labelled_graph(0, VECTORS)).sum().backward()
    assert whole
    assert all(whole)


def test_a_block_whose_edges_nobody_reads_has_the_gradients_of_the_last_one():
    """`forward`, which keeps e', beside `forward_last`, which keeps h."""
    graph, model = labelled_graph(0, VECTORS), network(1, edges=3)
    expected = gradients_of(model, graph)
    model.blocks[0].forward_last = lambda *operands: model.blocks[0](*operands)[0]
    for actual, gradient in zip(gradients_of(model, graph), expected, strict=True):
        torch.testing.assert_close(actual, gradient, rtol=1e-6, atol=1e-6 * float(gradient.abs().max()))
