"""What params.yaml may not say is refused, with the rule, the value and the way out."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from glassdyn import params

ATTENTION = {"kind": "attention", "n_rec": 2, "shared": False, "hidden": [8, 6], "heads": 4}
EQUIVARIANT = {"kind": "equivariant", "n_rec": 2, "shared": True, "hidden": [8, 8], "heads": 4}

REFUSED = {
    "unknown key": ("model.n_recc", 3, "no such parameter: model.n_recc"),
    "unknown section": ("modle", {}, "no such parameter: modle"),
    "string for a number": ("train.lr", "1e-4", "train.lr"),
    "number for a word": ("model.kind", 3, "model.kind"),
    "float for an integer": ("model.n_rec", 3.0, "model.n_rec"),
    "boolean for a number": ("model.n_rec", True, "model.n_rec"),
    "word for a section": ("model", "gat", "model"),
    "not a number": ("liquid.temperature", float("nan"), "liquid.temperature"),
    "negative": ("liquid.temperature", -0.1, "above 0: got -0.1"),
    "edges fall": ("descriptors.edges", [0.7, 1.5, 1.4], "increasing"),
    "one edge": ("descriptors.edges", [0.7], "two at least"),
    "edges beyond the box": ("descriptors.edges", [0.7, 1.5, 4.9], "at least"),
    "not 80:20": ("liquid.particles", 4, "at least 5"),
    "smoothing beyond the cutoff": ("potential.r_on", 2.5, "r_on < r_cut: got 2.5 >= 2.5"),
    "box too small": ("liquid.particles", 995, "at least 1000 particles"),
    "scale too long": ("wavelets.scales", [50, 1000], "the longest that fits is"),
    "scales fall": ("wavelets.scales", [50, 20], "scales increase"),
    "segments too long": ("hops.min_segment", 5000, "two segments"),
    "copy in two parts": ("split.test", [0], "one part only"),
    "copy that does not exist": ("split.test", [99], "got [99]"),
    "empty part": ("split.test", [], "at least one"),
    "alpha beyond 1": ("loss.alpha", 1.5, "alpha lies in [0, 1]"),
    "too many components": ("pca.components", 162, "at most 161"),
    "propensity after the end": ("isoconfigurational.times", [9.0], "0 < time <= duration / 2"),
    "propensity twice": ("isoconfigurational.times", [0.1, 0.1], "distinct"),
    "label that is not made": ("loss.targets", ["cwt_100"], "the labels of this run are p_hop, cwt_50"),
    "mean over runs that are not made": (
        "loss.targets",
        ["mean_p_hop"],
        "the labels of this run are p_hop, cwt_50",
    ),
    "heads that do not share": ("model", ATTENTION, "4 heads"),
    "weights that cannot be shared": ("model", EQUIVARIANT, "cannot share weights"),
    "negative seed": ("train.seed", -1, "must not be negative"),
    "nothing to extend by": ("graph.nodes", "extended", "got smooth 0"),
    "average over the whole box": ("evaluate.lengths", [4.0], "lengths <= L / 4: got [4.0]"),
    "one block": ("evaluate.block_length", 5.0, "block_length <= L / 2"),
    "unknown word": ("simulation.engine", "gromacs", "simulation.engine"),
}


def edited(source: Path, folder: Path, key: str, value: object) -> Path:
    yaml = YAML()
    tree = yaml.load(source / "params.yaml")
    *sections, last = key.split(".")
    branch = tree
    for section in sections:
        branch = branch[section]
    branch[last] = value
    yaml.dump(tree, folder / "params.yaml")
    return folder / "params.yaml"


@pytest.mark.parametrize(("key", "value", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(root, tmp_path, key, value, message):
    with pytest.raises(params.ParamsError, match=re.escape(message)):
        params.load(edited(root, tmp_path, key, value))


def test_a_missing_key_and_a_missing_file_are_refused(root, tmp_path):
    (tmp_path / "params.yaml").write_text("liquid:\n  particles: 1000\n")
    with pytest.raises(params.ParamsError, match=r"liquid\.density is missing"):
        params.load(tmp_path / "params.yaml")
    with pytest.raises(params.ParamsError, match="go to the repository's root"):
        params.load(tmp_path / "nowhere.yaml")
    (tmp_path / "params.yaml").write_text("liquid: [1, 2\n")
    with pytest.raises(params.ParamsError, match="not a readable YAML file"):
        params.load(tmp_path / "params.yaml")


def test_every_broken_rule_is_named_at_once(root, tmp_path):
    edited(root, tmp_path, "train.lr", "fast")
    path = edited(tmp_path, tmp_path, "model.n_rec", "deep")
    with pytest.raises(params.ParamsError) as caught:
        params.load(path)
    assert "train.lr" in str(caught.value)
    assert "model.n_rec" in str(caught.value)


@pytest.mark.parametrize("written", ["1e-5", "1e-05", "1.0e-5", "0.00001"])
def test_a_float_arrives_as_a_number_however_it_is_written(root, tmp_path, written):
    text = (root / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(re.sub(r"\blr: \S+", f"lr: {written}", text))
    assert params.load(tmp_path / "params.yaml").train.lr == 1e-5


def test_every_key_has_a_comment(root):
    """A reader of params.yaml learns what each key is, in which unit, without opening the code."""
    lines = (root / "params.yaml").read_text().splitlines()
    bare = [line for line in lines if re.match(r"\s+\w+:", line) and " # " not in line]
    parts = [f"  {part}:" for part in ("train", "validation", "test")]  # explained at their section
    assert [line for line in bare if line not in parts] == []


def test_intervals_are_even_so_that_a_middle_frame_exists(root):
    simulation = params.load(root / "params.yaml").simulation
    assert all(simulation.intervals(duration) % 2 == 0 for duration in (0.1, 0.33, 1.0, 2.7))


def test_a_stage_tells_what_is_wrong_and_not_where_in_the_code(root, tmp_path):
    edited(root, tmp_path, "potential.r_on", 2.6)
    stage = [sys.executable, "-m", "glassdyn.stages.equilibrate"]
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    done = subprocess.run(stage, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("ParamsError: the smoothing must start before the cutoff")
    assert "Traceback" not in done.stderr
