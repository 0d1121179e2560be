"""A network of Bapst et al. (2020), filled from plain arrays, against a slow forward pass in NumPy."""

import numpy as np
import pytest
import torch

from glassdyn.learning.graphs import build_graph
from glassdyn.learning.models import Sizes
from glassdyn.learning.models.graph_network import GraphNetwork
from glassdyn.learning.models.weights import fill, layer_shapes
from glassdyn.liquid.configuration import Configuration
from glassdyn.params import Graph
from liquids import liquid

BAPST = Graph(r_threshold=2.0, edges="vector", self_edges=True, nodes="type")


def network(n_rec=7, hidden=(64, 64)):
    return GraphNetwork(Sizes(1, 3, 1, reach=2.0), hidden, n_rec=n_rec, shared=True)


def drawn(shapes, seed=0):
    """Random layers whose activations neither die nor grow much."""
    generator = np.random.default_rng(seed)
    return {
        name: [
            (
                generator.normal(scale=(1.5 / rows) ** 0.5, size=(rows, columns)),
                generator.normal(size=columns) / 10,
            )
            for rows, columns in layers
        ]
        for name, layers in shapes.items()
    }


def perceptron(values, layers, *, last_relu=True):
    for number, (weight, bias) in enumerate(layers, start=1):
        values = values @ weight + bias
        if last_relu or number < len(layers):
            values = np.maximum(values, 0)
    return values


def forward(positions, species, box_length, layers, n_rec):
    """Loops over particles and pairs, in float64, from Bapst et al.'s equations."""
    vectors = positions[:, None] - positions[None, :]  # receiver minus sender: from sender to receiver
    vectors -= box_length * np.rint(vectors / box_length)
    receivers, senders = np.nonzero(np.linalg.norm(vectors, axis=-1) < 2.0)  # itself among them
    edges = encoded_edges = perceptron(vectors[receivers, senders], layers["encoder.edges"])
    nodes = encoded_nodes = perceptron(species[:, None].astype(float), layers["encoder.nodes"])
    for _ in range(n_rec):
        e, v = np.hstack((edges, encoded_edges)), np.hstack((nodes, encoded_nodes))
        edges = perceptron(np.hstack((e, v[receivers], v[senders])), layers["blocks.0.edges"])
        sums = np.array([edges[receivers == node].sum(axis=0) for node in range(len(positions))])
        nodes = perceptron(np.hstack((sums, v)), layers["blocks.0.nodes"])
    return perceptron(nodes, layers["decoder"], last_relu=False)


def test_filled_from_arrays_it_is_the_network_of_the_paper():
    positions, species, box_length = liquid(0, particles=100, density=1.2)
    model = network()
    layers = drawn(layer_shapes(model))
    expected = forward(positions, species, box_length, layers, n_rec=7)
    weight, bias = layers["encoder.edges"][0]
    fill(model, layers | {"encoder.edges": [(-weight, bias), *layers["encoder.edges"][1:]]})
    graph = build_graph(Configuration(positions, species, box_length), species[:, None], BAPST)
    found = model(graph).detach().numpy()
    assert np.ptp(expected) > 0.1 * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_arrays_that_do_not_fit_are_refused():
    model = network(n_rec=1, hidden=(8, 8))
    layers = drawn(layer_shapes(model))
    with pytest.raises(ValueError, match="needs the perceptrons"):
        fill(model, {name: layers[name] for name in list(layers)[1:]})
    weight, bias = layers["decoder"][0]
    with pytest.raises(ValueError, match="decoder"):
        fill(model, layers | {"decoder": [(weight.T[:3], bias), *layers["decoder"][1:]]})
    assert all(torch.isfinite(value).all() for value in model.parameters())
