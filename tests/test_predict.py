"""The command `glassdyn predict`: what it writes, for a network and for a baseline, and what it refuses."""

import re
import warnings

import MDAnalysis
import numpy as np
import pytest
import torch

from foreign_files import WRITERS, moving_liquid, write_dump
from glassdyn.baselines import baselines_file
from glassdyn.baselines.features import inputs_from_configuration
from glassdyn.baselines.fit import Baselines, FeatureScale
from glassdyn.baselines.predict_samples import predict_samples
from glassdyn.cli import main
from glassdyn.features.describe import compute_descriptors, spec_from_metadata
from glassdyn.learning import model_file
from glassdyn.learning.graphs import Normalisation, Scaling
from glassdyn.learning.labelled_graphs import TableFolders
from glassdyn.learning.linear import Linear
from glassdyn.learning.model_file import TrainedModel
from glassdyn.learning.models import Sizes, build
from glassdyn.liquid.box import wrap
from glassdyn.liquid.configuration import Configuration
from glassdyn.prediction import extended_xyz, predict
from glassdyn.prediction.extended_xyz import XyzFrame
from glassdyn.prediction.predictors import load_predictor
from glassdyn.storage import tables
from glassdyn.storage.predictions import read_predictions
from glassdyn.storage.tensor_file import read_arrays, write_arrays
from glassdyn.storage.trajectory_writer import TrajectoryWriter
from liquids import STRUCTURE, liquid
from short_pipeline import section


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """An untrained network's file, and the configuration whose normalisation it has."""
    configuration = liquid(3, particles=1000)
    model = section("model", kind="graph_network", n_rec=1, shared=False, hidden=(8, 8))
    graph = section("graph", r_threshold=1.5, edges="distance", self_edges=False, nodes="full")
    sizes = Sizes(161, 1, 1, 1.5)
    neutral = (Scaling(torch.zeros(n), torch.ones(n)) for n in (161, 1, 1))
    torch.manual_seed(1)
    network = TrainedModel(
        (build(model, sizes),),
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
    return path, configuration


@pytest.fixture(scope="module")
def baselines(trained, tmp_path_factory):
    """A file of baselines with random weights, and the perceptron's in the place of a network's."""
    perceptron = model_file.load(trained[0])
    generator = np.random.default_rng(4)

    def draw_linear(features):
        return Linear(0.01 * generator.normal(size=(features, 1)), generator.normal(size=1))

    widths = {"constant": 161, "radial_ridge": 161, "averaged_ridge": 3 * 161, "ridge": 161}
    models = {name: draw_linear(width) for name, width in widths.items()}
    path = tmp_path_factory.mktemp("baselines") / "baselines.safetensors"
    scale = FeatureScale(np.zeros(161), np.full(161, 1e3))
    baselines_file.save(path, Baselines(models, scale, perceptron))
    return path


def run(*words):
    return main(["predict", *map(str, words)])


def write_xyz(path, *configurations):
    frames = enumerate(configurations)
    extended_xyz.write(path, (XyzFrame(frame, configuration, {}) for frame, configuration in frames))


def predicted(path, configuration, model=None):
    return load_predictor(path, model).predict(configuration).labels["p_hop"]


def test_a_model_that_does_not_say_what_its_features_are_is_refused(trained, tmp_path, capsys):
    path, configuration = trained
    write_xyz(tmp_path / "in.xyz", configuration)
    foreign = model_file.load(path)
    del foreign.structure["extras"]
    model_file.save(tmp_path / "foreign", foreign)
    assert run(tmp_path / "foreign", tmp_path / "in.xyz", tmp_path / "out.xyz") == 1
    assert "says how its node features are computed" in capsys.readouterr().err
    assert not (tmp_path / "out.xyz").exists()


@pytest.mark.parametrize("model", ["constant", "radial_ridge", "averaged_ridge", "ridge", "perceptron"])
def test_a_baseline_predicts_for_a_configuration_what_it_predicts_for_the_tables_of_it(
    trained, baselines, tmp_path, capsys, model
):
    configuration, loaded = trained[1], baselines_file.load(baselines)
    columns = {"particle": np.arange(1000), "type": configuration.species}
    columns |= dict(zip("xyz", configuration.positions.T, strict=True))
    columns |= compute_descriptors(configuration, spec_from_metadata(loaded.perceptron.structure))
    folders = TableFolders(features=tmp_path / "features")
    metadata = loaded.perceptron.structure | {"box_length": configuration.box_length}
    tables.write(
        folders.features / "copy00-sample00.parquet", tables.features_schema(80), [columns], metadata
    )
    predict_samples(tmp_path, loaded, ["copy00-sample00"], folders=folders, selected_on="validation", fold=0)
    write_xyz(tmp_path / "in.xyz", configuration)
    assert run(baselines, tmp_path / "in.xyz", tmp_path / "out.parquet", "--model", model) == 0
    assert "predicted_p_hop of 1000 particles, 1 frames" in capsys.readouterr().out
    of_tables = read_predictions(tmp_path, "copy00-sample00", model).predictions["p_hop"]
    of_command = tables.read(tmp_path / "out.parquet")["predicted_p_hop"]
    np.testing.assert_allclose(of_command, of_tables, atol=1e-5)
    assert tables.read_parameters(tmp_path / "out.parquet")["labels"] == {"p_hop": {"p_c": 0.2}}


def test_which_baseline_is_asked_for_and_not_asked_for_a_network(trained, baselines, tmp_path, capsys):
    write_xyz(tmp_path / "in.xyz", trained[1])
    for words in ([], ["--model", "network"]):
        assert run(baselines, tmp_path / "in.xyz", tmp_path / "out.xyz", *words) == 1
        assert (
            "choose one of constant, radial_ridge, averaged_ridge, ridge, perceptron"
            in capsys.readouterr().err
        )
    assert run(trained[0], tmp_path / "in.xyz", tmp_path / "out.xyz", "--model", "ridge") == 1
    assert "holds one model" in capsys.readouterr().err
    assert not (tmp_path / "out.xyz").exists()


def test_a_file_of_an_older_version_is_refused(trained, tmp_path, capsys):
    description, arrays = read_arrays(trained[0], model_file.FORMAT)
    write_arrays(tmp_path / "older", {"format": "glassdyn network 4", **description}, arrays)
    write_xyz(tmp_path / "in.xyz", trained[1])
    assert run(tmp_path / "older", tmp_path / "in.xyz", tmp_path / "out.xyz") == 1
    assert "is no file of this version" in capsys.readouterr().err


def test_predict_writes_one_column_per_label_beside_the_positions(trained, tmp_path, capsys):
    path, configuration = trained
    write_xyz(tmp_path / "in.xyz", configuration)
    for name in ("out.parquet", "out.xyz"):
        assert run(path, tmp_path / "in.xyz", tmp_path / name) == 0
    table = tables.read(tmp_path / "out.parquet")
    assert tables.read_parameters(tmp_path / "out.parquet")["labels"] == {"p_hop": {"p_c": 0.2}}
    assert table.columns == ["frame", "particle", "type", "x", "y", "z", "predicted_p_hop"]
    np.testing.assert_allclose(table.select("x", "y", "z").to_numpy(), configuration.positions, atol=1e-7)
    np.testing.assert_array_equal(table["type"], configuration.species)
    (reread,) = predict.read(tmp_path / "in.xyz")
    np.testing.assert_array_equal(table["predicted_p_hop"], predicted(path, reread.configuration))
    assert table["predicted_p_hop"].std() > 0
    lines = (tmp_path / "out.xyz").read_text().splitlines()
    assert "Properties=species:S:1:pos:R:3:predicted_p_hop:R:1" in lines[1]
    written = [float(line.split()[-1]) for line in lines[2:]]
    np.testing.assert_allclose(written, table["predicted_p_hop"], rtol=1e-8)
    output = capsys.readouterr()
    assert "predicted_p_hop of 1000 particles, 1 frames" in output.out
    assert output.err == ""


@pytest.fixture(scope="module")
def moving(trained, tmp_path_factory):
    """Three frames of a trajectory, as H5MD and as XYZ, and the configurations in them."""
    _, configuration = trained
    folder = tmp_path_factory.mktemp("moving")
    shifts = np.random.default_rng(0).normal(scale=0.05, size=(3, *configuration.positions.shape))
    moved = [configuration._replace(positions=configuration.positions + shift) for shift in shifts]
    write_xyz(folder / "t.xyz", *moved)
    about = {"species": configuration.species, "box_length": configuration.box_length, "timestep": 0.005}
    with TrajectoryWriter(folder / "t.h5", **about) as recorder:
        for step, configuration in enumerate(moved):
            recorder.append(step, configuration.positions)
    return folder, [frame.configuration for frame in predict.read(folder / "t.h5", "all")]


@pytest.mark.parametrize("name", ["t.h5", "t.xyz"])
def test_predict_takes_the_middle_frame_or_those_that_are_asked_for(trained, moving, tmp_path, name):
    path, (folder, configurations) = trained[0], moving
    for words, frames in (([], [1]), (["--frame", 2], [2]), (["--frame", "all"], [0, 1, 2])):
        assert run(path, folder / name, tmp_path / "out.parquet", *words) == 0
        table = tables.read(tmp_path / "out.parquet")
        assert table["frame"].to_list() == np.repeat(frames, 1000).tolist()
        wanted = [predicted(path, configurations[frame]) for frame in frames]
        np.testing.assert_allclose(table["predicted_p_hop"], np.concatenate(wanted), atol=1e-5)


def test_predictions_of_all_frames_are_frames_of_an_xyz_file(trained, moving, tmp_path):
    folder, configurations = moving
    assert run(trained[0], folder / "t.h5", tmp_path / "out.xyz", "--frame", "all") == 0
    again = list(predict.read(tmp_path / "out.xyz", "all"))
    assert [frame.number for frame in again] == [0, 1, 2]
    for (_, _, reread, *_), configuration in zip(again, configurations, strict=True):
        wrapped = wrap(configuration.positions, configuration.box_length)
        np.testing.assert_allclose(reread.positions, wrapped, rtol=1e-8)
        np.testing.assert_array_equal(reread.species, configuration.species)
        assert reread.box_length == configuration.box_length


CUBE = 'Lattice="9 0 0 0 9 0 0 0 9"'
COLUMNS = "Properties=species:S:1:pos:R:3"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.pdb", "HEADER", "configurations are read from H5MD, XYZ"),
        ("a.xyz", "", "is empty"),
        ("a.xyz", "x\n", "begins with its number of particles"),
        ("a.xyz", f"2\n{COLUMNS}\nA 0 0 0\nB 1 1 1\n", "as in --box"),
        ("a.xyz", f'1\nLattice="9 0 0 0 9 0 0 0 8" {COLUMNS}\nA 0 0 0\n', "the box is a periodic cube"),
        ("a.xyz", f'1\n{CUBE} pbc="T T F" {COLUMNS}\nA 0 0 0\n', "the box is a periodic cube"),
        ("a.xyz", f"1\n{CUBE}\nA 0 0 0\n", "names its columns"),
        ("a.xyz", f"1\n{CUBE} Properties=id:I:1:pos:R:3\n1 0 0 0\n", "a column species or type or element"),
        ("a.xyz", f"2\n{CUBE} {COLUMNS}\nA 0 0 0\n", "every particle has a line"),
        ("a.xyz", f"1\n{CUBE} {COLUMNS}\nA 0 0\n", "every particle has the columns"),
        ("a.xyz", f"1\n{CUBE} {COLUMNS}\nC 0 0 0\n", "--species 1=A,2=B"),
        ("a.xyz", f"1\n{CUBE} {COLUMNS}\nA 0 0 0\n", "the box"),
        ("a.h5", "text", "is truncated, damaged or no HDF5 file"),
    ],
)  # fmt: skip
def test_predict_refuses_what_is_no_configuration(trained, tmp_path, capsys, name, text, reason):
    (tmp_path / name).write_text(text)
    assert run(trained[0], tmp_path / name, tmp_path / "out.parquet") == 1
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "out.parquet").exists()


