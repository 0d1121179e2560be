"""Laws that every model obeys, whatever its kind."""

import itertools
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from glassdyn.learning import model_file
from glassdyn.learning.graphs import build_graph, fit_normalisation, standardise
from glassdyn.learning.models import BUILDERS, build
from glassdyn.learning.models.sizes import Sizes, infer_sizes
from glassdyn.liquid.configuration import Configuration
from liquids import DISTANCES, NETWORK, STRUCTURE, labelled_graph, liquid

EPSILON = 2e-5
"""Rounding of float32 sums over some hundred terms, for predictions of order 1."""

SHARING = ["graph_network", "attention", "radial_filter"]
"""Kinds whose recurrences can share weights."""

NETWORKS = [kind for kind in BUILDERS if kind not in {"ridge", "boosting"}]
"""Kinds that are trained by gradient descent."""


def model(kind, n_rec=2, *, shared=False, hidden=(8, 8)):
    parameters = replace(NETWORK, kind=kind, n_rec=n_rec, shared=shared, hidden=hidden)
    torch.manual_seed(3)
    built = build(parameters, Sizes(5, 1, 1, DISTANCES.r_threshold))
    for parameter in built.parameters():  # no weight at its resting zero: every path counts
        parameter.data += 0.1 * torch.randn_like(parameter)
    return built.eval()


@pytest.fixture
def configuration():
    positions, species, box_length = liquid(0)
    features = np.random.default_rng(1).normal(size=(len(positions), 5)).astype(np.float32)

    def graph(moved=positions, order=slice(None), length=box_length):
        return build_graph(Configuration(moved[order], species[order], length), features[order], DISTANCES)

    return positions, box_length, graph


def assert_close(actual, expected):
    scale = max(1.0, expected.detach().abs().max().item())
    torch.testing.assert_close(actual, expected, rtol=0, atol=EPSILON * scale)


@pytest.mark.parametrize("kind", NETWORKS)
def test_relabelling_permutes_the_predictions(kind, configuration):
    positions, _, graph = configuration
    order = np.random.default_rng(2).permutation(len(positions))
    network = model(kind)
    assert_close(network(graph(order=order)), network(graph())[order])


@pytest.mark.parametrize("kind", NETWORKS)
def test_translation_rotation_and_reflection_change_nothing(kind, configuration):
    positions, _, graph = configuration
    network = model(kind)
    plain = network(graph())
    assert plain.std() > 1e-3
    for shift in np.random.default_rng(3).normal(scale=20.0, size=(2, 3)):
        assert_close(network(graph(positions + shift)), plain)
    for axes, signs in itertools.product(
        itertools.permutations(range(3)), [(1, 1, 1), (-1, 1, 1), (1, -1, -1)]
    ):
        assert_close(network(graph(positions[:, axes] * np.array(signs))), plain)


@pytest.mark.parametrize("kind", NETWORKS)
def test_any_rotation_of_a_cluster_changes_nothing(kind, configuration):
    positions, box_length, graph = configuration
    network = model(kind)
    wide = 4 * box_length  # no edge crosses the border
    plain = network(graph(positions, length=wide))
    for rotation in Rotation.random(3, rng=np.random.default_rng(4)):
        assert_close(network(graph(rotation.apply(positions), length=wide)), plain)


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("n_rec", [0, 1, 2, 3])
def test_n_recurrences_see_exactly_n_shells(kind, n_rec):
    graph = labelled_graph(0, particles=400)
    graph = standardise(graph, fit_normalisation([graph]))
    graph.x.requires_grad_()
    model(kind, n_rec, hidden=(32, 32))(graph)[7].sum().backward()
    shells = torch.zeros(graph.num_nodes, dtype=torch.bool)
    shells[7] = True
    senders, receivers = graph.edge_index
    for _ in range(n_rec):
        shells[senders[shells[receivers]]] = True
    assert torch.equal(graph.x.grad.abs().sum(dim=1) > 0, shells)


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("n_rec", [0, 1, 2])
def test_every_weight_matters(kind, n_rec):
    network = model(kind, n_rec)  # processes that train together wait for every gradient
    network(labelled_graph(0)).square().sum().backward()
    assert [name for name, weight in network.named_parameters() if weight.grad is None] == []


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_lonely_particle_has_a_prediction(kind):
    positions = np.array([[1.0, 1, 1], [5.0, 5, 5], [5.0, 5, 6]])
    features = np.ones((3, 5), np.float32)
    graph = build_graph(Configuration(positions, np.zeros(3, np.uint8), 10.0), features, DISTANCES)
    assert torch.isfinite(model(kind)(graph)).all()


@pytest.mark.parametrize("kind", SHARING)
def test_shared_weights_are_those_of_one_recurrence(kind):
    def count_weights(n_rec, shared):
        return sum(parameter.numel() for parameter in model(kind, n_rec, shared=shared).parameters())

    assert count_weights(3, shared=True) == count_weights(1, shared=True) < count_weights(3, shared=False)


def test_the_equivariant_model_refuses_shared_weights():
    with pytest.raises(ValueError, match=r"cannot share weights.*params\.yaml: model\.shared"):
        model("equivariant", shared=True)


def test_attention_refuses_a_width_that_its_heads_cannot_divide():
    with pytest.raises(ValueError, match=r"4 heads.*got \[8, 10\] \(params\.yaml: model\.hidden\)"):
        model("attention", hidden=(8, 10))


def build_elsewhere(root, kind):
    """A process that builds a model and prints which of the slow libraries it has imported."""
    code = (
        "import sys\n"
        "from glassdyn.learning.models import Sizes, build\n"
        "from glassdyn.params import Model\n"
        f"model = Model(kind={kind!r}, linear=False, n_rec=1, shared=False, hidden=(8, 8), heads=4)\n"
        "build(model, Sizes(5, 1, 1, 1.5))\n"
        "print(*{'torch_geometric', 'e3nn'} & set(sys.modules))"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(root / "src")},
    )


@pytest.mark.parametrize(
    ("kind", "libraries"),
    [("graph_network", []), ("attention", ["torch_geometric"]), ("equivariant", ["e3nn"])],
)
def test_a_kind_imports_its_own_library_without_a_warning(root, kind, libraries):
    process = build_elsewhere(root, kind)
    assert process.stdout.split() == libraries
    assert "deprecated" not in process.stderr


@pytest.mark.parametrize("kind", BUILDERS)
def test_a_model_file_gives_the_model_back(kind, tmp_path):
    graph = labelled_graph(0)
    sizes = infer_sizes(graph, DISTANCES.r_threshold)
    parameters = replace(NETWORK, kind=kind, n_rec=2)
    trained = model_file.TrainedModel(
        (build(parameters, sizes),), parameters, sizes, DISTANCES, STRUCTURE, ("p_hop",),
        {"p_hop": {}}, fit_normalisation([graph]),
    )  # fmt: skip
    model_file.save(tmp_path / "one.safetensors", trained)
    read = model_file.load(tmp_path / "one.safetensors")
    assert torch.equal(model_file.predict(read, graph), model_file.predict(trained, graph))
    model_file.save(tmp_path / "two.safetensors", read)
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()


@pytest.mark.parametrize("kind", NETWORKS)
def test_training_lowers_the_loss(kind):
    graph = labelled_graph(0)
    ready = standardise(graph, fit_normalisation([graph]))
    network = model(kind).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    targets = (graph.y - graph.y.mean()) / graph.y.std()
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = ((network(ready) - targets) ** 2).mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
