"""The stage baselines on planted labels: what is fitted, what is written, and what does not leak into it."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from glassdyn import params
from glassdyn.baselines import baselines_file, fit
from glassdyn.baselines.features import FEATURES, averaged_features, inputs_from_tables, load_radial_features
from glassdyn.baselines.predict_samples import predict_linear, predict_samples
from glassdyn.learning.labelled_graphs import TableFolders, load_graph
from glassdyn.liquid import box
from glassdyn.stages import baselines, train
from glassdyn.storage import tables, trajectory
from glassdyn.storage.predictions import read_predictions, write_predictions
from glassdyn.storage.tensor_file import TensorFileError, read_arrays, write_arrays
from planted_tables import BINS, BOX, LABELS, MADE_WITH, TEST_SAMPLES, N, write_labels, write_planted_tables
from short_pipeline import PINNED, merge, section, shorten

PREDICTIONS = Path("data/predictions")
FILE = Path("models/baselines.safetensors")


def read_labels(name):
    return tables.read(TableFolders().labels / f"{name}.parquet")


@pytest.fixture(scope="module")
def fitted(root, tmp_path_factory):
    """A folder in which the stage has run, and the store that it used."""
    folder = tmp_path_factory.mktemp("baselines")
    changes = {"loss": {"targets": list(LABELS)}, "train": {"max_steps": 20, "record_every": 5}}
    shorten(root / "params.yaml", folder / "params.yaml", merge(PINNED, changes))
    write_planted_tables(folder)
    store = tmp_path_factory.mktemp("scratch")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("GLASSDYN_SCRATCH", str(store))
        baselines.main()
    return folder, store


@pytest.fixture
def folder(fitted, tmp_path, monkeypatch):
    """A copy of it, in the working directory."""
    shutil.copytree(fitted[0], tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    monkeypatch.setenv("GLASSDYN_SCRATCH", str(fitted[1]))
    return tmp_path / "copy"


def pooled_correlation(model, label):
    columns = []
    for name in TEST_SAMPLES:
        truth = read_labels(name)
        is_a = (truth["type"] == 0).to_numpy()
        predicted = read_predictions(PREDICTIONS, name, model).predictions[label]
        columns.append((truth[label].to_numpy()[is_a], predicted[is_a]))
    return np.corrcoef(*(np.concatenate(parts) for parts in zip(*columns, strict=True)))[0, 1]


def test_each_baseline_has_a_table_for_each_sample_of_the_test_copies(folder):
    assert {path.name for path in PREDICTIONS.iterdir()} == {
        "constant",
        "radial_ridge",
        "averaged_ridge",
        "ridge",
        "perceptron",
    }
    for model in PREDICTIONS.iterdir():
        assert {path.stem for path in model.iterdir()} == set(TEST_SAMPLES)
        for name in TEST_SAMPLES:
            table = read_predictions(PREDICTIONS, name, model.name)
            assert list(table.predictions) == list(LABELS)
            assert table.metadata == {
                "model": model.name,
                "labels": dict.fromkeys(LABELS, MADE_WITH),
                "selected_on": "validation",
                "fold": 0,
            }


def test_ridge_reaches_what_can_be_reached_and_the_constant_is_the_mean_of_the_training_copies(folder):
    """The label is half signal, half noise: the ceiling of any prediction is sqrt(1/2)."""
    training_copies = [f"copy{copy:02}-sample{sample:02}" for copy in range(3) for sample in range(2)]
    labels = pl.concat(read_labels(name) for name in training_copies).filter(pl.col("type") == 0)
    for label in LABELS:
        for model in ("radial_ridge", "ridge"):
            assert pooled_correlation(model, label) == pytest.approx(0.707, abs=0.08)
        constant = read_predictions(PREDICTIONS, TEST_SAMPLES[0], "constant").predictions[label]
        np.testing.assert_allclose(constant, labels[label].mean(), rtol=1e-12)


def test_two_runs_write_the_same_bytes_and_the_second_trains_nothing(folder, fitted):
    contents = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    manifests = [(path, path.stat().st_ino) for path in fitted[1].glob("jobs/*/result/manifest.json")]
    shutil.rmtree(PREDICTIONS)
    shutil.rmtree("models")
    baselines.main()
    assert manifests == [(path, path.stat().st_ino) for path in fitted[1].glob("jobs/*/result/manifest.json")]
    assert contents == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_linear(models):
    """Predictions of the linear baselines alone."""
    for name in TEST_SAMPLES:
        inputs = inputs_from_tables(name, TableFolders(), models.perceptron.graph)
        for model in models.linear:
            write_predictions(
                PREDICTIONS,
                name,
                model,
                species=inputs.configuration.species,
                predictions=predict_linear(models, model, inputs),
                metadata={},
            )


def test_the_ridge_sees_the_rows_of_the_network_s_graphs(folder):
    """Also where these are standardised within snapshot and species."""
    for standardise in ("training_set", "snapshot"):
        graph = section("graph", r_threshold=1.5, nodes="full", standardise=standardise)
        rows = FEATURES["ridge"](inputs_from_tables(TEST_SAMPLES[0], TableFolders(), graph))
        np.testing.assert_array_equal(rows, load_graph(TEST_SAMPLES[0], TableFolders(), graph).x.numpy())


@pytest.mark.parametrize("nodes", ["type", "full"])
def test_ridges_see_the_descriptors_whatever_the_network_sees(folder, nodes):
    """Those on radial descriptors; the ridge on the network's features sees what that sees: from types, nothing."""
    graph = section("graph", r_threshold=1.5, edges="distance", self_edges=False, nodes=nodes)
    config = configure()._replace(graph=graph)
    loaded = baselines_file.load(FILE)
    (fits,) = fit.fit_linear([config], TableFolders())
    refitted = loaded._replace(linear=fits, perceptron=loaded.perceptron._replace(graph=graph))
    write_linear(refitted)
    for model in ("radial_ridge", "averaged_ridge"):
        assert pooled_correlation(model, "cwt_50") > 0.6  # half signal, half noise: 0.707 at the most
    ridge = read_predictions(PREDICTIONS, TEST_SAMPLES[0], "ridge").predictions["cwt_50"]
    assert (np.ptp(ridge) == 0) == (nodes == "type")
    assert load_radial_features(TEST_SAMPLES[0], TableFolders()).shape == (N, 1 + 2 * BINS)


