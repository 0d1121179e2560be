"""An archive in the layout of GlassBench becomes snapshots, labels and predictions, which are evaluated beside ours."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from glassbench_archives import FIELDS, NOISE, PARTICLES, TEST, TRAIN, files, relative_times, write_archive
from glassdyn.cli import main
from glassdyn.importing.glassbench import METHODS
from glassdyn.label_names import bond_breakings, propensities
from glassdyn.stages import baselines, describe, draw_published, evaluate, import_glassbench, train
from glassdyn.storage import tables
from glassdyn.storage.predictions import read_predictions
from glassdyn.storage.snapshots import read_snapshot, read_snapshot_metadata
from short_pipeline import shorten

LABELS = propensities(relative_times())
SETTINGS = {
    "liquid": {"particles": PARTICLES},
    "simulation": {"copies": TRAIN + TEST},
    "descriptors": {"r_max": 2.6, "bins": 20},
    "describe": {"fields": [], "shells": 0.0, "r_local": 0.0, "r_average": 1.0, "lengths": []},
    "split": {"train": [0, 1, 2, 3, 4, 5], "validation": [6, 7], "test": [8, 9, 10, 11]},
    "graph": {"nodes": "full", "positions": "thermal"},
    "model": {"hidden": [4, 4]},
    "train": {"max_steps": 20, "record_every": 10},
    "evaluate": {"block_length": 2.5, "lengths": [0.0], "resamples": 100},
}


def test_names():
    assert set(NOISE) | set(FIELDS) == set(METHODS)


def sample(number):
    return f"copy{number - 1:02}-sample00"


@pytest.fixture(scope="module")
def contents():
    return files()


@pytest.fixture(scope="module")
def archive(contents, tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp("glassbench") / "T0.44.tar.gz", contents)


@pytest.fixture(scope="module")
def imported(archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("imported") / "set"
    assert main(["import", "--set", "glassbench", str(archive), str(folder)]) == 0
    return folder


def numbered(contents):
    return {int(name.rpartition("_")[2].removesuffix(".npz")): arrays for name, arrays in contents.items()}


def test_positions_are_those_of_the_set(imported, contents):
    keys = {
        "snapshots": "initial_positions",
        "inherent": "initial_positions_inherent",
        "cages": "initial_positions_cage",
    }
    for folder, key in keys.items():
        published = {number: arrays for number, arrays in numbered(contents).items() if key in arrays}
        assert {path.stem for path in (imported / folder).iterdir()} == {sample(k) for k in published}
        for number, arrays in published.items():
            path = imported / folder / f"{sample(number)}.parquet"
            positions, species, box_length = read_snapshot(path)
            np.testing.assert_array_equal(species, arrays["types"])
            assert box_length == pytest.approx((PARTICLES / 1.2) ** (1 / 3))
            crossed = (positions - arrays[key]) / box_length
            np.testing.assert_allclose(crossed, np.rint(crossed), atol=1e-12)
            assert read_snapshot_metadata(path)["temperature"] == 0.44


def test_labels_are_the_propensities_and_the_bonds_at_all_times(imported, contents):
    for number, arrays in numbered(contents).items():
        table = tables.read(imported / "isoconfigurational" / f"{sample(number)}.parquet")
        for row, (label, bonds) in enumerate(zip(LABELS, bond_breakings(relative_times()), strict=True)):
            np.testing.assert_array_equal(table[label], arrays["md_prop"][row])
            np.testing.assert_array_equal(table[bonds], arrays["bb_prop"][row])
    assert "mean_bond_breaking_1" in table.columns
    names = (imported / "isoconfigurational/samples.txt").read_text().split()
    assert names == [sample(number) for number in range(1, TRAIN + TEST + 1)]


def test_predictions_are_those_of_the_test_part(imported, contents):
    assert {path.name for path in (imported / "predictions").iterdir()} == set(METHODS)
    for method in METHODS:
        folder = imported / "predictions" / method
        assert {path.stem for path in folder.iterdir()} == {
            sample(number) for number in range(TRAIN + 1, TRAIN + TEST + 1)
        }
        for number in range(TRAIN + 1, TRAIN + TEST + 1):
            published = np.broadcast_to(numbered(contents)[number][method], (10, PARTICLES))
            table = read_predictions(imported / "predictions", sample(number), method)
            assert list(table.predictions) == LABELS
            np.testing.assert_array_equal(np.array(list(table.predictions.values())), published)


def test_a_folder_is_imported_as_its_archive(imported, archive, tmp_path):
    subprocess.run(["tar", "-xf", archive, "-C", tmp_path], check=True)
    (tmp_path / "out").mkdir()
    for source in (tmp_path, tmp_path / "T0.44"):
        assert main(["import", "--set", "glassbench", str(source), str(tmp_path / "out")]) == 0
        for path in imported.rglob("*.*"):
            assert (tmp_path / "out" / path.relative_to(imported)).read_bytes() == path.read_bytes()
        shutil.rmtree(tmp_path / "out")


@pytest.fixture(scope="module")
def evaluated(root, archive, tmp_path_factory):
    """The pipeline of the data set, its stages in turn."""
    folder = tmp_path_factory.mktemp("pipeline")
    (folder / "raw").mkdir()
    shutil.copy(archive, folder / "raw")
    shorten(root / "datasets/glassbench/params.yaml", folder / "params.yaml", SETTINGS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("GLASSDYN_SCRATCH", str(folder / "scratch"))
        for stage in (import_glassbench, describe, baselines, train, evaluate):
            stage.main()
    return folder


def pooled(contents, row, predict):
    """Truth and prediction of the A particles of each test structure."""
    of_number = numbered(contents)
    pairs = []
    for number in range(TRAIN + 1, TRAIN + TEST + 1):
        arrays = of_number[number]
        is_a = arrays["types"] == 0
        pairs.append((arrays["md_prop"][row, is_a], predict(arrays, number)[row, is_a]))
    return pairs


def test_published_predictions_are_evaluated_beside_ours(evaluated, contents):
    """rho of a planted prediction is the planted one, pooled and as the mean over configurations."""
    metrics = json.loads((evaluated / "metrics/evaluate.json").read_text())
    assert metrics["copies"] == TEST
    for row, label in enumerate(LABELS):
        test = metrics["test"][label]
        for method in METHODS:
            pairs = pooled(
                contents, row, lambda arrays, _, name=method: np.broadcast_to(arrays[name], (10, PARTICLES))
            )
            of_all = np.corrcoef(*(np.concatenate(part) for part in zip(*pairs, strict=True)))[0, 1]
            each = np.mean([np.corrcoef(*pair)[0, 1] for pair in pairs])
            scores = metrics["baselines"][method][label]
            assert scores["pearson"] == pytest.approx(of_all, abs=1e-9)
            assert scores["pearson_sample_mean"] == pytest.approx(each, abs=1e-9)
            improvement = test["improvement"][method]
            assert improvement["units"] == "copies"
            assert improvement["difference"] == pytest.approx(test["pearson"] - of_all, abs=1e-9)
            assert improvement["low"] < improvement["difference"] < improvement["high"]
    planted = metrics["baselines"]["CAGE"]["propensity_1"]["pearson"]
    assert planted == pytest.approx(np.sqrt(0.5), abs=0.06)  # truth and as much noise; 640 particles


def test_ours_learns_what_the_structure_tells(evaluated):
    """Neighbours within 1.4 are a sum over bins, of which a ridge knows the edges to 0.1."""
    metrics = json.loads((evaluated / "metrics/evaluate.json").read_text())
    assert metrics["test"]["propensity_1"]["pearson"] > 0.7
    table = pl.read_csv(evaluated / "plots/evaluate/models.csv")
    assert {"network", "ridge", "CAGE", "EPOT"} <= set(table["model"])


@pytest.fixture
def run(evaluated, root, tmp_path, monkeypatch):
    """A copy of the evaluated data set, which a test may change; tables of publications lie where its stages look."""
    shutil.copytree(evaluated, tmp_path / "datasets/set")
    shutil.copytree(root / "references", tmp_path / "references")
    monkeypatch.chdir(tmp_path / "datasets/set")
    monkeypatch.setenv("GLASSDYN_SCRATCH", str(evaluated / "scratch"))
    return tmp_path / "datasets/set"


def test_a_model_of_another_temperature_is_evaluated_beside_those_of_this(run, capsys):
    """That of this set under another name predicts what it predicts here; other targets it need not have."""
    assert main(["transfer", "models/network.safetensors", "network_T0.50"]) == 0
    assert f"propensity_1, {LABELS[0]}" in capsys.readouterr().out
    for number in range(TRAIN + 1, TRAIN + TEST + 1):
        here, transferred = (
            read_predictions(run / "data/predictions", sample(number), name)
            for name in ("network", "network_T0.50")
        )
        for label, values in here.predictions.items():
            np.testing.assert_allclose(transferred.predictions[label], values, rtol=1e-5)
    for path in (run / "data/predictions/network_T0.50").iterdir():
        pl.read_parquet(path).select("particle", "type", "predicted_propensity_1").write_parquet(path)
    evaluate.main()
    draw_published.main()
    models = pl.read_csv("plots/evaluate/models.csv").filter(model="network_T0.50")
    assert models["label"].to_list() == ["propensity_1"]
    table = pl.read_csv("plots/published/transfers.csv")
    ours = table.filter(origin="here", method="network").sort("learnt_at")
    assert ours["learnt_at"].to_list() == [0.44, 0.5]
    assert ours["pearson"][1] == pytest.approx(ours["pearson"][0], abs=1e-5)
    assert Path("plots/published/transfers.png").exists()


def test_what_cannot_be_transferred_is_refused(run, capsys):
    model = "models/network.safetensors"
    for name in ("network", "../elsewhere", ""):
        assert main(["transfer", model, name]) == 1
        assert "a name of its own" in capsys.readouterr().err
    shorten(run / "params.yaml", run / "params.yaml", {"loss": {"targets": ["mean_bond_breaking_1"]}})
    before = sorted(run.rglob("data/predictions/*"))
    assert main(["transfer", model, "mine"]) == 1
    assert "one of the targets at least, mean_bond_breaking_1" in capsys.readouterr().err
    assert sorted(run.rglob("data/predictions/*")) == before


def test_bond_breaking_is_learnt_and_methods_that_predict_other_labels_are_left_out(run, capfd):
    """Planted as exp(-propensity): the structure tells it as well."""
    shorten(run / "params.yaml", run / "params.yaml", {"loss": {"targets": ["mean_bond_breaking_1"]}})
    for stage in (baselines, train, evaluate):
        stage.main()
    metrics = json.loads(Path("metrics/evaluate.json").read_text())
    assert metrics["test"]["mean_bond_breaking_1"]["pearson"] > 0.7
    assert not metrics["baselines"].keys() & set(METHODS)
    assert "CAGE predicts none of mean_bond_breaking_1" in capfd.readouterr().out
    shutil.rmtree("plots/published", ignore_errors=True)
    Path("plots/evaluate/susceptibilities.csv").unlink()  # which DVC removes before the stage
    draw_published.main()
    table = pl.read_csv("plots/published/methods.csv")
    assert set(table["origin"]) == {"published"}


def test_susceptibilities_stand_beside_the_published(run, contents):
    draw_published.main()
    table = pl.read_csv("plots/published/susceptibilities.csv")
    ((published,),) = (
        table.filter(time=4120.0, method="truth", origin="published").select("susceptibility").rows()
    )
    assert published == pytest.approx(17.0523, abs=1e-4)
    overlaps = [
        np.mean(arrays["md_prop"][6][arrays["types"] == 0] < 0.3)
        for number, arrays in numbered(contents).items()
        if number > TRAIN
    ]
    ours = table.filter(time=4120.0, method="truth", origin="here")
    is_a = numbered(contents)[1]["types"] == 0
    assert ours["susceptibility"][0] == pytest.approx(is_a.sum() * np.var(overlaps, ddof=1), abs=1e-6)
    assert {"SE3", "network", "ridge"} <= set(table.filter(origin="here")["method"])


def test_other_times_or_temperatures_are_refused(root, archive, tmp_path, monkeypatch):
    (tmp_path / "raw").mkdir()
    shutil.copy(archive, tmp_path / "raw")
    monkeypatch.chdir(tmp_path)
    for changes, reason in (
        ({"simulation": {"tau_alpha": 4000.0}}, "the times at T = 0.44 are 0.13"),
        ({"liquid": {"particles": PARTICLES, "temperature": 0.45}}, "published at T = 0.44, 0.5"),
    ):
        settings = {name: SETTINGS[name] | changes.get(name, {}) for name in SETTINGS}
        shorten(root / "datasets/glassbench/params.yaml", tmp_path / "params.yaml", settings)
        with pytest.raises(Exception, match=reason):
            import_glassbench.main()
        assert not (tmp_path / "data").exists()