def test_predict_refuses_a_frame_that_is_not_there_and_other_names(trained, moving, tmp_path, capsys):
    folder, _ = moving
    assert run(trained[0], folder / "t.xyz", tmp_path / "o.xyz", "--frame", 3) == 1
    assert "has frames 0 to 2: got 3" in capsys.readouterr().err
    assert run(trained[0], folder / "t.h5", tmp_path / "o.xyz", "--species", "1=A,2=B") == 1
    assert "species are named 1 and 2: got ['0']" in capsys.readouterr().err
    for words in (["--species", "1=C"], ["--frame", "last"], ["--box", "-1"], ["--keys", "a=b"]):
        with pytest.raises(SystemExit):
            run(trained[0], folder / "t.xyz", tmp_path / "o.xyz", *words)


def test_predict_refuses_a_foreign_model(trained, tmp_path, capsys):
    write_xyz(tmp_path / "in.xyz", trained[1])
    (tmp_path / "foreign").write_text("no model")
    assert run(tmp_path / "foreign", tmp_path / "in.xyz", tmp_path / "o.xyz") == 1
    assert "is not a readable safetensors file" in capsys.readouterr().err


def test_predict_leaves_its_input_as_it_is(trained, tmp_path, capsys):
    write_xyz(tmp_path / "in.xyz", trained[1])
    (tmp_path / "link.xyz").symlink_to("in.xyz")
    data = (tmp_path / "in.xyz").read_bytes()
    for name in ("in.xyz", "link.xyz"):
        assert run(trained[0], tmp_path / "in.xyz", tmp_path / name) == 1
        assert "the output is another file than the input" in capsys.readouterr().err
    assert (tmp_path / "in.xyz").read_bytes() == data


