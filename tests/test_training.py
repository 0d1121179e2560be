"""Training: it learns, it stops, it selects, and the same parameters give the same bytes."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from glassdyn.figures import training as figures
from glassdyn.figures.read import read_curves
from glassdyn.learning import curves, training
from glassdyn.learning.dataset import draw_example, make_dataset
from glassdyn.learning.distributed import Group
from glassdyn.learning.model_file import TensorFileError, TrainedModel, load, predict, save
from glassdyn.learning.models import BUILDERS
from glassdyn.learning.models.sizes import infer_sizes
from glassdyn.learning.optimisation import make_optimiser
from liquids import DISTANCES, NETWORK, PLAIN, SHORT, STRUCTURE, labelled_graph

TARGETS = ("p_hop", "cwt_50")
NETWORKS = [kind for kind in BUILDERS if kind not in {"ridge", "boosting"}]


def training_data(loss=PLAIN, targets=1):
    graphs = [labelled_graph(seed, targets=targets) for seed in range(5)]
    return make_dataset(graphs[:3], graphs[3:], loss), graphs


def untrained(graph, model=NETWORK, params=SHORT):
    network = training.initial_network(model, infer_sizes(graph, DISTANCES.r_threshold), 1)
    return network, make_optimiser(network, params)


def train(params=SHORT, loss=PLAIN, targets=1):
    """The selected model, the last state, and what it was trained on."""
    dataset, graphs = training_data(loss, targets)
    network, optimiser = untrained(graphs[0], params=params)
    *_, state = training.fit(network, optimiser, dataset, params, depth=3)
    network.load_state_dict(state.best)
    names = TARGETS[:targets]
    model = TrainedModel(
        (network,),
        NETWORK,
        infer_sizes(graphs[0], DISTANCES.r_threshold),
        DISTANCES,
        STRUCTURE,
        names,
        {name: {} for name in names},
        dataset.normalisation,
    )
    return model, state, dataset, graphs


def test_it_learns_how_labels_depend_on_neighbours():
    _, state, _, _ = train(replace(SHORT, max_steps=300, patience=100))
    assert training.best_entry(state.log).held_out.pearsons[0] > 0.8


def test_b_particles_do_not_enter():
    states = []
    for value in (0.0, 1e6):
        graphs = [labelled_graph(seed) for seed in range(3)]
        for graph in graphs:
            graph.y[graph.species == 1] = value
        dataset = make_dataset(graphs[:2], graphs[2:], replace(PLAIN, alpha=0.5))
        *_, state = training.fit(*untrained(graphs[0]), dataset, replace(SHORT, max_steps=10), depth=3)
        states.append(state)
    assert states[0].log == states[1].log
    for name, value in states[0].best.items():
        assert torch.equal(value, states[1].best[name])


@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_losses_are_plain_and_in_the_labels_units_whatever_the_objective_weighs(alpha):
    model, state, dataset, graphs = train(loss=replace(PLAIN, alpha=alpha), targets=2)
    labels = torch.cat([graph.y[graph.species == 0] for graph in graphs[3:]])
    predictions = torch.cat([predict(model, graph)[graph.species == 0] for graph in graphs[3:]])
    held_out = training.best_entry(state.log).held_out
    assert held_out.losses == pytest.approx(((predictions - labels) ** 2).mean(dim=0).tolist(), rel=1e-4)
    expected = [np.corrcoef(labels[:, k], predictions[:, k])[0, 1] for k in range(2)]
    assert held_out.pearsons == pytest.approx(expected, abs=1e-5)
    weight = torch.cat([example.weight for example in dataset.held_out])
    errors = weight * ((predictions - labels) / dataset.normalisation.targets.scale) ** 2
    assert held_out.objective == pytest.approx(float(errors.mean()), rel=1e-4)


def test_it_stops_when_patience_is_at_an_end_and_keeps_the_best():
    _, state, _, _ = train(replace(SHORT, lr=0.5, max_steps=1000, patience=3))
    objectives = [entry.objective for entry in state.log]
    best = int(np.argmin(objectives))
    assert len(objectives) == best + 1 + 3
    assert state.step == 5 * (best + 1 + 3)
    assert training.best_entry(state.log) == state.log[best]


def test_the_end_that_is_foreseen_is_patience_after_the_best_so_far():
    params = replace(SHORT, lr=0.5, max_steps=42, patience=3)
    log = train(params)[1].log
    assert training.last_step((), params) == 5 * (1 + 3)
    for length in range(1, len(log) + 1):
        best = training.best_entry(log[:length]).step
        assert training.last_step(log[:length], params) == min(best + 5 * 3, 42)
    assert log[-1].step == training.last_step(log, params)


def test_the_last_log_entry_is_at_max_steps():
    _, state, _, _ = train(replace(SHORT, max_steps=12, record_every=5, patience=100))
    assert [entry.step for entry in state.log] == [5, 10, 12]


def test_every_snapshot_once_per_epoch():
    for epoch in range(4):
        examples = [draw_example(range(7), 7 * epoch + place, SHORT, depth=3) for place in range(7)]
        assert sorted(examples) == list(range(7))


@pytest.mark.parametrize("kind", NETWORKS)
def test_bfloat16_trains_about_as_float32_does(kind):
    graphs = [labelled_graph(seed) for seed in range(3)]
    dataset, objectives = make_dataset(graphs[:2], graphs[2:], PLAIN), {}
    for precision in ("float32", "bf16"):
        params = replace(SHORT, precision=precision, max_steps=20, lr=0.003)
        network, optimiser = untrained(graphs[0], replace(NETWORK, kind=kind), params)
        *_, state = training.fit(network, optimiser, dataset, params, depth=3)
        assert {value.dtype for value in network.parameters()} == {torch.float32}
        objectives[precision] = [entry.train.objective for entry in state.log]
    assert objectives["bf16"] != objectives["float32"]
    assert objectives["bf16"] == pytest.approx(objectives["float32"], rel=0.05)


def test_precision_holds_for_the_steps_and_no_longer():
    before, precisions = torch.get_float32_matmul_precision(), []
    dataset, graphs = training_data()
    network, optimiser = untrained(graphs[0])
    network.register_forward_hook(lambda *_: precisions.append(torch.get_float32_matmul_precision()))
    params = replace(SHORT, precision="tf32", max_steps=5)
    for _ in training.fit(network, optimiser, dataset, params, depth=3):
        assert torch.get_float32_matmul_precision() == before
    assert precisions == [*5 * ["high"], *5 * [before]]


def test_the_same_parameters_give_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        save(tmp_path / name, train()[0])
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_divergence_is_an_error_that_says_so():
    with pytest.raises(ValueError, match=r"train\.lr"):
        train(replace(SHORT, lr=1e30, clip=1e30))


def test_a_batch_that_processes_cannot_share_is_refused():
    dataset, graphs = training_data()
    group = Group(0, 2, torch.device("cpu"))
    with pytest.raises(ValueError, match=r"train\.batch"):
        next(training.fit(*untrained(graphs[0]), dataset, replace(SHORT, batch=3), depth=3, group=group))


def test_a_model_file_rebuilds_the_model(tmp_path):
    model, _, _, graphs = train(targets=2, loss=replace(PLAIN, alpha=0.5))
    save(tmp_path / "network.safetensors", model)
    again = load(tmp_path / "network.safetensors")
    assert torch.equal(predict(again, graphs[4]), predict(model, graphs[4]))
    weights = {"networks": (), "normalisation": None}
    assert again._replace(**weights) == model._replace(**weights)


def damage(path, change):
    content = bytearray(path.read_bytes())
    change(content)
    path.write_bytes(bytes(content))


def test_foreign_and_damaged_files_are_refused_with_the_reason(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "network.safetensors"
    with pytest.raises(TensorFileError, match="not a readable"):
        load(path)
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(TensorFileError, match="not written by glassdyn"):
        load(path)
    for version in ("something else", "glassdyn network 4"):
        save_file({"weight": torch.zeros(3)}, path, metadata={"glassdyn": json.dumps({"format": version})})
        with pytest.raises(TensorFileError, match=r"no file of this version.*make it anew"):
            load(path)
    model = train()[0]
    save(path, model)
    damage(path, lambda content: content.__setitem__(-1, content[-1] ^ 1))
    with pytest.raises(TensorFileError, match="damaged"):
        load(path)
    save(path, model)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(TensorFileError, match="not a readable"):
        load(path)


def training_with_curves(folder):
    """The last state of a training of two targets whose curves are written into a folder."""
    dataset, graphs = training_data(targets=2, loss=replace(PLAIN, alpha=0.5))
    *_, state = training.fit(*untrained(graphs[0]), dataset, SHORT, depth=3)
    curves.write_curves(folder, TARGETS, state.log)
    return state


def test_curves_and_metrics_are_those_of_the_log(tmp_path):
    state = training_with_curves(tmp_path)
    best = training.best_entry(state.log)
    table = read_curves(tmp_path / "plots" / "metrics")
    for quantity, value in (
        ("objective", lambda metrics: metrics.objective),
        ("pearson", lambda metrics: np.mean(metrics.pearsons)),
        ("loss_p_hop", lambda metrics: metrics.losses[0]),
        ("pearson_cwt_50", lambda metrics: metrics.pearsons[1]),
    ):
        rows = table.filter((table["part"] == "held_out") & (table["quantity"] == quantity))
        assert rows["step"].to_list() == [entry.step for entry in state.log]
        assert rows["value"].to_list() == pytest.approx([value(entry.held_out) for entry in state.log])
    summary = json.loads(json.dumps(curves.summarise_training("test", TARGETS, state.log), allow_nan=False))
    assert (summary["selected_on"], summary["selected_step"]) == ("test", best.step)
    assert summary["test"]["objective"] == best.objective
    assert summary["test"]["cwt_50"]["loss"] == best.held_out.losses[1]


def test_the_picture_of_the_curves_marks_the_selected_step(tmp_path):
    state = training_with_curves(tmp_path)
    table, best = read_curves(tmp_path / "plots" / "metrics"), training.best_entry(state.log)
    figure = figures.curves(table, selected=best.step, part="test")
    star = next(line for line in figure.axes[0].lines if line.get_marker() == "*")
    assert star.get_xydata().tolist() == [[best.step, pytest.approx(best.objective)]]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["train", "test", "selected", "objective", r"Pearson $\rho$"]


def test_targets_of_a_snapshot_forget_its_mean_and_spread():
    """Labels t and 2 t + 1 of one snapshot are the same targets where each snapshot has its own statistics."""
    loss = replace(PLAIN, standardise="snapshot")
    graphs = [labelled_graph(seed) for seed in range(3)]
    moved = [graph._replace(y=2 * graph.labels + 1) for graph in graphs[:1]]
    dataset, shifted = make_dataset(graphs, graphs, loss), make_dataset(graphs, moved, loss)
    torch.testing.assert_close(dataset.held_out[0].targets, shifted.held_out[0].targets, rtol=1e-4, atol=1e-4)
    plain = make_dataset(graphs, moved, PLAIN)
    assert not torch.allclose(plain.held_out[0].targets, shifted.held_out[0].targets, atol=0.1)
    for example in dataset.train:
        assert example.targets.mean() == pytest.approx(0, abs=1e-5)
        assert example.targets.std(correction=0) == pytest.approx(1, abs=1e-5)
