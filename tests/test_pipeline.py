"""The whole pipeline, run in one process on data that it simulates itself."""

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
from glassdyn.liquid.box import wrap
from glassdyn.liquid.neighbours import find_neighbours
from glassdyn.params import Model
from glassdyn.stages import evaluate, train
from glassdyn.storage import tables, trajectory
from glassdyn.storage.snapshots import read_snapshot
from references.p_hop import p_hop_series
from references.radial import radial_descriptors_by_double_sum
from references.wavelets import wavelet_transform
from short_pipeline import leaves, recording, shorten

pytestmark = pytest.mark.slow


OTHER_KINDS = [kind for kind in get_args(Model.__annotations__["kind"]) if kind != "graph_network"]


@pytest.fixture(scope="session")
def pipeline_run(root, tmp_path_factory):
    """A folder in which every stage has run, and the keys that each of them read."""
    folder = tmp_path_factory.mktemp("pipeline")
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


def test_stages_read_exactly_the_keys_they_declare(root, pipeline_run):
    folder, read = pipeline_run
    parameters = params.load(folder / "params.yaml")
    for name, stage in YAML(typ="safe").load(root / "dvc.yaml")["stages"].items():
        declared = leaves(parameters, stage.get("params", []))
        assert read[name] == declared, (
            f"stage {name}: undeclared {sorted(read[name] - declared)}, unread {sorted(declared - read[name])}"
        )


def test_every_declared_output_exists(root, pipeline_run):
    folder, _ = pipeline_run
    for stage in YAML(typ="safe").load(root / "dvc.yaml")["stages"].values():
        for output in [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]:
            name = output if isinstance(output, str) else next(iter(output))
            assert (folder / name).exists(), name


def test_tables_of_the_run_s_own_data_equal_their_definitions(pipeline_run):
    """Descriptors exactly, labels to 1e-6, by the slow references."""
    folder, _ = pipeline_run
    parameters = params.load(folder / "params.yaml")
    few = np.arange(0, parameters.liquid.particles, 37)
    for name in trajectory.sample_names(folder / "data" / "trajectories"):
        with trajectory.open_trajectory(folder / "data" / "trajectories" / f"{name}.h5") as opened:
            configuration, middle, interval = (
                opened.configuration(opened.middle),
                opened.middle,
                opened.interval,
            )
            tracks = (
                opened.window(0, opened.frames)[:, few].astype(np.float64).transpose(1, 2, 0)
            )  # (n, 3, T)
        snapshot = read_snapshot(folder / "data" / "snapshots" / f"{name}.parquet")
        wrapped = wrap(configuration.positions, configuration.box_length)
        np.testing.assert_array_equal(snapshot.positions, wrapped)
        structure = tables.read(folder / "data" / "features" / f"{name}.parquet")
        expected = radial_descriptors_by_double_sum(configuration, bin_edges(parameters.descriptors))
        np.testing.assert_array_equal(structure["descriptors"].to_numpy(), expected)
        labels = tables.read(folder / "data" / "labels" / f"{name}.parquet")[few]
        hops = [p_hop_series(track.T - track.T[0], parameters.hops, interval)[middle] for track in tracks]
        np.testing.assert_allclose(labels["p_hop"], hops, rtol=0, atol=1e-6)
        for scale in parameters.wavelets.scales:
            moved = tracks - tracks[:, :, :1]
            wavelets = wavelet_transform(moved, middle, scale, interval)
            np.testing.assert_allclose(labels[f"cwt_{scale}"], wavelets, rtol=0, atol=1e-6)


