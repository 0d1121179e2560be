"""The command: its help, its refusals, and what each subcommand writes."""

import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from dataclasses import asdict

import MDAnalysis
import numpy as np
import pytest
import torch

from glassdyn import params
from glassdyn.cli import main
from glassdyn.learning import model_file
from glassdyn.learning.graphs import Normalisation, Scaling
from glassdyn.learning.model_file import TrainedModel
from glassdyn.learning.models import Sizes, build
from glassdyn.liquid.box import wrap
from glassdyn.liquid.configuration import Configuration
from glassdyn.params import Graph
from glassdyn.prediction import extended_xyz, predict
from glassdyn.prediction.extended_xyz import XyzFrame
from glassdyn.storage import tables
from glassdyn.storage.trajectory_writer import TrajectoryWriter
from liquids import STRUCTURE, liquid
from short_pipeline import section


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert all(f"  {command} " in text for command in ("check", "preset", "predict", "scratch"))


def test_a_command_is_needed():
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 2


def test_check_lists_what_the_parameters_amount_to(root, capsys):
    assert main(["check", str(root / "params.yaml")]) == 0
    assert "L = 9.41036 sigma_AA" in capsys.readouterr().out


def test_check_takes_overrides_with_a_file_and_without(root, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    overrides = ["liquid.density=1.1", "isoconfigurational.runs=2"]
    shutil.copy(root / "params.yaml", tmp_path / "others.yaml")
    assert main(["check", "others.yaml", *overrides]) == 0
    text = capsys.readouterr().out
    assert "L = 9.68729 sigma_AA" in text
    assert "mean_p_hop" in text
    shutil.copy(root / "params.yaml", tmp_path)
    assert main(["check", *overrides]) == 0
    assert capsys.readouterr().out == text
    assert main(["check", "liquid.pressure=1"]) == 1
    assert "liquid.pressure does not; there are liquid.particles, " in capsys.readouterr().err


def test_the_command_starts_without_the_libraries_that_take_seconds(root):
    program = "import sys, glassdyn.cli; print(*sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    imported = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"numpy", "numba", "torch", "polars", "matplotlib"} & set(imported)


def test_scratch_lists_what_a_training_was(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("GLASSDYN_SCRATCH", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    sections = {name: asdict(section(name)) for name in ("model", "graph", "loss")}
    for key, arguments in (("a" * 64, sections), ("b" * 64, {"copy": 3}), ("c" * 64, None)):
        (tmp_path / "jobs" / key).mkdir(parents=True)
        if arguments:
            facts = {"name": "job", "arguments": arguments}
            (tmp_path / "jobs" / key / "job.json").write_text(json.dumps(facts))
    assert main(["scratch"]) == 0
    rows = {row.split()[3][0]: row for row in capsys.readouterr().out.splitlines()[1:4]}
    assert rows["a"].rstrip().endswith("graph_network, n_rec 2, hidden [8, 8], full features: p_hop")
    assert rows["b"].rstrip().endswith("bbbbbbbbbbbb")
    assert rows["c"].rstrip().endswith("cccccccccccc")
    assert main(["scratch", "--prune"]) == 0
    assert not list((tmp_path / "jobs").iterdir())


def test_check_refuses_impossible_parameters_with_the_way_out(root, tmp_path, capsys):
    file = tmp_path / "params.yaml"
    shutil.copy(root / "params.yaml", file)
    file.write_text(file.read_text().replace("r_on: 2.0", "r_on: 2.6"))
    assert main(["check", str(file)]) == 1
    assert "r_on < r_cut: got 2.6 >= 2.5 (params.yaml: potential.r_on)" in capsys.readouterr().err


def test_preset_writes_and_lists_what_has_changed(root, tmp_path, capsys, monkeypatch):
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
    model = section("model", kind="graph_network", n_rec=1, shared=False, hidden=(8, 8))
    graph = Graph(r_threshold=1.5, edges="distance", self_edges=False, nodes="full")
    sizes = Sizes(161, 1, 1, 1.5)
    neutral = (Scaling(torch.zeros(n), torch.ones(n)) for n in (161, 1, 1))
    torch.manual_seed(1)
    network = TrainedModel(
        build(model, sizes),
        model,
        sizes,
        graph,
        STRUCTURE | {"edges": np.linspace(0.7, 4.7, 81).tolist()},
        ("p_hop",),
        {"p_hop": {"p_c": 0.2}},
        Normalisation(*neutral),
    )
    path = tmp_path_factory.mktemp("model") / "network.safetensors"
    model_file.save(path, network)
    return path, given


def run(*words):
    return main(["predict", *map(str, words)])


def write_xyz(path, *configurations):
    extended_xyz.write(path, (XyzFrame(frame, one, {}) for frame, one in enumerate(configurations)))


def expected(path, configuration):
    loaded = model_file.load(path)
    return predict.predict(loaded, predict.graph_of(loaded, configuration))["predicted_p_hop"]


def test_a_model_that_does_not_tell_its_features_is_refused(trained, tmp_path, capsys):
    path, given = trained
    write_xyz(tmp_path / "in.xyz", given)
    foreign = model_file.load(path)
    del foreign.structure["extras"]
    model_file.save(tmp_path / "foreign", foreign)
    assert run(tmp_path / "foreign", tmp_path / "in.xyz", tmp_path / "out.xyz") == 1
    assert "tells how its node features are computed" in capsys.readouterr().err
    assert not (tmp_path / "out.xyz").exists()


def test_predict_writes_one_column_per_label_beside_the_positions(trained, tmp_path, capsys):
    path, given = trained
    write_xyz(tmp_path / "in.xyz", given)
    for name in ("out.parquet", "out.xyz"):
        assert run(path, tmp_path / "in.xyz", tmp_path / name) == 0
    table = tables.read(tmp_path / "out.parquet")
    assert tables.read_parameters(tmp_path / "out.parquet")["labels"] == {"p_hop": {"p_c": 0.2}}
    assert table.columns == ["frame", "particle", "type", "x", "y", "z", "predicted_p_hop"]
    np.testing.assert_allclose(table.select("x", "y", "z").to_numpy(), given.positions, atol=1e-7)
    np.testing.assert_array_equal(table["type"], given.species)
    ((_, reread),) = predict.read(tmp_path / "in.xyz")
    np.testing.assert_array_equal(table["predicted_p_hop"], expected(path, reread))
    assert table["predicted_p_hop"].std() > 0
    lines = (tmp_path / "out.xyz").read_text().splitlines()
    assert "Properties=species:S:1:pos:R:3:id:I:1:predicted_p_hop:R:1" in lines[1]
    written = [float(line.split()[-1]) for line in lines[2:]]
    np.testing.assert_allclose(written, table["predicted_p_hop"], rtol=1e-8)
    told = capsys.readouterr()
    assert "predicted_p_hop of 1000 particles, 1 frames" in told.out
    assert told.err == ""


@pytest.fixture(scope="module")
def moving(trained, tmp_path_factory):
    """Three frames of a trajectory, as H5MD and as XYZ, and the configurations in them."""
    _, given = trained
    folder = tmp_path_factory.mktemp("moving")
    shifts = np.random.default_rng(0).normal(scale=0.05, size=(3, *given.positions.shape))
    moved = [given._replace(positions=given.positions + shift) for shift in shifts]
    write_xyz(folder / "t.xyz", *moved)
    about = {"species": given.species, "box_length": given.box_length, "timestep": 0.005}
    with TrajectoryWriter(folder / "t.h5", **about) as recorder:
        for step, configuration in enumerate(moved):
            recorder.append(step, configuration.positions)
    return folder, [found for _, found in predict.read(folder / "t.h5", "all")]


@pytest.mark.parametrize("name", ["t.h5", "t.xyz"])
def test_predict_takes_the_middle_frame_unless_told_which_or_all(trained, moving, tmp_path, name):
    path, (folder, configurations) = trained[0], moving
    for words, frames in (([], [1]), (["--frame", 2], [2]), (["--frame", "all"], [0, 1, 2])):
        assert run(path, folder / name, tmp_path / "out.parquet", *words) == 0
        table = tables.read(tmp_path / "out.parquet")
        assert table["frame"].to_list() == np.repeat(frames, 1000).tolist()
        wanted = [expected(path, configurations[frame]) for frame in frames]
        np.testing.assert_allclose(table["predicted_p_hop"], np.concatenate(wanted), atol=1e-5)


def test_predictions_of_all_frames_are_frames_of_an_xyz_file(trained, moving, tmp_path):
    folder, configurations = moving
    assert run(trained[0], folder / "t.h5", tmp_path / "out.xyz", "--frame", "all") == 0
    again = list(predict.read(tmp_path / "out.xyz", "all"))
    assert [frame for frame, _ in again] == [0, 1, 2]
    for (_, found), given in zip(again, configurations, strict=True):
        wrapped = wrap(given.positions, given.box_length)
        np.testing.assert_allclose(found.positions, wrapped, rtol=1e-8)
        np.testing.assert_array_equal(found.species, given.species)
        assert found.box_length == given.box_length


CUBE = 'Lattice="9 0 0 0 9 0 0 0 9"'
COLUMNS = "Properties=species:S:1:pos:R:3"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.pdb", "", "is read from .h5 (H5MD) or .xyz"),
        ("a.xyz", "", "is empty"),
        ("a.xyz", "x\n", "begins with its number of particles"),
        ("a.xyz", f"2\n{COLUMNS}\nA 0 0 0\nB 1 1 1\n", "the box is a periodic cube"),
        ("a.xyz", f'1\nLattice="9 0 0 0 9 0 0 0 8" {COLUMNS}\nA 0 0 0\n', "the box is a periodic cube"),
        ("a.xyz", f'1\n{CUBE} pbc="T T F" {COLUMNS}\nA 0 0 0\n', "the box is a periodic cube"),
        ("a.xyz", f"1\n{CUBE}\nA 0 0 0\n", "names its columns"),
        ("a.xyz", f"1\n{CUBE} Properties=id:I:1:pos:R:3\n1 0 0 0\n", "a column species or type or element"),
        ("a.xyz", f"2\n{CUBE} {COLUMNS}\nA 0 0 0\n", "every particle has a line"),
        ("a.xyz", f"1\n{CUBE} {COLUMNS}\nA 0 0\n", "every particle has the columns"),
        ("a.xyz", f"1\n{CUBE} {COLUMNS}\nC 0 0 0\n", "--species 1=A,2=B"),
        ("a.xyz", f"1\n{CUBE} {COLUMNS}\nA 0 0 0\n", "the box"),
        ("a.h5", "text", "a trajectory is an HDF5 file"),
    ],
)  # fmt: skip
def test_predict_refuses_what_is_no_configuration(trained, tmp_path, capsys, name, text, reason):
    (tmp_path / name).write_text(text)
    assert run(trained[0], tmp_path / name, tmp_path / "out.parquet") == 1
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "out.parquet").exists()


