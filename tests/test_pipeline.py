"""The whole road, walked in one process on data that it simulates itself."""

import importlib
import json
import shutil
from typing import get_args

import numpy as np
import pytest
from ruamel.yaml import YAML

from glassdyn import params
from glassdyn.cli import main
from glassdyn.features.neighbour_averages import average_generations
from glassdyn.features.radial import bin_edges, smooth_descriptors
from glassdyn.labels.coarse_graining import coarse_grain
from glassdyn.liquid.neighbours import find_neighbours
from glassdyn.params import Model
from glassdyn.stages import evaluate, train
from glassdyn.storage import tables, trajectory
from short_pipeline import leaves, recording, shorten
from test_p_hop import recursion
from test_radial import double_sum
from test_wavelets import integral

pytestmark = pytest.mark.slow


OTHERS = {kind: {"kind": kind} for kind in get_args(Model.__annotations__["kind"]) if kind != "graph_network"}
"""Changes of the section model."""


@pytest.fixture(scope="session")
def walked(root, tmp_path_factory):
    """A folder in which every stage has run, and the keys that each of them read."""
    folder = tmp_path_factory.mktemp("road")
    shorten(root / "params.yaml", folder / "params.yaml")
    read = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("GLASSDYN_SCRATCH", str(folder / ".scratch"))
        original = params.load
        for stage in YAML(typ="safe").load(root / "dvc.yaml")["stages"]:
            log = read[stage] = set()
            patch.setattr(params, "load", lambda *path, log=log: recording(original(*path), log))
            importlib.import_module(f"glassdyn.stages.{stage}").main()
    return folder, read


def test_stages_read_exactly_the_keys_they_declare(root, walked):
    folder, read = walked
    parameters = params.load(folder / "params.yaml")
    for name, stage in YAML(typ="safe").load(root / "dvc.yaml")["stages"].items():
        declared = leaves(parameters, stage["params"])
        assert read[name] == declared, (
            f"stage {name}: undeclared {sorted(read[name] - declared)}, unread {sorted(declared - read[name])}"
        )


def test_every_declared_output_exists(root, walked):
    folder, _ = walked
    for stage in YAML(typ="safe").load(root / "dvc.yaml")["stages"].values():
        for output in [*stage.get("outs", []), *stage.get("metrics", [])]:
            name = output if isinstance(output, str) else next(iter(output))
            assert (folder / name).exists(), name


def test_tables_of_the_run_s_own_data_equal_their_definitions(walked):
    """Descriptors exactly, labels to 1e-6, by the slow statements of the unit tests."""
    folder, _ = walked
    parameters = params.load(folder / "params.yaml")
    few = np.arange(0, parameters.liquid.particles, 37)
    for name in trajectory.sample_names(folder / "data" / "trajectories"):
        with trajectory.open_trajectory(folder / "data" / "trajectories" / f"{name}.h5") as opened:
            snapshot, species, middle = opened.frame(opened.middle), opened.species, opened.middle
            box_length = opened.box_length
            tracks = (
                opened.window(0, opened.frames)[:, few].astype(np.float64).transpose(1, 2, 0)
            )  # (n, 3, T)
        structure = tables.read(folder / "data" / "features" / f"{name}.parquet")
        expected = double_sum(snapshot, species, box_length, bin_edges(parameters.descriptors))
        np.testing.assert_array_equal(structure["descriptors"].to_numpy(), expected)
        labels = tables.read(folder / "data" / "labels" / f"{name}.parquet")[few]
        hops = [recursion(track.T - track.T[0], parameters.hops)[middle] for track in tracks]
        np.testing.assert_allclose(labels["p_hop"], hops, rtol=0, atol=1e-6)
        for scale in parameters.wavelets.scales:
            origin = tracks - tracks[:, :, :1]
            np.testing.assert_allclose(
                labels[f"cwt_{scale}"], integral(origin, middle, scale), rtol=0, atol=1e-6
            )