def test_averages_are_those_of_the_double_sum(folder):
    radial = load_radial_features(TEST_SAMPLES[0], TableFolders())
    inputs = inputs_from_tables(TEST_SAMPLES[0], TableFolders(), section("graph", nodes="full"))
    configuration = inputs.configuration
    vectors = box.minimum_image(configuration.positions[:, None] - configuration.positions[None], BOX)
    distances = np.linalg.norm(vectors, axis=2)
    weights = np.where(distances < 3.5, np.exp(-distances / 2.0), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    expected = np.hstack([radial, weights @ radial, weights @ weights @ radial])
    np.testing.assert_allclose(averaged_features(inputs), expected, rtol=1e-9)


def configure(**changes):
    run = params.load()
    model = replace(run.model, **changes)
    samples = trajectory.sample_names(TableFolders().features)
    (training,) = fit.plan_perceptrons(replace(run, model=model), samples)
    return training.config


def test_recurrences_and_kind_of_the_network_change_no_baseline(folder):
    assert configure(n_rec=7, shared=True) == configure(kind="attention") == configure()
    assert configure().model == section(
        "model",
        kind="graph_network",
        linear=False,
        n_rec=0,
        shared=False,
        hidden=params.load().model.hidden,
        heads=1,
    )
    assert configure(hidden=(4, 4)) != configure()


@pytest.mark.parametrize("select_on", ["validation", "test"])
def test_labels_of_the_test_copies_leak_into_nothing(folder, tmp_path, monkeypatch, select_on):
    """Neither into the network nor into any baseline, unless they are asked to select."""
    text = (folder / "params.yaml").read_text().replace("select_on: validation", f"select_on: {select_on}")
    (folder / "params.yaml").write_text(text)
    contents = []
    for disturbed in (False, True):
        monkeypatch.setenv("GLASSDYN_SCRATCH", str(tmp_path / f"scratch-{disturbed}"))
        if disturbed:
            for name in TEST_SAMPLES:
                negate_labels(name)
        train.main()
        baselines.main()
        outputs = [*Path("models").iterdir(), *PREDICTIONS.rglob("*.parquet")]
        contents.append({path: path.read_bytes() for path in outputs})
    same = {path for path in contents[0] if contents[0][path] == contents[1][path]}
    constant = {path for path in contents[0] if "constant" in path.parts}
    assert same == (set(contents[0]) if select_on == "validation" else constant)


def negate_labels(name):
    table = read_labels(name)
    columns = {column: table[column].to_numpy() for column in table.columns}
    columns |= {label: -columns[label] for label in LABELS}
    write_labels(TableFolders().labels / f"{name}.parquet", columns)


def test_baselines_come_back_from_their_file(folder, tmp_path):
    loaded = baselines_file.load(FILE)
    baselines_file.save(tmp_path / "again", loaded)
    assert (tmp_path / "again").read_bytes() == FILE.read_bytes()
    predict_samples(tmp_path, loaded, TEST_SAMPLES, folders=TableFolders(), selected_on="validation", fold=0)
    for path in PREDICTIONS.rglob("*.parquet"):
        assert (tmp_path / path.relative_to(PREDICTIONS)).read_bytes() == path.read_bytes()


def test_a_damaged_or_incomplete_file_is_refused(folder, tmp_path):
    whole = FILE.read_bytes()
    (tmp_path / "damaged").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(TensorFileError, match="is damaged"):
        baselines_file.load(tmp_path / "damaged")
    description, arrays = read_arrays(FILE, baselines_file.FORMAT)
    short = arrays["averaged_ridge.weights"][:-1]
    for changed, reason in (
        ({name: array for name, array in arrays.items() if name != "ridge.intercept"}, "does not hold all"),
        ({name: array for name, array in arrays.items() if "perceptron" not in name}, "does not hold all"),
        (arrays | {"averaged_ridge.weights": short}, "contradicts itself in its weights of averaged_ridge"),
    ):
        write_arrays(tmp_path / "changed", {"format": baselines_file.FORMAT, **description}, changed)
        with pytest.raises(TensorFileError, match=reason):
            baselines_file.load(tmp_path / "changed")
    write_arrays(tmp_path / "older", {"format": "glassdyn baselines 1", **description}, arrays)
    with pytest.raises(TensorFileError, match="only 'glassdyn baselines 2' can be read"):
        baselines_file.load(tmp_path / "older")
