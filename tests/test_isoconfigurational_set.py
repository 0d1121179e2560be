"""End points of published runs become the snapshots and labels that the stages expect."""

import numpy as np
import polars as pl
import pytest

from glassdyn.cli import main
from glassdyn.errors import GlassdynError
from glassdyn.importing.isoconfigurational_set import (
    find_files,
    import_end_points,
    read_end_points,
)
from glassdyn.importing.published_sets import import_set
from glassdyn.importing.set_folders import ImportedFolders
from glassdyn.labels.isoconfigurational import load_runs
from glassdyn.storage.snapshots import read_snapshot, read_snapshot_metadata

BOX_LENGTH = 5.0


def arrays(seed=0, runs=3, particles=20):
    generator = np.random.default_rng(seed)
    start = generator.uniform(0, BOX_LENGTH, (particles, 3))
    ends = start + generator.normal(scale=0.3, size=(runs, particles, 3))
    types = (np.arange(particles) % 5 == 0).astype(np.int8)
    return {"types": types, "initial_positions": start, "positions": ends}


def write(path, **changes):
    np.savez(path, **(arrays() | changes))
    return path


def test_displacements_are_those_of_every_run_and_the_propensity_is_their_mean(tmp_path):
    contents = [arrays(seed) for seed in range(2)]
    for number, content in enumerate(contents):
        np.savez(tmp_path / f"isoconfig_T0.44_{number}_tc07.npz", **content)
    folders = ImportedFolders(tmp_path / "snapshots", tmp_path / "runs")
    import_end_points(
        find_files(tmp_path), folders, box_length=BOX_LENGTH, temperature=0.44, label="propensity_1"
    )
    for copy, content in enumerate(contents):
        name = f"copy{copy:02}-sample00"
        expected = np.linalg.norm(content["positions"] - content["initial_positions"], axis=2)
        runs = load_runs(folders.isoconfigurational, name, "propensity_1")
        np.testing.assert_allclose(runs, expected)
        mean = pl.read_parquet(folders.isoconfigurational / f"{name}.parquet")["propensity_1"]
        np.testing.assert_allclose(mean, expected.mean(axis=0))
        positions, species, box_length = read_snapshot(folders.snapshots / f"{name}.parquet")
        np.testing.assert_allclose(positions, content["initial_positions"])
        np.testing.assert_array_equal(species, content["types"])
        assert box_length == BOX_LENGTH


def test_files_are_in_the_order_of_their_numbers(tmp_path):
    for number in (10, 9, 1):
        write(tmp_path / f"isoconfig_N20_{number}_tc07.npz")
    assert [path.stem.split("_")[2] for path in find_files(tmp_path)] == ["1", "9", "10"]


def test_a_folder_without_files_is_refused(tmp_path):
    with pytest.raises(GlassdynError, match=r"has none; put them there"):
        find_files(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"types": np.full(20, 2)}, "types 0 and 1"),
        ({"types": np.zeros(19)}, "shapes"),
        ({"positions": np.zeros((3, 19, 3))}, "shapes"),
        ({"positions": np.full((3, 20, 3), np.nan)}, "finite"),
        ({"types": np.array([None] * 20)}, "without objects"),
        ({"types": np.array(["A"] * 20)}, "numbers: types has others"),
        ({"types": np.array(1)}, "shapes"),
    ],
    ids=["species", "length", "particles", "nan", "pickle", "words", "scalar"],
)
def test_arrays_that_make_no_sense_are_refused(tmp_path, changes, message):
    with pytest.raises(GlassdynError, match=message):
        read_end_points(write(tmp_path / "set.npz", **changes), BOX_LENGTH)


def test_a_missing_array_and_a_truncated_file_are_refused(tmp_path):
    path = tmp_path / "set.npz"
    np.savez(path, types=np.zeros(20))
    with pytest.raises(GlassdynError, match="lacks initial_positions, positions"):
        read_end_points(path, BOX_LENGTH)
    write(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(GlassdynError, match="is it cut off"):
        read_end_points(path, BOX_LENGTH)


def test_damaged_compression_is_said(tmp_path):
    np.savez_compressed(tmp_path / "set.npz", **arrays(particles=1000))
    data = bytearray((tmp_path / "set.npz").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(200)
    (tmp_path / "set.npz").write_bytes(data)
    with pytest.raises(GlassdynError, match=r"set\.npz is damaged"):
        read_end_points(tmp_path / "set.npz", BOX_LENGTH)


def test_the_command_reads_temperature_and_time_from_the_names(tmp_path, capsys):
    (tmp_path / "raw").mkdir()
    for number in range(2):
        np.savez(tmp_path / f"raw/isoconfig_N20T0.44_{number}_tc05.npz", **arrays(number))
    words = ["import", "--set", "botan", str(tmp_path / "raw"), str(tmp_path / "out")]
    assert main(words) == 0
    assert "2 configurations of botan" in capsys.readouterr().out
    path = tmp_path / "out/isoconfigurational/copy01-sample00.parquet"
    expected = np.linalg.norm(arrays(1)["positions"] - arrays(1)["initial_positions"], axis=2).mean(axis=0)
    np.testing.assert_allclose(pl.read_parquet(path)["propensity_0.1"], expected)
    snapshot = tmp_path / "out/snapshots/copy01-sample00.parquet"
    assert read_snapshot_metadata(snapshot)["temperature"] == 0.44
    assert read_snapshot(snapshot).box_length == pytest.approx((20 / 1.2) ** (1 / 3))


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["set_T0.44_1"], "names of files say"),
        (["set_T0.44_1_tc11"], "names of files say"),
        (["set_T0.40_1_tc07"], "published at T = 0.44"),
        (["set_T0.44_1_tc07", "set_T0.50_2_tc07"], "share temperature and time"),
        (["set_T0.44_1_tc07", "set_T0.44_2_tc06"], "share temperature and time"),
    ],
)
def test_names_that_say_less_or_differ_are_refused(tmp_path, names, reason):
    for name in names:
        write(tmp_path / f"{name}.npz")
    with pytest.raises(GlassdynError, match=reason):
        import_set("botan", tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
