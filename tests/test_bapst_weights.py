"""The network of Bapst et al. from its checkpoint: it predicts what the slow reference does, or its authors."""

import os
from pathlib import Path

import numpy as np
import pytest

from glassdyn.cli import main
from glassdyn.importing.array_pickle import load_arrays
from glassdyn.importing.bapst_weights import LABEL, PERCEPTRONS, layers_from_tensors, read_network
from glassdyn.importing.source import ImportingError
from glassdyn.importing.tensor_bundle import read_tensors
from glassdyn.learning.graphs import build_graph
from glassdyn.learning.models import Sizes
from glassdyn.learning.models.graph_network import GraphNetwork
from glassdyn.learning.models.weights import layer_shapes
from glassdyn.liquid.configuration import Configuration
from glassdyn.prediction import extended_xyz
from glassdyn.prediction.predictors import load_predictor
from glassdyn.storage import tables
from liquids import liquid
from tensorflow_checkpoints import write_checkpoint
from test_weights import predict_slowly, random_layers

HIDDEN = (16, 16)
ROUNDING = 2e-4
"""Random weights let activations grow a thousandfold in 7 recurrences, and float32 rounds to 1e-7."""


def tensors_of(layers):
    """Layers by the names of the checkpoint, and other tensors that it has."""
    tensors = {"beta1_power": np.float32(0.9).reshape(())}
    for name, arrays in layers.items():
        for number, (weight, bias) in enumerate(arrays):
            prefix = f"Graph/{PERCEPTRONS[name]}/mlp/linear_{number}"
            for part, values in (("w", weight), ("b", bias)):
                tensors[f"{prefix}/{part}"] = values.astype(np.float32)
                tensors[f"{prefix}/{part}/Adam"] = np.zeros_like(values, np.float32)
    return tensors | {"Graph/graph_independent_1/edge_model/mlp/linear_0/w": np.ones((16, 16), np.float32)}


@pytest.fixture(scope="module")
def layers():
    network = GraphNetwork(Sizes(1, 3, 1, reach=2.0), HIDDEN, n_rec=7, shared=True)
    return {
        name: [
            (weight.astype(np.float32).astype(float), bias.astype(np.float32).astype(float))
            for weight, bias in arrays
        ]
        for name, arrays in random_layers(layer_shapes(network)).items()
    }


def test_a_checkpoint_predicts_what_its_network_does(layers, tmp_path, capsys):
    write_checkpoint(tmp_path / "t044.ckpt", tensors_of(layers))
    assert main(["import-weights", str(tmp_path / "t044.ckpt"), str(tmp_path / "bapst.safetensors")]) == 0
    assert f"7 recurrences, predicts {LABEL}" in capsys.readouterr().out
    configuration = liquid(0, particles=200)
    expected = predict_slowly(*configuration, layers, n_rec=7)[:, 0]
    predicted = load_predictor(tmp_path / "bapst.safetensors").predict(configuration)
    np.testing.assert_allclose(
        predicted.labels[LABEL], expected, rtol=0, atol=ROUNDING * np.abs(expected).max()
    )
    assert predicted.distribution_shift < 1e-3
    assert np.ptp(expected) > 0.1 * np.abs(expected).max()


def test_predict_takes_the_model_file(layers, tmp_path, capsys):
    write_checkpoint(tmp_path / "a.ckpt", tensors_of(layers))
    words = [
        str(tmp_path / "a.ckpt.index"),
        str(tmp_path / "m.safetensors"),
        "--label",
        "propensity_1",
        "--recurrences",
        "2",
    ]
    assert main(["import-weights", *words]) == 0
    configuration = liquid(0, particles=200)
    extended_xyz.write(tmp_path / "in.xyz", [extended_xyz.XyzFrame(0, configuration, {})])
    command = [
        "predict",
        str(tmp_path / "m.safetensors"),
        str(tmp_path / "in.xyz"),
        str(tmp_path / "out.parquet"),
    ]
    assert main(command) == 0
    assert capsys.readouterr().err == ""
    expected = predict_slowly(*configuration, layers, n_rec=2)[:, 0]
    column = tables.read(tmp_path / "out.parquet")["predicted_propensity_1"]
    np.testing.assert_allclose(column, expected, rtol=0, atol=ROUNDING * np.abs(expected).max())


