"""The stage evaluate on planted labels: metrics, predictions and plots under their agreed names."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from glassdyn import params
from glassdyn.baselines import predictors
from glassdyn.evaluation import evaluate, predictions
from glassdyn.learning import model_file, training
from glassdyn.learning.distributed import ALONE
from glassdyn.learning.graphs import fit_normalisation
from glassdyn.learning.labelled_graphs import TableFolders, load_labelled_graph
from glassdyn.learning.model_file import TrainedModel
from glassdyn.learning.models import build
from glassdyn.learning.models.sizes import infer_sizes
from glassdyn.learning.training_run import run_training, set_up, trained_model
from glassdyn.liquid import box
from glassdyn.params import Graph, Loss, Model
from glassdyn.stages import evaluate as evaluate_stage
from glassdyn.storage import tables, trajectory

N, BOX, BINS = 250, 9.5, 6
GRAPH = Graph(r_threshold=1.5, edges="distance", self_edges=False, nodes="full")
LABELS = ("p_hop", "cwt_50")
SCORES = {"pearson", "pearson_subset_std", "pearson_sample_mean", "pearson_sample_std", "loss"}


def write_sample(name, generator):
    """Random points whose labels are linear in the descriptors, with noise."""
    positions = box.wrap(generator.random((N, 3)) * BOX, BOX)
    species = (np.arange(N) % 5 == 4).astype(np.uint8)
    descriptors = generator.gamma(2.0, size=(N, 2 * BINS)).astype(np.float32)
    signal = descriptors[:, 0] - descriptors[:, 7]
    particles = np.arange(N, dtype=np.uint32)
    structure = {"particle": particles, "type": species, "descriptors": descriptors}
    structure |= dict(zip("xyz", positions.T, strict=True))
    tables.write(
        TableFolders().features / f"{name}.parquet",
        tables.features_schema(BINS),
        [structure],
        {"box_length": BOX},
    )
    labels = {"p_hop": 0.2 + 0.1 * signal, "cwt_50": signal}
    noisy = {label: values + values.std() * generator.normal(size=N) for label, values in labels.items()}
    tables.write(
        TableFolders().labels / f"{name}.parquet",
        tables.labels_schema(LABELS),
        [{"particle": particles, "type": species} | noisy],
        {"p_c": 0.2},
    )


@pytest.fixture(scope="module")
def folder(root, tmp_path_factory):
    """Five copies of two samples and an untrained network, evaluated, in the working directory."""
    folder = tmp_path_factory.mktemp("evaluate")
    text = (root / "params.yaml").read_text()
    (folder / "params.yaml").write_text(re.sub(r"max_steps: \d+", "max_steps: 60", text))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("GLASSDYN_SCRATCH", str(tmp_path_factory.mktemp("scratch")))
        fill(folder)
        evaluate_stage.main()
        yield folder


def fill(folder):
    generator = np.random.default_rng(5)
    for copy in range(5):
        for sample in range(2):
            write_sample(f"copy{copy:02}-sample{sample:02}", generator)
    snapshot = load_labelled_graph("copy00-sample00", TableFolders(), GRAPH, LABELS)
    model = Model(kind="graph_network", n_rec=1, shared=False, hidden=(8, 8), heads=4)
    torch.manual_seed(0)
    trained = TrainedModel(
        network=build(model, infer_sizes(snapshot, GRAPH.r_threshold)),
        model=model,
        sizes=infer_sizes(snapshot, GRAPH.r_threshold),
        graph=GRAPH,
        structure={"edges": [0.7 + a for a in range(BINS + 1)]},
        targets=LABELS,
        labels={label: {"p_c": 0.2} for label in LABELS},
        normalisation=fit_normalisation([snapshot]),
    )
    model_file.save(folder / "models" / "network.safetensors", trained)


def test_labels_made_otherwise_than_those_that_the_network_learnt_are_refused(folder):
    before = (folder / "metrics/evaluate.json").read_bytes()
    trained = model_file.load(folder / "models/network.safetensors")
    others = {label: {"p_c": 0.3} for label in LABELS}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_file, "load", lambda _: trained._replace(labels=others))
        with pytest.raises(tables.TableError, match=r"another p_c: wanted 0\.3, got 0\.2"):
            evaluate_stage.main()
    assert (folder / "metrics/evaluate.json").read_bytes() == before


def refuse(constant):
    raise AssertionError(f"strict JSON has no {constant}")


def leaves(tree):
    for value in tree.values():
        yield from leaves(value) if isinstance(value, dict) else [value]


def test_the_stage_writes_what_others_rely_on(folder):
    metrics = json.loads((folder / "metrics/evaluate.json").read_text(), parse_constant=refuse)
    assert all(isinstance(value, int | float | str) for value in leaves(metrics))
    assert metrics["selected_on"] == "validation"
    for label in LABELS:
        assert set(metrics["test"][label]) >= SCORES
        assert metrics["test"][label]["coarse"]["ell0"]["pearson"] == metrics["test"][label]["pearson"]
        for rival in ("ridge", "averaged_ridge", "perceptron"):
            assert set(metrics["baselines"][rival][label]) >= SCORES
        assert not any("pearson" in name for name in metrics["baselines"]["constant"][label])
        # the label is half signal, half noise: the ceiling of any prediction is sqrt(1/2)
        assert metrics["baselines"]["ridge"][label]["pearson"] == pytest.approx(0.707, abs=0.08)
        assert metrics["baselines"]["ridge"][label]["loss"] < metrics["baselines"]["constant"][label]["loss"]
    predictions = sorted(path.stem for path in (folder / "data/predictions").iterdir())
    assert predictions == ["copy04-sample00", "copy04-sample01"]
    for name, picture in (
        ("scatter", True),
        ("pdf", True),
        ("reliability", True),
        ("models", True),
        ("lengths", True),
        ("quantiles", False),
    ):
        assert 0 < pl.read_csv(folder / f"plots/evaluate/{name}.csv").height <= 2000
        assert all((folder / f"plots/evaluate/{name}_{label}.png").exists() == picture for label in LABELS)


def test_predictions_hold_every_particle_and_give_the_metrics_back(folder):
    frames = [tables.read(path) for path in sorted((folder / "data/predictions").iterdir())]
    for frame, name in zip(frames, ("copy04-sample00", "copy04-sample01"), strict=True):
        assert frame.columns == [
            "particle", "type", "target_p_hop", "predicted_p_hop", "target_cwt_50", "predicted_cwt_50",
        ]  # fmt: skip
        truth = tables.read(TableFolders().labels / f"{name}.parquet")
        np.testing.assert_array_equal(frame["target_p_hop"], truth["p_hop"])
        np.testing.assert_array_equal(frame["type"], truth["type"])
    pooled = pl.concat(frames).filter(pl.col("type") == 0)
    metrics = json.loads((folder / "metrics/evaluate.json").read_text())
    rho = np.corrcoef(pooled["target_p_hop"], pooled["predicted_p_hop"])[0, 1]
    assert metrics["test"]["p_hop"]["pearson"] == pytest.approx(rho, rel=1e-9)


def test_two_runs_write_the_same_bytes_and_the_second_trains_nothing(folder, monkeypatch):
    first = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name in ("data/predictions", "metrics", "plots"):
        shutil.rmtree(folder / name)
    monkeypatch.setattr(training, "draw_example", None)
    evaluate_stage.main()
    assert first == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_particles_b_do_not_enter_the_scores(folder):
    settings = params.load().evaluate

    def offset(name):
        return tables.read(TableFolders().labels / f"{name}.parquet", list(LABELS)).to_numpy() + 1.0

    answers = predictions.answer(
        "copy04-sample00", {"network": offset}, folders=TableFolders(), labels=LABELS
    )
    one = predictions.scores_of(predictions.pool_predictions([answers], LABELS, 3.0), settings)
    answers.targets[answers.species == 1] = 1e6
    assert predictions.scores_of(predictions.pool_predictions([answers], LABELS, 3.0), settings) == one


@pytest.mark.parametrize("nodes", ["type", "full"])
def test_ridges_see_the_descriptors_whatever_the_network_sees(folder, nodes):
    """Their features are those of the structure tables: with one type of node the network sees nothing."""
    trained = model_file.load(folder / "models/network.safetensors")
    trained = trained._replace(graph=replace(GRAPH, nodes=nodes))
    fitted = predictors.fit_linear(course_of(trained), TableFolders())
    truth = tables.read(TableFolders().labels / "copy04-sample00.parquet").filter(pl.col("type") == 0)
    is_a = tables.read(TableFolders().features / "copy04-sample00.parquet")["type"].to_numpy() == 0
    for name in ("ridge", "averaged_ridge"):
        rho = np.corrcoef(truth["cwt_50"], fitted[name]("copy04-sample00")[is_a, 1])[0, 1]
        assert rho > 0.6  # half signal, half noise: 0.707 at the most
    assert predictors.radial_features("copy04-sample00", TableFolders()).shape == (N, 1 + 2 * BINS)


def test_averages_are_those_of_the_double_sum(folder):
    name = "copy04-sample00"
    own, found = (
        predictors.radial_features(name, TableFolders()),
        predictors.averaged_features(name, TableFolders()),
    )
    positions = tables.read(TableFolders().features / f"{name}.parquet", ["x", "y", "z"]).to_numpy()
    vectors = box.minimum_image(positions[:, None] - positions[None], BOX)
    distances = np.linalg.norm(vectors, axis=2)
    weights = np.where(distances < 3.5, np.exp(-distances / 2.0), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, np.hstack([own, weights @ own, weights @ weights @ own]), rtol=1e-9)


def course_of(trained, select_on="validation"):
    given = params.load()
    settings = replace(given.train, select_on=select_on, max_steps=20, record_every=5)
    loss = Loss(trained.targets, 0.0, 50)
    return evaluate.course_of(
        trained, trajectory.sample_names(TableFolders().features), given.split, loss, settings
    )


@pytest.mark.parametrize("select_on", ["validation", "test"])
def test_labels_of_the_test_copies_leak_into_nothing(folder, tmp_path, monkeypatch, select_on):
    """Neither into the model file nor into any rival, unless they are asked to select."""
    shutil.copytree(folder / "data", tmp_path / "data")
    shutil.copy(folder / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    told = []
    for disturbed in (False, True):
        monkeypatch.setenv("GLASSDYN_SCRATCH", str(tmp_path / f"scratch-{disturbed}"))
        if disturbed:
            disturb("copy04-sample00")
            disturb("copy04-sample01")
        trained = model_file.load(folder / "models/network.safetensors")
        course = course_of(trained, select_on)
        lesson = set_up(course, TableFolders(), ALONE.device)
        *_, end = run_training(course, lesson, TableFolders(), ALONE)
        model_file.save(tmp_path / "network", trained_model(course, lesson, end, Path("none")))
        models = evaluate.models_of(trained, course, TableFolders(), ALONE)
        answers = {name: model("copy04-sample00").tobytes() for name, model in models.items()}
        told.append({"file": (tmp_path / "network").read_bytes()} | answers)
    same = {name for name in told[0] if told[0][name] == told[1][name]}
    fixed = {"network", "constant"}  # that one comes from the fixture, this one from the training copies
    assert same == (set(told[0]) if select_on == "validation" else fixed)


def disturb(name):
    """Other labels for a sample: of the opposite sign."""
    path = TableFolders().labels / f"{name}.parquet"
    found = tables.read(path)
    columns = {column: found[column].to_numpy() for column in found.columns}
    columns |= {label: -columns[label] for label in LABELS}
    tables.write(path, tables.labels_schema(LABELS), [columns], tables.read_parameters(path))