def test_columns_beside_the_thesis_s_are_those_of_the_same_frame(pipeline_run):
    folder, _ = pipeline_run
    parameters = params.load(folder / "params.yaml")
    name, edges = trajectory.sample_name(0, 0), bin_edges(parameters.descriptors)
    with trajectory.open_trajectory(folder / "data" / "trajectories" / f"{name}.h5") as opened:
        configuration = opened.configuration(opened.middle)
    positions, _, box_length = configuration
    structure = tables.read(folder / "data" / "features" / f"{name}.parquet")
    extras = ["smooth", "averaged_1", "inherent", "fields", "local", "inherent_positions"]
    assert structure.columns[5:] == ["descriptors", *extras]
    thermal, inherent = (structure[column].to_numpy() for column in ("descriptors", "inherent"))
    smooth = smooth_descriptors(configuration, edges, parameters.describe.smooth)
    np.testing.assert_array_equal(structure["smooth"].to_numpy(), smooth)
    reach = parameters.describe.r_average
    pairs = find_neighbours(wrap(positions, box_length), box_length, reach)
    averaged = average_generations(thermal, pairs, count=1, length=reach)
    np.testing.assert_array_equal(structure["averaged_1"].to_numpy(), averaged[:, 160:].astype(np.float32))
    labels = tables.read(folder / "data" / "labels" / f"{name}.parquet")
    assert labels.columns[2:] == ["p_hop", "cwt_5", "p_hop_ell1", "cwt_5_ell1"]
    coarse = coarse_grain(labels.select("p_hop", "cwt_5").to_numpy(), positions, box_length, [1.0])
    np.testing.assert_array_equal(labels.select("p_hop_ell1", "cwt_5_ell1").to_numpy(), coarse)
    # at rest, the first shell is sharper than in motion
    assert inherent[:, :80].mean(axis=0).max() > 1.1 * thermal[:, :80].mean(axis=0).max()


def predicts_what_the_pipeline_does(folder, tmp_path, capsys, model="network", *options):
    """From the trajectory and the model file alone: node features, edges and network are the pipeline's."""
    path = min((folder / "data" / "predictions" / model).glob("*.parquet"))
    file = folder / "models" / ("network.safetensors" if model == "network" else "baselines.safetensors")
    source = folder / "data" / "trajectories" / f"{path.stem}.h5"
    assert main(["predict", str(file), str(source), str(tmp_path / "out.parquet"), *options]) == 0
    # the one training sample of 200 particles may differ from the liquid by more than the warning takes for chance
    assert all("is not like the samples" in line for line in capsys.readouterr().err.splitlines())
    expected = tables.read(path)["predicted_p_hop"]
    assert expected.std() > 0
    predicted = tables.read(tmp_path / "out.parquet")["predicted_p_hop"]
    np.testing.assert_allclose(predicted, expected, rtol=0, atol=1e-4 * expected.std())  # rounding of float32


def test_the_command_predicts_what_the_pipeline_does(pipeline_run, tmp_path, capsys):
    predicts_what_the_pipeline_does(pipeline_run[0], tmp_path, capsys)


@pytest.mark.parametrize("model", ["radial_ridge", "averaged_ridge", "ridge", "perceptron"])
def test_the_command_predicts_what_the_baselines_do(pipeline_run, tmp_path, capsys, model):
    predicts_what_the_pipeline_does(pipeline_run[0], tmp_path, capsys, model, "--model", model)


@pytest.mark.parametrize(
    "changes",
    [*({"model": {"kind": kind}} for kind in OTHER_KINDS), {"graph": {"nodes": "extended"}}],
    ids=str,
)
def test_other_networks_and_features_go_through_the_pipeline(
    pipeline_run, tmp_path, monkeypatch, capsys, changes
):
    """Training and evaluation on the tables of the pipeline, and the command on what they make."""
    folder, _ = pipeline_run
    shorten(folder / "params.yaml", tmp_path / "params.yaml", changes)
    for name in ("trajectories", "snapshots", "features", "pca", "labels", "isoconfigurational"):
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / name).symlink_to(folder / "data" / name)
    shutil.copytree(folder / "data" / "predictions", tmp_path / "data" / "predictions")
    (tmp_path / "models").mkdir()
    shutil.copy(folder / "models" / "pca.safetensors", tmp_path / "models")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLASSDYN_SCRATCH", str(tmp_path / ".scratch"))
    shutil.rmtree(tmp_path / "data" / "predictions" / "network")
    train.main()
    evaluate.main()
    metrics = json.loads((tmp_path / "metrics" / "evaluate.json").read_text())["test"]
    assert all(-1 < metrics[label]["pearson"] < 1 for label in ("p_hop", "propensity_1"))
    capsys.readouterr()
    predicts_what_the_pipeline_does(tmp_path, tmp_path, capsys)