def test_tensors_of_another_network_are_refused(layers, tmp_path):
    tensors = tensors_of(layers)
    decoder = "Graph/graph_independent_1/node_model/mlp/linear_0"
    cases = (
        (
            {key: values for key, values in tensors.items() if "node_block" not in key},
            "got none of Graph/graph_network",
        ),
        ({key: values for key, values in tensors.items() if key != f"{decoder}/b"}, "a weight .* and a bias"),
        (tensors | {f"{decoder}/w": np.ones((8, 16), np.float32)}, "decoder has layers of shapes"),
        (tensors | {f"{decoder}/w": np.full((16, 16), np.nan, np.float32)}, "finite numbers"),
        (
            tensors
            | {f"{decoder}/w": np.empty((16, 0), np.float32), f"{decoder}/b": np.empty(0, np.float32)},
            "a weight",
        ),
    )
    for contents, reason in cases:
        write_checkpoint(tmp_path / "a.ckpt", contents)
        with pytest.raises(ImportingError, match=reason):
            read_network(tmp_path / "a.ckpt")


def test_a_network_wider_than_memory_is_refused_before_it_is_built(layers, tmp_path):
    """Encoders of one layer, some W numbers, belong to a block of (6 W, W): here 60 GB."""
    width = 50_000
    tensors = {key: values for key, values in tensors_of(layers).items() if "independent/" not in key}
    for name, inputs in (("node_model", 1), ("edge_model", 3)):
        prefix = f"Graph/graph_independent/{name}/mlp/linear_0"
        tensors |= {
            f"{prefix}/w": np.zeros((inputs, width), np.float32),
            f"{prefix}/b": np.zeros(width, np.float32),
        }
    write_checkpoint(tmp_path / "a.ckpt", tensors)
    with pytest.raises(ImportingError, match="has layers of shapes"):
        read_network(tmp_path / "a.ckpt")


def test_the_command_refuses_outputs_and_recurrences(layers, tmp_path, capsys):
    write_checkpoint(tmp_path / "a.ckpt", tensors_of(layers))
    name = str(tmp_path / "a.ckpt")
    for words, reason in (
        ([name, str(tmp_path / "a.txt")], "is .safetensors"),
        ([name, str(tmp_path / "none/a.safetensors")], "folder that exists"),
        ([name, str(tmp_path / "a.safetensors"), "--recurrences", "101"], "recurs 1 to 100"),
        ([".", str(tmp_path / "a.safetensors")], "No such file"),
        ([str(tmp_path / "b.ckpt"), str(tmp_path / "a.safetensors")], "No such file"),
    ):
        assert main(["import-weights", *words]) == 1
        assert reason in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["import-weights", name, str(tmp_path / "a.safetensors"), "--recurrences", "0"])
    assert "a whole number, at least 1, is needed: got '0'" in capsys.readouterr().err
    assert not (tmp_path / "a.safetensors").exists()


def test_the_published_network():
    """On its authors' sample, from the files of glassy_dynamics in google-deepmind/deepmind-research."""
    folder = Path(os.environ.get("GLASSDYN_GLASSY_DYNAMICS", "none"))
    if not folder.is_dir():
        pytest.skip("needs the folder glassy_dynamics (set GLASSDYN_GLASSY_DYNAMICS)")
    index = folder / "checkpoints/t044_s09.ckpt.index"
    trained = read_network(index)
    assert trained.model.hidden == (64, 64)
    assert layers_from_tensors(read_tensors(index), index)["decoder"][-1][0].shape == (64, 1)
    sample = load_arrays(folder / "testdata/test_large.pickle")
    species = sample["types"].astype(np.uint8)
    configuration = Configuration(sample["positions"], species, float(sample["box"][0]))
    assert build_graph(configuration, species[:, None], trained.graph).num_edges == 171066
    ends = np.array(sample["trajectory_target_positions"][0])
    propensity = np.linalg.norm(ends - sample["positions"], axis=2).mean(axis=0)
    predicted = trained_predictions(trained, configuration)
    is_a = species == 0
    assert np.corrcoef(predicted[is_a], propensity[is_a])[0, 1] == pytest.approx(0.9346, abs=1e-4)


def trained_predictions(trained, configuration):
    from glassdyn.prediction.predictors import NetworkPredictor

    return NetworkPredictor(trained).predict(configuration).labels[LABEL]