def test_predict_refuses_a_frame_that_is_not_there_and_names_for_a_trajectory(
    trained, moving, tmp_path, capsys
):
    folder, _ = moving
    assert run(trained[0], folder / "t.xyz", tmp_path / "o.xyz", "--frame", 3) == 1
    assert "has frames 0 to 2: got 3" in capsys.readouterr().err
    assert run(trained[0], folder / "t.h5", tmp_path / "o.xyz", "--species", "1=A,2=B") == 1
    assert "needs no --species" in capsys.readouterr().err
    for words in (["--species", "1=C"], ["--frame", "last"]):
        with pytest.raises(SystemExit):
            run(trained[0], folder / "t.xyz", tmp_path / "o.xyz", *words)


def test_predict_refuses_a_foreign_model(trained, tmp_path, capsys):
    write_xyz(tmp_path / "in.xyz", trained[1])
    (tmp_path / "foreign").write_text("no model")
    assert run(tmp_path / "foreign", tmp_path / "in.xyz", tmp_path / "o.xyz") == 1
    assert "is not a readable safetensors file" in capsys.readouterr().err


def test_predict_refuses_an_output_before_it_computes(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(model_file, "load", None)
    assert run(trained[0], tmp_path / "in.xyz", tmp_path / "o.csv") == 1
    assert "written to .parquet or .xyz" in capsys.readouterr().err
    assert run(trained[0], tmp_path / "in.xyz", tmp_path / "none" / "o.xyz") == 1
    assert "folder must exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("comment", "row", "words"),
    [
        ('lattice="{L} 0 0 0 {L} 1e-9 0 0 {L}" properties="Species:S:1:Pos:R:3"', "{name} {x} {y} {z}", []),
        ("Properties=id:I:1:position:R:3:type:I:1 pbc=\"T T T\" Lattice='{L} 0 0 0 {L} 0 0 0 {L}'",
         "1 {x} {y} {z} {number}", ["--species", "1=A,2=B"]),
        ('Time=3.5 Lattice = "{L} 0 0 0 {L} 0 0 0 {L}" Properties=element:S:1:pos:R:3:charge:R:1',
         "{element} {x} {y} {z} 0.5", ["--species", "Ni=A,P=B"]),
    ],
)  # fmt: skip
def test_predict_reads_files_of_other_programs(trained, tmp_path, comment, row, words):
    path, given = trained
    lines = [f"{len(given.positions)}", comment.format(L=given.box_length)]
    for kind, (x, y, z) in zip(given.species, given.positions.tolist(), strict=True):
        lines.append(row.format(x=x, y=y, z=z, name="AB"[kind], number=kind + 1, element=["Ni", "P"][kind]))
    (tmp_path / "in.xyz").write_text("\n".join(lines) + "\n\n")
    assert run(path, tmp_path / "in.xyz", tmp_path / "out.parquet", *words) == 0
    found = tables.read(tmp_path / "out.parquet")["predicted_p_hop"]
    np.testing.assert_allclose(found, expected(path, given), atol=1e-6)


