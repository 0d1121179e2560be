"""Training: it learns, it stops, it selects, and the same parameters give the same bytes."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from glassdyn.figures import training as figures
from glassdyn.figures.read import read_curves
from glassdyn.jobs import progress
from glassdyn.learning import curves, training
from glassdyn.learning.dataset import draw_example, make_dataset
from glassdyn.learning.model_file import ModelFileError, TrainedModel, load, predict, save
from glassdyn.learning.models import BUILDERS
from glassdyn.learning.models.sizes import infer_sizes
from liquids import DISTANCES, NETWORK, PLAIN, SHORT, STRUCTURE, labelled


def problem(loss=PLAIN, targets=1, particles=200):
    graphs = [labelled(seed, particles=particles, targets=targets) for seed in range(5)]
    return make_dataset(graphs[:3], graphs[3:], loss), graphs


def trained(settings=SHORT, loss=PLAIN, targets=1):
    task, graphs = problem(loss, targets)
    network = training.initial_network(NETWORK, infer_sizes(graphs[0], DISTANCES.r_threshold), settings.seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.lr)
    *_, progress = training.fit(network, optimiser, task, settings, depth=3)
    network.load_state_dict(progress.best)
    names = tuple(f"label_{number}" for number in range(targets))
    model = TrainedModel(
        network,
        NETWORK,
        infer_sizes(graphs[0], DISTANCES.r_threshold),
        DISTANCES,
        STRUCTURE,
        names,
        {name: {} for name in names},
        task.normalisation,
    )
    return model, progress, task, graphs


def test_it_learns_what_the_neighbours_tell():
    _, progress, _, _ = trained(replace(SHORT, max_steps=300, patience=100))
    assert training.best_of(progress.recordings).held_out.pearsons[0] > 0.8


def test_b_particles_do_not_enter():
    results = []
    for value in (0.0, 1e6):
        graphs = [labelled(seed) for seed in range(3)]
        for graph in graphs:
            graph.y[graph.species == 1] = value
        task = make_dataset(graphs[:2], graphs[2:], replace(PLAIN, alpha=0.5))
        network = training.initial_network(NETWORK, infer_sizes(graphs[0], DISTANCES.r_threshold), 1)
        optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
        *_, progress = training.fit(network, optimiser, task, replace(SHORT, max_steps=10), depth=3)
        results.append(progress)
    assert results[0].recordings == results[1].recordings
    for name, value in results[0].best.items():
        assert torch.equal(value, results[1].best[name])


@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_losses_are_plain_and_in_the_labels_units_whatever_the_objective_weighs(alpha):
    loss = replace(PLAIN, alpha=alpha)
    model, progress, task, graphs = trained(loss=loss, targets=2)
    learnt = [graph.species == 0 for graph in graphs[3:]]
    truth = torch.cat([graph.y[rows] for graph, rows in zip(graphs[3:], learnt, strict=True)])
    answer = torch.cat([predict(model, graph)[rows] for graph, rows in zip(graphs[3:], learnt, strict=True)])
    found = training.best_of(progress.recordings).held_out
    assert found.losses == pytest.approx(((answer - truth) ** 2).mean(dim=0).tolist(), rel=1e-4)
    expected = [np.corrcoef(truth[:, k], answer[:, k])[0, 1] for k in range(2)]
    assert found.pearsons == pytest.approx(expected, abs=1e-5)
    weight = torch.cat([one.weight for one in task.held_out])
    errors = weight * ((answer - truth) / task.normalisation.targets.scale) ** 2
    assert found.objective == pytest.approx(float(errors.mean()), rel=1e-4)


def test_it_stops_when_patience_is_at_an_end_and_keeps_the_best():
    _, progress, _, _ = trained(replace(SHORT, lr=0.5, max_steps=1000, patience=3))
    objectives = [recording.objective for recording in progress.recordings]
    best = int(np.argmin(objectives))
    assert len(objectives) == best + 1 + 3
    assert progress.step == 5 * (best + 1 + 3)
    assert training.best_of(progress.recordings) == progress.recordings[best]


def test_the_end_that_is_foreseen_is_patience_after_the_best_so_far():
    settings = replace(SHORT, lr=0.5, max_steps=42, patience=3)
    recordings = trained(settings)[1].recordings
    assert training.last_step((), settings) == 5 * (1 + 3)
    for known in range(1, len(recordings) + 1):
        best = training.best_of(recordings[:known]).step
        assert training.last_step(recordings[:known], settings) == min(best + 5 * 3, 42)
    assert recordings[-1].step == training.last_step(recordings, settings)


def test_the_last_recording_is_at_max_steps():
    _, progress, _, _ = trained(replace(SHORT, max_steps=12, record_every=5, patience=100))
    assert [recording.step for recording in progress.recordings] == [5, 10, 12]


def test_every_snapshot_once_per_epoch():
    for epoch in range(4):
        chosen = [draw_example(range(7), 7 * epoch + place, SHORT, depth=3) for place in range(7)]
        assert sorted(chosen) == list(range(7))


@pytest.mark.parametrize("kind", BUILDERS)
def test_bfloat16_trains_about_as_float32_does(kind):
    graphs = [labelled(seed) for seed in range(3)]
    task, objectives = make_dataset(graphs[:2], graphs[2:], PLAIN), {}
    for precision in ("float32", "bf16"):
        settings = replace(SHORT, precision=precision, max_steps=20, lr=0.003)
        network = training.initial_network(replace(NETWORK, kind=kind), infer_sizes(graphs[0], 1.5), 1)
        optimiser = torch.optim.Adam(network.parameters(), lr=settings.lr)
        *_, end = training.fit(network, optimiser, task, settings, depth=3)
        assert {value.dtype for value in network.parameters()} == {torch.float32}
        objectives[precision] = [recording.train.objective for recording in end.recordings]
    assert objectives["bf16"] != objectives["float32"]
    assert objectives["bf16"] == pytest.approx(objectives["float32"], rel=0.05)


def test_precision_holds_for_the_steps_and_no_longer():
    before, seen = torch.get_float32_matmul_precision(), []
    task, graphs = problem()
    network = training.initial_network(NETWORK, infer_sizes(graphs[0], 1.5), 1)
    network.register_forward_hook(lambda *_: seen.append(torch.get_float32_matmul_precision()))
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    settings = replace(SHORT, precision="tf32", max_steps=5)
    for _ in training.fit(network, optimiser, task, settings, depth=3):
        assert torch.get_float32_matmul_precision() == before
    assert seen == [*5 * ["high"], *5 * [before]]


def test_the_same_parameters_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        save(tmp_path / name, trained()[0])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_divergence_is_an_error_that_says_so():
    with pytest.raises(ValueError, match=r"train\.lr"):
        trained(replace(SHORT, lr=1e30, clip=1e30))


def test_a_model_file_rebuilds_the_model(tmp_path):
    model, _, _, graphs = trained(targets=2, loss=replace(PLAIN, alpha=0.5))
    save(tmp_path / "network.safetensors", model)
    again = load(tmp_path / "network.safetensors")
    assert torch.equal(predict(again, graphs[4]), predict(model, graphs[4]))
    assert again._replace(network=None, normalisation=None) == model._replace(
        network=None, normalisation=None
    )


def damaged(path, change):
    content = bytearray(path.read_bytes())
    change(content)
    path.write_bytes(bytes(content))


def test_foreign_and_damaged_files_are_refused_with_the_reason(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "network.safetensors"
    with pytest.raises(ModelFileError, match="not a readable"):
        load(path)
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(ModelFileError, match="not written by glassdyn"):
        load(path)
    save_file({"weight": torch.zeros(3)}, path, metadata={"glassdyn": json.dumps({"format": "other"})})
    with pytest.raises(ModelFileError, match="version"):
        load(path)
    model = trained()[0]
    save(path, model)
    damaged(path, lambda content: content.__setitem__(-1, content[-1] ^ 1))
    with pytest.raises(ModelFileError, match="damaged"):
        load(path)
    save(path, model)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelFileError, match="not a readable"):
        load(path)


def test_curves_and_metrics_tell_the_training(tmp_path, capsys):
    task, graphs = problem(targets=2, loss=replace(PLAIN, alpha=0.5))
    network = training.initial_network(NETWORK, infer_sizes(graphs[0], DISTANCES.r_threshold), 1)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    with progress.show_progress("train", total=training.last_step((), SHORT), unit="steps") as bar:
        fitting = training.fit(network, optimiser, task, SHORT, depth=3, advance=bar)
        *_, end = curves.log_curves(tmp_path, ("one", "two"), curves.show_training(bar, SHORT, fitting))
    last, best = end.recordings[-1], training.best_of(end.recordings)
    assert capsys.readouterr().out.endswith(
        f", loss {last.train.objective:.3g}, held out {last.objective:.3g}, "
        f"Pearson {np.mean(last.held_out.pearsons):.3f}\n"
    )
    table = read_curves(tmp_path / "plots" / "metrics")
    for quantity, value in (
        ("objective", lambda measure: measure.objective),
        ("pearson", lambda measure: np.mean(measure.pearsons)),
        ("loss_one", lambda measure: measure.losses[0]),
        ("pearson_two", lambda measure: measure.pearsons[1]),
    ):
        rows = table.filter((table["part"] == "held_out") & (table["quantity"] == quantity))
        assert rows["step"].to_list() == [recording.step for recording in end.recordings]
        assert rows["value"].to_list() == pytest.approx([value(one.held_out) for one in end.recordings])
    told = json.loads(json.dumps(curves.metrics("test", ("one", "two"), end), allow_nan=False))
    assert told["test"]["objective"] == best.objective
    assert told["test"]["two"]["loss"] == best.held_out.losses[1]
    assert told["selected_on"] == "test"
    figure = figures.curves(table, selected=best.step, part="test")
    left, _ = figure.axes
    star = next(drawn for drawn in left.lines if drawn.get_marker() == "*")
    lowest = min(recording.objective for recording in end.recordings)
    assert star.get_xydata().tolist() == [[best.step, pytest.approx(lowest)]]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["train", "test", "selected", "objective", r"Pearson $\rho$"]