@pytest.mark.parametrize("name", WRITERS)
def test_predictions_are_those_of_the_particles_in_every_format(trained, tmp_path, name):
    """Joined by id: rows in any order, other origins, wrapped or not, compressed or not."""
    moving, (write, options) = moving_liquid(particles=1000), WRITERS[name]
    write(tmp_path / name, moving)
    names = ",".join(f"{key}={'AB'[kind]}" for key, kind in options.get("species", {}).items())
    words = ["--species", names] if names else []
    assert run(trained[0], tmp_path / name, tmp_path / "out.parquet", *words) == 0
    table = tables.read(tmp_path / "out.parquet")
    wanted = predicted(trained[0], Configuration(moving.positions[1], moving.species, moving.box_length))
    np.testing.assert_allclose(table["predicted_p_hop"], wanted, atol=1e-6)
    if "id" in table.columns:
        np.testing.assert_array_equal(table["id"], moving.ids)


def test_ids_are_written_back(trained, tmp_path):
    moving = moving_liquid(particles=1000)
    write_dump(tmp_path / "in.dump", moving)
    for name in ("out.parquet", "out.xyz"):
        assert run(trained[0], tmp_path / "in.dump", tmp_path / name, "--species", "1=A,2=B") == 0
    table = tables.read(tmp_path / "out.parquet")
    assert table.columns == ["frame", "particle", "id", "type", "x", "y", "z", "predicted_p_hop"]
    assert "species:S:1:pos:R:3:id:I:1:predicted_p_hop:R:1" in (tmp_path / "out.xyz").read_text()
    (frame,) = predict.read(tmp_path / "out.xyz")
    np.testing.assert_array_equal(frame.ids, moving.ids)
    np.testing.assert_allclose(frame.configuration.positions, moving.wrapped[1], rtol=1e-8)


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
         "{row} {x} {y} {z} {number}", ["--species", "1=A,2=B"]),
        ('Time=3.5 Lattice = "{L} 0 0 0 {L} 0 0 0 {L}" Properties=element:S:1:pos:R:3:charge:R:1',
         "{element} {x} {y} {z} 0.5", ["--species", "Ni=A,P=B"]),
    ],
)  # fmt: skip
def test_predict_reads_files_of_other_programs(trained, tmp_path, comment, row, words):
    path, configuration = trained
    lines = [f"{len(configuration.positions)}", comment.format(L=configuration.box_length)]
    for kind, (x, y, z) in zip(configuration.species, configuration.positions.tolist(), strict=True):
        names = {"name": "AB"[kind], "number": kind + 1, "element": ["Ni", "P"][kind]}
        lines.append(row.format(x=x, y=y, z=z, row=len(lines), **names))
    (tmp_path / "in.xyz").write_text("\n".join(lines) + "\n\n")
    assert run(path, tmp_path / "in.xyz", tmp_path / "out.parquet", *words) == 0
    column = tables.read(tmp_path / "out.parquet")["predicted_p_hop"]
    np.testing.assert_allclose(column, predicted(path, configuration), atol=1e-6)


