"""A network of Bapst et al. (2020), filled from plain arrays, against the slow reference in float64."""

import numpy as np
import pytest
import torch

from glassdyn.learning.graphs import build_graph
from glassdyn.learning.models import Sizes
from glassdyn.learning.models.graph_network import GraphNetwork
from glassdyn.learning.models.weights import fill, layer_shapes
from glassdyn.liquid.configuration import Configuration
from liquids import liquid
from references import graph_network as reference
from short_pipeline import section

BAPST = section("graph", r_threshold=2.0, edges="vector", self_edges=True, nodes="type")


def network(n_rec=7, hidden=(64, 64)):
    return GraphNetwork(Sizes(1, 3, 1, reach=2.0), hidden, n_rec=n_rec, shared=True)


def random_layers(shapes, seed=0):
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


def predict_slowly(positions, species, box_length, layers, n_rec):
    """The reference in float64, on edges from all pairs."""
    vectors = positions[:, None] - positions[None, :]  # receiver minus sender: from sender to receiver
    vectors -= box_length * np.rint(vectors / box_length)
    receivers, senders = np.nonzero(np.linalg.norm(vectors, axis=-1) < 2.0)  # itself among them
    perceptrons = {
        name: [(torch.tensor(weight), torch.tensor(bias)) for weight, bias in arrays]
        for name, arrays in layers.items()
    }
    return reference.predict(
        torch.tensor(species[:, None].astype(float)),
        torch.tensor(vectors[receivers, senders]),
        torch.tensor(np.stack((senders, receivers))),
        perceptrons,
        [0] * n_rec,
    ).numpy()


def test_filled_from_arrays_it_is_the_network_of_the_paper():
    positions, species, box_length = liquid(0, particles=100, density=1.2)
    model = network()
    layers = random_layers(layer_shapes(model))
    expected = predict_slowly(positions, species, box_length, layers, n_rec=7)
    weight, bias = layers["encoder.edges"][0]
    fill(model, layers | {"encoder.edges": [(-weight, bias), *layers["encoder.edges"][1:]]})
    graph = build_graph(Configuration(positions, species, box_length), species[:, None], BAPST)
    predictions = model(graph).detach().numpy()
    assert np.ptp(expected) > 0.1 * np.abs(expected).max()
    np.testing.assert_allclose(predictions, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_arrays_that_do_not_fit_are_refused():
    model = network(n_rec=1, hidden=(8, 8))
    layers = random_layers(layer_shapes(model))
    with pytest.raises(ValueError, match="needs the perceptrons"):
        fill(model, {name: layers[name] for name in list(layers)[1:]})
    weight, bias = layers["decoder"][0]
    with pytest.raises(ValueError, match="decoder"):
        fill(model, layers | {"decoder": [(weight.T[:3], bias), *layers["decoder"][1:]]})
    assert all(torch.isfinite(value).all() for value in model.parameters())
