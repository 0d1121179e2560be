"""Ridge, boosting, and networks that learn what a ridge leaves: what they equal, and what they learn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from glassdyn.learning import regression, training
from glassdyn.learning.dataset import make_dataset
from glassdyn.learning.distributed import ALONE
from glassdyn.learning.linear import PENALTIES
from glassdyn.learning.metrics import evaluate
from glassdyn.learning.models import BUILDERS, Residual, build
from glassdyn.learning.models.sizes import infer_sizes
from liquids import DISTANCES, NETWORK, PLAIN, SHORT, labelled_graph

NETWORKS = [kind for kind in BUILDERS if kind not in {"ridge", "boosting"}]


def make_data(label, loss=PLAIN):
    """Three training snapshots and two held-out ones whose labels are a function of the graph, and noise."""
    graphs = []
    for seed in range(5):
        graph = labelled_graph(seed)
        noise = 0.1 * torch.randn(graph.num_nodes, generator=torch.Generator().manual_seed(seed))
        graphs.append(graph._replace(y=(label(graph) + noise)[:, None]))
    return make_dataset(graphs[:3], graphs[3:], loss), infer_sizes(graphs[0], DISTANCES.r_threshold)


def linear_label(graph):
    return graph.x[:, 1] - 0.5 * graph.x[:, 2]


def product_label(graph):
    """Its nonlinear part has no correlation with any feature."""
    return linear_label(graph) + graph.x[:, 3] * graph.x[:, 4]


def neighbour_label(graph):
    """Its second part is a sum over neighbours, which a particle's own features do not know."""
    senders, receivers = graph.edge_index
    crowd = torch.zeros(graph.num_nodes).index_add_(0, receivers, graph.x[senders, 3])
    return linear_label(graph) + 0.4 * crowd


def metrics(network, examples, dataset):
    scale = dataset.normalisation.targets.scale
    return evaluate(network, examples, scale, partition=lambda example: [example], group=ALONE)


def model_of(kind, state, sizes):
    model = build(replace(NETWORK, kind=kind), sizes)
    model.load_state_dict(state.best)
    return model


def columns(examples):
    return [values.squeeze() for values in regression._stack(examples)]


@pytest.mark.parametrize("alpha", [0.0, 0.8])
def test_ridge_is_the_closed_form_with_the_penalty_of_the_highest_held_out_correlation(alpha):
    dataset, sizes = make_data(product_label, replace(PLAIN, alpha=alpha))
    state = regression.fit_ridge(dataset)
    (features, targets, weight), (unseen, truth, _) = columns(dataset.train), columns(dataset.held_out)
    scaler = StandardScaler().fit(features, sample_weight=weight)
    fits = [
        Ridge(alpha=penalty * weight.sum()).fit(scaler.transform(features), targets, sample_weight=weight)
        for penalty in PENALTIES
    ]
    candidates = [fit.predict(scaler.transform(unseen)) for fit in fits]
    rhos = [np.corrcoef(candidate, truth)[0, 1] for candidate in candidates]
    model, example = model_of("ridge", state, sizes), dataset.held_out[0]
    predicted = model(example.graph)[example.a_particles].squeeze()
    expected = candidates[int(np.argmax(rhos))][: len(predicted)]
    np.testing.assert_allclose(predicted, expected, atol=1e-5)  # rounding of float32
    assert state.log[-1].held_out.pearsons[0] == pytest.approx(max(rhos), abs=1e-9)


@pytest.mark.parametrize("kind", ["ridge", "boosting"])
def test_the_log_s_best_entry_is_that_of_the_model(kind):
    dataset, sizes = make_data(product_label, replace(PLAIN, alpha=0.5))
    settings = replace(SHORT, max_steps=50, patience=5)
    fitted = {"ridge": regression.fit_ridge, "boosting": lambda data: regression.fit_boosting(data, settings)}
    state = fitted[kind](dataset)
    model, best = model_of(kind, state, sizes), training.best_entry(state.log)
    for part in ("train", "held_out"):
        actual, expected = metrics(model, getattr(dataset, part), dataset), getattr(best, part)
        assert actual.objective == pytest.approx(expected.objective, rel=1e-5)
        assert actual.pearsons == pytest.approx(expected.pearsons, rel=1e-5)