def test_columns_beside_the_thesis_s_are_those_of_the_same_frame(walked):
    folder, _ = walked
    parameters = params.load(folder / "params.yaml")
    name, edges = trajectory.sample_name(0, 0), bin_edges(parameters.descriptors)
    with trajectory.open_trajectory(folder / "data" / "trajectories" / f"{name}.h5") as opened:
        liquid = opened.configuration(opened.middle)
    structure = tables.read(folder / "data" / "features" / f"{name}.parquet")
    assert structure.columns[5:] == ["descriptors", "smooth", "averaged_1", "inherent"]
    thermal, inherent = (structure[column].to_numpy() for column in ("descriptors", "inherent"))
    smooth = smooth_descriptors(liquid, edges, parameters.describe.smooth)
    np.testing.assert_array_equal(structure["smooth"].to_numpy(), smooth)
    reach = parameters.describe.r_average
    averaged = average_generations(
        thermal, find_neighbours(liquid[0], liquid[2], reach), count=1, length=reach
    )
    np.testing.assert_array_equal(structure["averaged_1"].to_numpy(), averaged[:, 160:].astype(np.float32))
    labels = tables.read(folder / "data" / "labels" / f"{name}.parquet")
    assert labels.columns[2:] == ["p_hop", "cwt_5", "p_hop_ell1", "cwt_5_ell1"]
    coarse = coarse_grain(labels.select("p_hop", "cwt_5").to_numpy(), liquid[0], liquid[2], [1.0])
    np.testing.assert_array_equal(labels.select("p_hop_ell1", "cwt_5_ell1").to_numpy(), coarse)
    # at rest, the first shell is sharper than in motion
    assert inherent[:, :80].mean(axis=0).max() > 1.1 * thermal[:, :80].mean(axis=0).max()


def predicts_what_the_road_does(folder, tmp_path, capsys):
    """From the trajectory and the model file alone: node features, edges and network are the road's."""
    name = trajectory.sample_names(folder / "data" / "predictions")[0]
    model, source = folder / "models" / "network.safetensors", folder / "data" / "trajectories" / f"{name}.h5"
    assert main(["predict", str(model), str(source), str(tmp_path / "out.parquet")]) == 0
    assert capsys.readouterr().err == ""
    road = tables.read(folder / "data" / "predictions" / f"{name}.parquet")["predicted_p_hop"]
    assert road.std() > 0
    found = tables.read(tmp_path / "out.parquet")["predicted_p_hop"]
    np.testing.assert_allclose(found, road, rtol=0, atol=1e-4 * road.std())  # rounding of float32


def test_the_command_predicts_what_the_road_does(walked, tmp_path, capsys):
    predicts_what_the_road_does(walked[0], tmp_path, capsys)


@pytest.mark.parametrize(
    "changes", [*({"model": other} for other in OTHERS.values()), {"graph": {"nodes": "extended"}}], ids=str
)
def test_other_networks_and_features_take_the_road(walked, tmp_path, monkeypatch, capsys, changes):
    """The last two stages, on the tables of the road, and the command on what they make."""
    folder, _ = walked
    shorten(folder / "params.yaml", tmp_path / "params.yaml", changes)
    for name in ("trajectories", "features", "pca", "labels", "isoconfigurational"):
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / name).symlink_to(folder / "data" / name)
    (tmp_path / "models").mkdir()
    shutil.copy(folder / "models" / "pca.safetensors", tmp_path / "models")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLASSDYN_SCRATCH", str(tmp_path / ".scratch"))
    train.main()
    evaluate.main()
    told = json.loads((tmp_path / "metrics" / "evaluate.json").read_text())["test"]
    assert all(-1 < told[label]["pearson"] < 1 for label in ("p_hop", "propensity_1"))
    capsys.readouterr()
    predicts_what_the_road_does(tmp_path, tmp_path, capsys)