def test_predict_warns_of_another_liquid(trained, tmp_path, capsys):
    path, given = trained
    loaded = model_file.load(path)
    nodes = Scaling(*reversed(torch.std_mean(predict.graph_of(loaded, given).x, dim=0)))
    nodes = nodes._replace(scale=torch.where(nodes.scale > 1e-6, nodes.scale, 1.0))
    model_file.save(tmp_path / "m", loaded._replace(normalisation=loaded.normalisation._replace(nodes=nodes)))
    like = Configuration(*liquid(4, particles=1000))
    denser = Configuration(*liquid(4, particles=1500, density=1.5))
    pure = like._replace(species=np.zeros_like(like.species))
    for configuration, warned in ((like, False), (denser, True), (pure, True)):
        write_xyz(tmp_path / "in.xyz", configuration)
        assert run(tmp_path / "m", tmp_path / "in.xyz", tmp_path / "out.xyz") == 0
        assert ("warning" in capsys.readouterr().err) == warned


def test_frames_of_one_table_share_a_box(trained, tmp_path, capsys):
    path, given = trained
    wider = given._replace(box_length=given.box_length * 1.1)
    write_xyz(tmp_path / "in.xyz", given, wider)
    assert run(path, tmp_path / "in.xyz", tmp_path / "out.parquet", "--frame", "all") == 1
    assert "share a box" in capsys.readouterr().err
    assert run(path, tmp_path / "in.xyz", tmp_path / "out.xyz", "--frame", "all") == 0


def test_xyz_files_are_read_by_others(trained, moving, tmp_path):
    """Species and positions by MDAnalysis, as by any reader of plain XYZ; the comment by its grammar."""
    folder, configurations = moving
    assert run(trained[0], folder / "t.h5", tmp_path / "out.xyz", "--frame", "all") == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        universe = MDAnalysis.Universe(tmp_path / "out.xyz")
        assert len(universe.trajectory) == 3
        assert universe.atoms.names.tolist() == ["AB"[kind] for kind in configurations[0].species]
        for step, given in zip(universe.trajectory, configurations, strict=True):
            np.testing.assert_allclose(step.positions, wrap(given.positions, given.box_length), atol=1e-5)
    number = r"-?[0-9.]+(?:e[-+]?[0-9]+)?"
    entry = rf'Lattice="{number}(?: {number}){{8}}"|Properties=\w+:[SIR]:\d+(?::\w+:[SIR]:\d+)*|frame=\d+|pbc="T T T"'
    comment = (tmp_path / "out.xyz").read_text().splitlines()[1]
    assert re.fullmatch(rf"(?:{entry})(?: (?:{entry}))*", comment)