def test_trees_predict_what_scikit_learn_s_do():
    dataset, sizes = make_data(product_label)
    train, held_out = regression._both(dataset)
    two = train._replace(targets=np.hstack([train.targets, train.features[:, 3:4] ** 2]))
    two = two._replace(weight=np.ones_like(two.targets))
    unseen = held_out._replace(targets=np.hstack([held_out.targets, held_out.features[:, 3:4] ** 2]))
    unseen = unseen._replace(weight=np.ones_like(unseen.targets))
    settings = replace(SHORT, max_steps=40, patience=40)
    regressors = [regression._grow_trees(two, unseen, target, settings) for target in range(2)]
    model = build(replace(NETWORK, kind="boosting"), sizes._replace(targets=2))
    model.load_state_dict(regression._tree_arrays(regressors, settings.max_steps))
    expected = np.column_stack([regressor.predict(unseen.features) for regressor in regressors])
    assert expected.std(axis=0).min() > 0.1
    np.testing.assert_allclose(model._sum_leaves(torch.from_numpy(unseen.features)), expected, rtol=1e-12)


def test_boosting_learns_a_product_that_a_ridge_does_not():
    dataset, _ = make_data(product_label)
    ridge = regression.fit_ridge(dataset).log[-1]
    boosting = training.best_entry(
        regression.fit_boosting(dataset, replace(SHORT, max_steps=300, patience=20)).log
    )
    assert boosting.held_out.pearsons[0] > ridge.held_out.pearsons[0] + 0.03


def residual_network(kind, dataset, sizes):
    """A network that starts from the ridge, on graphs of some 15 edges per node."""
    network = training.initial_network(replace(NETWORK, kind=kind, n_rec=1, linear=True), sizes, 1)
    assert isinstance(network, Residual)
    graph = dataset.train[0].graph
    network.start_from(*regression.fit_linear(dataset), degree=graph.num_edges / graph.num_nodes)
    return network


def train(network, dataset, settings):
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.lr)
    *_, state = training.fit(network, optimiser, dataset, settings, depth=1)
    return training.best_entry(state.log)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_residual_network_starts_from_the_ridge(kind):
    dataset, sizes = make_data(product_label)
    ridge = model_of("ridge", regression.fit_ridge(dataset), sizes)
    for example in dataset.held_out:
        network = residual_network(kind, dataset, sizes)
        torch.testing.assert_close(network(example.graph), ridge(example.graph), rtol=0, atol=0)


@pytest.mark.parametrize("kind", NETWORKS)
def test_its_last_layer_reads_what_varies_over_particles(kind):
    """With PyTorch's own weights the spread is a hundredth, and the last layer gets no gradient."""
    dataset, sizes = make_data(product_label)
    network = residual_network(kind, dataset, sizes).network
    read = []
    network.decode[-1].register_forward_hook(lambda _module, inputs, _output: read.append(inputs[0]))
    network(dataset.train[0].graph)
    spread = read[0].std(dim=0)
    assert 0.1 < spread.max() < 10


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("graph_network", product_label),
        ("graph_network", neighbour_label),
        *(pytest.param(kind, product_label, marks=pytest.mark.slow) for kind in NETWORKS[1:]),
    ],
)
def test_a_residual_network_learns_what_the_ridge_leaves(kind, label):
    dataset, sizes = make_data(label)
    ridge = regression.fit_ridge(dataset).log[-1]
    settings = replace(SHORT, max_steps=200, record_every=20, patience=100)
    best = train(residual_network(kind, dataset, sizes), dataset, settings)
    assert best.held_out.pearsons[0] > ridge.held_out.pearsons[0] + 0.03


def test_where_all_is_linear_a_residual_network_is_not_worse_than_the_ridge():
    dataset, sizes = make_data(linear_label)
    ridge = regression.fit_ridge(dataset).log[-1]
    settings = replace(SHORT, lr=0.001, record_every=5, max_steps=60)
    best = train(residual_network("graph_network", dataset, sizes), dataset, settings)
    assert best.held_out.pearsons[0] > ridge.held_out.pearsons[0] - 1e-3
