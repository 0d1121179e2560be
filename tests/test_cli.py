"""The command: its help, its refusals, and what each subcommand writes."""

import shutil

import numpy as np
import pytest
import torch

from glassdyn import params, tables
from glassdyn.cli import main
from glassdyn.learning import model_file, predict
from glassdyn.learning.configuration import Configuration, read, write_xyz
from glassdyn.learning.graphs import Normalisation, Scaling
from glassdyn.learning.model_file import TrainedModel
from glassdyn.learning.models import Sizes, build
from glassdyn.params import Descriptors, Graph, Model
from glassdyn.recorder import Recorder
from liquids import liquid


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert all(f"  {command} " in text for command in ("check", "predict", "scratch"))


def test_a_command_is_needed():
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 2


def test_check_tells_what_the_parameters_amount_to(root, capsys):
    assert main(["check", str(root / "params.yaml")]) == 0
    assert "L = 9.41036 sigma_AA" in capsys.readouterr().out


def test_check_refuses_impossible_parameters_with_the_way_out(root, tmp_path, capsys):
    file = tmp_path / "params.yaml"
    shutil.copy(root / "params.yaml", file)
    file.write_text(file.read_text().replace("r_on: 2.0", "r_on: 2.6"))
    assert main(["check", str(file)]) == 1
    assert "r_on < r_cut: got 2.6 >= 2.5 (params.yaml: potential.r_on)" in capsys.readouterr().err


def test_preset_lists_writes_and_tells_what_has_changed(root, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(root / "params.yaml", tmp_path)
    shutil.copytree(root / "presets", tmp_path / "presets")
    with pytest.raises(SystemExit):
        main(["preset", "--help"])
    assert "published, thesis" in capsys.readouterr().out
    assert main(["preset", "thesis"]) == 0
    assert "liquid.temperature: 0.6 -> 0.43" in capsys.readouterr().out
    assert params.load().liquid.particles == 64000
    assert main(["preset", "thesis"]) == 0
    assert "already" in capsys.readouterr().out
    assert main(["preset", "published"]) == 0
    capsys.readouterr()
    assert main(["check"]) == 0
    assert "984,000,000 steps more, 300 runs" in capsys.readouterr().out
    assert main(["preset", "bapst"]) == 1
    assert "no such preset" in capsys.readouterr().err


def test_check_refuses_a_missing_file(tmp_path, capsys):
    assert main(["check", str(tmp_path / "none.yaml")]) == 1
    assert "none.yaml" in capsys.readouterr().err


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """An untrained network's file, and the configuration whose normalisation it has."""
    positions, species, box_length = liquid(3, particles=1000)
    given = Configuration(positions, species, box_length)
    model = Model("graph_network", n_rec=1, shared=False, hidden=(8, 8))
    graph = Graph(r_threshold=1.5, edges="distance", self_edges=False, nodes="full")
    sizes = Sizes(161, 1, 1, 1.5)
    neutral = (Scaling(torch.zeros(n), torch.ones(n)) for n in (161, 1, 1))
    torch.manual_seed(1)
    network = TrainedModel(
        build(model, sizes),
        model,
        sizes,
        graph,
        Descriptors(0.7, 4.7, 80),
        ("p_hop",),
        Normalisation(*neutral),
    )
    path = tmp_path_factory.mktemp("model") / "network.safetensors"
    model_file.save(path, network)
    return path, given


def test_predict_writes_one_column_per_label_beside_the_positions(trained, tmp_path, capsys):
    path, given = trained
    write_xyz(tmp_path / "in.xyz", given, {})
    for name in ("out.parquet", "out.xyz"):
        assert main(["predict", str(path), str(tmp_path / "in.xyz"), str(tmp_path / name)]) == 0
    table = tables.read(tmp_path / "out.parquet")
    assert table.columns == ["particle", "type", "x", "y", "z", "predicted_p_hop"]
    np.testing.assert_allclose(table.select("x", "y", "z").to_numpy(), given.positions, atol=1e-7)
    np.testing.assert_array_equal(table["type"], given.species)
    expected = predict.predict(model_file.load(path), read(tmp_path / "in.xyz"))["predicted_p_hop"]
    np.testing.assert_array_equal(table["predicted_p_hop"], expected)
    assert np.std(expected) > 0
    header = (tmp_path / "out.xyz").read_text().splitlines()
    assert header[0] == "1000"
    assert "Properties=id:I:1:species:S:1:pos:R:3:predicted_p_hop:R:1" in header[1]
    np.testing.assert_allclose([float(line.split()[-1]) for line in header[2:]], expected, rtol=1e-8)
    assert "predicted_p_hop of 1000 particles" in capsys.readouterr().out


def test_predict_takes_the_middle_frame_of_a_trajectory_unless_told(trained, tmp_path):
    path, given = trained
    shifts = np.random.default_rng(0).normal(scale=0.05, size=(3, *given.positions.shape))
    with Recorder(
        tmp_path / "t.h5", species=given.species, box_length=given.box_length, timestep=0.005
    ) as recorder:
        for step, shift in enumerate(shifts):
            recorder.append(step, given.positions + shift)
    answers = {}
    for frame in (None, 1, 2):
        words = ["predict", str(path), str(tmp_path / "t.h5"), str(tmp_path / "out.parquet")]
        assert main(words + (["--frame", str(frame)] if frame is not None else [])) == 0
        answers[frame] = tables.read(tmp_path / "out.parquet")["predicted_p_hop"].to_numpy()
    np.testing.assert_array_equal(answers[None], answers[1])
    assert not np.array_equal(answers[1], answers[2])


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.pdb", "", "is read from .h5 (H5MD) or .xyz"),
        ("a.xyz", "2\nProperties=species:S:1:pos:R:3\nA 0 0 0\nB 1 1 1\n", "the box is a cube"),
        ("a.xyz", '1\nLattice="9 0 0 0 9 0 0 0 9"\nA 0 0 0\n', "names its columns"),
        ("a.xyz", '2\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3\nA 0 0 0\n', "every particle"),
        ("a.xyz", '1\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3\nC 0 0 0\n', "named A and B: got ['C']"),
        ("a.xyz", '1\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3\nA 0 0 0\n', "the box"),
        ("a.h5", "text", "a trajectory is an HDF5 file"),
    ],
)  # fmt: skip
def test_predict_refuses_what_is_no_configuration(trained, tmp_path, capsys, name, text, reason):
    (tmp_path / name).write_text(text)
    assert main(["predict", str(trained[0]), str(tmp_path / name), str(tmp_path / "out.parquet")]) == 1
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "out.parquet").exists()


def test_predict_refuses_a_foreign_model_and_another_kind_of_output(trained, tmp_path, capsys):
    path, given = trained
    write_xyz(tmp_path / "in.xyz", given, {})
    (tmp_path / "foreign").write_text("no model")
    assert (
        main(["predict", str(tmp_path / "foreign"), str(tmp_path / "in.xyz"), str(tmp_path / "o.xyz")]) == 1
    )
    assert "is not a readable safetensors file" in capsys.readouterr().err
    assert main(["predict", str(path), str(tmp_path / "in.xyz"), str(tmp_path / "o.csv")]) == 1
    assert "written to .parquet or .xyz" in capsys.readouterr().err


def test_an_xyz_file_gives_the_configuration_back(trained, tmp_path):
    _, given = trained
    write_xyz(tmp_path / "in.xyz", given, {"predicted_p_hop": np.arange(1000.0)})
    reread = read(tmp_path / "in.xyz")
    np.testing.assert_allclose(reread.positions, given.positions, rtol=1e-8)
    assert reread.box_length == given.box_length