def write_with_statistics(trained, baselines, folder):
    """The network and the baselines, as if they had been trained on the liquid of a configuration."""
    path, configuration = trained
    network, models = model_file.load(path), baselines_file.load(baselines)
    spec = spec_from_metadata(network.structure)
    radial = inputs_from_configuration(configuration, spec, section("graph", nodes="full"), None).columns[
        "radial"
    ]
    spread = radial.std(axis=0)
    scale = FeatureScale(radial.mean(axis=0), np.where(spread > 1e-6, spread, 1.0))
    nodes = Scaling(*(torch.from_numpy(part).float() for part in scale))
    normalisation = network.normalisation._replace(nodes=nodes)
    model_file.save(folder / "network", network._replace(normalisation=normalisation))
    baselines_file.save(folder / "baselines", models._replace(radial=scale))


@pytest.mark.parametrize("words", [["network"], ["baselines", "--model", "ridge"]])
def test_predict_warns_of_another_liquid(trained, baselines, tmp_path, capsys, words):
    write_with_statistics(trained, baselines, tmp_path)
    like = liquid(4, particles=1000)
    denser = liquid(4, particles=1500, density=1.5)
    pure = like._replace(species=np.zeros_like(like.species))
    name, *options = words
    for configuration, warned in ((like, False), (denser, True), (pure, True)):
        write_xyz(tmp_path / "in.xyz", configuration)
        assert run(tmp_path / name, tmp_path / "in.xyz", tmp_path / "out.xyz", *options) == 0
        assert ("warning" in capsys.readouterr().err) == warned


def test_frames_of_one_table_share_a_box(trained, tmp_path, capsys):
    path, configuration = trained
    wider = configuration._replace(box_length=configuration.box_length * 1.1)
    write_xyz(tmp_path / "in.xyz", configuration, wider)
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
        for step, configuration in zip(universe.trajectory, configurations, strict=True):
            np.testing.assert_allclose(
                step.positions, wrap(configuration.positions, configuration.box_length), atol=1e-5
            )
    number = r"-?[0-9.]+(?:e[-+]?[0-9]+)?"
    entry = rf'Lattice="{number}(?: {number}){{8}}"|Properties=\w+:[SIR]:\d+(?::\w+:[SIR]:\d+)*|frame=\d+|pbc="T T T"'
    comment = (tmp_path / "out.xyz").read_text().splitlines()[1]
    assert re.fullmatch(rf"(?:{entry})(?: (?:{entry}))*", comment)
