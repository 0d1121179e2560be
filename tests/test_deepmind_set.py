"""Pickled configurations of Bapst et al. become snapshots and propensities."""

import numpy as np
import pytest

from array_pickles import PARTICLES, RUNS, contents, dump
from glassdyn.cli import main
from glassdyn.importing.deepmind_set import read_runs
from glassdyn.importing.published_sets import import_set
from glassdyn.importing.source import ImportingError
from glassdyn.labels.isoconfigurational import load_runs
from glassdyn.storage import tables
from glassdyn.storage.snapshots import read_snapshot, read_snapshot_metadata

LABELS = [f"propensity_s0.{digit}" for digit in range(9, 0, -1)] + ["propensity_1"]


def test_snapshots_runs_and_their_means(tmp_path, capsys):
    (tmp_path / "raw").mkdir()
    files = [contents(1), contents(2), contents(3, runs=0)]
    for number, file in enumerate(files):
        dump(tmp_path / f"raw/test_{number}.pickle", file)
    assert main(["import", "--set", "deepmind", str(tmp_path / "raw"), str(tmp_path / "out")]) == 0
    assert "3 configurations of deepmind" in capsys.readouterr().out
    for copy, file in enumerate(files):
        name = f"copy{copy:02}-sample00"
        snapshot = tmp_path / f"out/snapshots/{name}.parquet"
        positions, species, box_length = read_snapshot(snapshot)
        np.testing.assert_allclose(positions, file["positions"])
        np.testing.assert_array_equal(species, file["types"])
        assert (box_length, read_snapshot_metadata(snapshot)["temperature"]) == (file["box"][0], 0.44)
        table = tables.read(tmp_path / f"out/isoconfigurational/{name}.parquet")
        assert table.columns == ["particle", "type", *LABELS]
        if "targets" in file:
            propensities = np.array(file["targets"])
            assert load_runs(tmp_path / "out/isoconfigurational", name, "propensity_1") is None
        else:
            ends = np.array(file["trajectory_target_positions"])
            distances = np.linalg.norm(ends - file["positions"], axis=3)  # (T, R, N)
            propensities = distances.mean(axis=1)
            for label, of_time in zip(LABELS, distances, strict=True):
                runs = load_runs(tmp_path / "out/isoconfigurational", name, label)
                assert runs.shape == (RUNS, PARTICLES)
                np.testing.assert_allclose(runs, of_time)
        np.testing.assert_allclose(table.select(LABELS).to_numpy().T, propensities)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"types": np.full(PARTICLES, 2)}, "types 0 and 1"),
        ({"positions": np.zeros((PARTICLES, 2))}, r"positions \(N, 3\)"),
        ({"positions": np.full((PARTICLES, 3), np.nan)}, "finite numbers: positions"),
        ({"positions": "none"}, "holds numbers: positions"),
        ({"box": np.array([5.0, 5.0, 6.0])}, "a cubic box"),
        ({"is_values": np.array([0.9])}, "for 1 values of F_s"),
        ({"trajectory_target_positions": [[np.zeros((3, 3))]] * 10}, r"ends \(T, R, N, 3\)"),
        ({"trajectory_target_positions": [[np.zeros((3, 3))], [np.zeros(2)]]}, "holds numbers: trajectory"),
        ({"is_values": np.full(10, 0.9)}, "F_s that differ"),
        ({"targets": None}, "targets, one entry a time: got NoneType"),
        ({"trajectory_target_positions": 3}, "one entry a time: got int"),
        ({"trajectory_target_positions": np.array(3.0)}, "one entry a time: got ndarray"),
        ({"metadata": {"pressure": 1.0}}, "with the temperature"),
        ({"metadata": 0.44}, "with the temperature"),
        ({"metadata": {"temperature": float("nan")}}, "finite numbers: temperature"),
        ({"metadata": {"temperature": -1}}, "a temperature above 0"),
        ({"metadata": {"temperature": [0.44]}}, "a temperature above 0"),
        ({"metadata": {"temperature": 10**400}}, "holds numbers: temperature"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, changes, reason):
    dump(tmp_path / "a.pickle", contents(1) | changes)
    with pytest.raises(ImportingError, match=reason):
        import_set("deepmind", tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_absent_is_said(tmp_path):
    dump(tmp_path / "a.pickle", {key: values for key, values in contents(1).items() if key != "box"})
    with pytest.raises(ImportingError, match="holds box: it has positions, types"):
        read_runs(tmp_path / "a.pickle")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImportingError, match="has none; put them there"):
        import_set("deepmind", tmp_path / "empty", tmp_path / "out")


def test_the_published_sample(reference_data):
    runs = read_runs(reference_data / "deepmind/test_small.pickle")
    assert runs.labels == tuple(LABELS)
    assert runs.displacements.shape == (30, 10, 20)
    assert runs.temperature == 0.44
    assert runs.configuration.box_length == pytest.approx(15.04418575)
