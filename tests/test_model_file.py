"""Every damage to a model file is refused with its reason; a kill while it is written leaves the old one."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from glassdyn.features.pca import PrincipalComponents
from glassdyn.learning import model_file
from glassdyn.learning.graphs import fit_normalisation
from glassdyn.learning.model_file import TensorFileError, TrainedModel, load, save
from glassdyn.learning.models import build
from glassdyn.learning.models.sizes import infer_sizes
from glassdyn.storage import tensor_file
from liquids import DISTANCES, NETWORK, STRUCTURE, labelled_graph
from short_pipeline import section


def model(nodes="full", projection=None):
    """An untrained network on five features."""
    graph = labelled_graph(0)
    sizes = infer_sizes(graph, DISTANCES.r_threshold)
    options = section("graph", r_threshold=1.5, edges="distance", self_edges=False, nodes=nodes)
    torch.manual_seed(0)
    return TrainedModel(
        (build(NETWORK, sizes),), NETWORK, sizes, options, STRUCTURE, ("p_hop",),
        {"p_hop": {"p_c": 0.2, "scales": [50]}}, fit_normalisation([graph]), projection,
    )  # fmt: skip


PROJECTION = PrincipalComponents(np.zeros(5), np.eye(5), np.ones(5))


def rewrite(path, change):
    """Save the same tensors under a changed description."""
    with safe_open(path, framework="pt") as file:
        text = file.metadata()["glassdyn"]
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(tensors, path, metadata={"glassdyn": change(text)})


@pytest.mark.parametrize("trained", [model(), model("pca", PROJECTION)])
def test_a_model_comes_back(tmp_path, trained):
    save(tmp_path / "network", trained)
    read = load(tmp_path / "network")
    assert read.labels == trained.labels
    graph = labelled_graph(1)
    assert torch.equal(model_file.predict(read, graph), model_file.predict(trained, graph))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace('"r_threshold": 1.5', '"r_threshold": 1.4'), "is damaged"),
        (lambda text: text.replace("p_hop", "p_hip"), "is damaged"),
        (lambda _: "[1]", "is no file of this version"),
        (lambda _: "null", "is no file of this version"),
        (lambda _: "{", "does not say what it is"),
        (lambda text: json.dumps({"format": json.loads(text)["format"]}), "is damaged"),
    ],
)
def test_an_edited_description_is_refused(tmp_path, change, reason):
    save(tmp_path / "network", model())
    rewrite(tmp_path / "network", change)
    with pytest.raises(TensorFileError, match=reason):
        load(tmp_path / "network")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"graph": section("graph", r_threshold=1.5, edges="distance", self_edges=False, nodes="pca")},
            "must hold principal components",
        ),
        ({"projection": PROJECTION}, "must hold principal components"),
        (
            {"graph": section("graph", r_threshold=1.5, edges="distance", self_edges=False, nodes="type")},
            "node features",
        ),
        (
            {"graph": section("graph", r_threshold=1.5, edges="vector", self_edges=False, nodes="full")},
            "sizes",
        ),
        ({"structure": STRUCTURE | {"edges": [0.7, 1.7, 2.7, 4.7]}}, "node features"),
        ({"structure": STRUCTURE | {"edges": 3}}, "how its node features are computed"),
        ({"structure": {}}, "how its node features are computed"),
        ({"targets": ("p_hop", "cwt_50")}, "targets"),
        ({"labels": {"cwt_50": {}}}, "labels"),
    ],
)
def test_a_model_that_contradicts_itself_is_refused(tmp_path, changes, reason):
    save(tmp_path / "network", model()._replace(**changes))
    with pytest.raises(TensorFileError, match=reason):
        load(tmp_path / "network")


def test_a_model_without_some_of_its_weights_is_refused(tmp_path):
    trained = model()
    trained.networks[0].decode = torch.nn.Identity()
    save(tmp_path / "network", trained)
    with pytest.raises(TensorFileError, match="does not hold all of a model"):
        load(tmp_path / "network")


def test_a_failed_write_leaves_the_old_file_alone(tmp_path, monkeypatch):
    save(tmp_path / "network", model())
    before = (tmp_path / "network").read_bytes()

    def torn(_tensors, path, **_):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(tensor_file, "save_file", torn)
    with pytest.raises(OSError, match="disk full"):
        save(tmp_path / "network", model())
    assert [path.name for path in tmp_path.iterdir()] == ["network"]
    assert (tmp_path / "network").read_bytes() == before
