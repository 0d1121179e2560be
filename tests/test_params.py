"""What params.yaml may not say is refused, with the rule, the value and the way out."""

import dataclasses
import difflib
import os
import re
import subprocess
import sys
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from glassdyn import constraints, parameter_files, params
from glassdyn.labels import wavelets
from glassdyn.limits import LIMITS
from glassdyn.params import rules
from short_pipeline import PINNED, default_params, shorten

REFUSED = {
    "unknown key": ({"model.n_recc": 3}, "no such parameter: model.n_recc"),
    "unknown section": ({"modle": {}}, "no such parameter: modle"),
    "string for a number": ({"train.lr": "fast"}, "valid number: got 'fast' (params.yaml: train.lr)"),
    "quoted number": ({"train.lr": "1e-4"}, "params.yaml: train.lr"),
    "number for a word": ({"model.kind": 3}, "params.yaml: model.kind"),
    "float for an integer": ({"model.n_rec": 3.0}, "params.yaml: model.n_rec"),
    "boolean for a number": ({"model.n_rec": True}, "params.yaml: model.n_rec"),
    "word for a section": ({"model": "gat"}, "params.yaml: model"),
    "not a number": ({"liquid.temperature": float("nan")}, "params.yaml: liquid.temperature"),
    "negative": ({"liquid.temperature": -0.1}, "greater than 0: got -0.1 (params.yaml: liquid.temperature)"),
    "negative entry": ({"coarse.lengths": [1.0, -1.0]}, "got -1.0 (params.yaml: coarse.lengths.1)"),
    "interpolation": ({"train.seed": "${simulation.seed}"}, "params.yaml: train.seed); write the number"),
    "interpolation in a list": ({"split.test": ["${model.n_rec}"]}, "params.yaml: split.test.0); write"),
    "edges fall": ({"descriptors.edges": [0.7, 1.5, 1.4]}, "increase: got [0.7, 1.5, 1.4]"),
    "one edge": ({"descriptors.edges": [0.7]}, "two at least"),
    "edges beyond the box": ({"descriptors.edges": [0.7, 1.5, 4.9]}, "take at least"),
    "bins of no width": ({"descriptors.r_min": 4.7}, "r_min < r_max: got 4.7 >= 4.7"),
    "not 80:20": ({"liquid.particles": 4}, "or equal to 5: got 4 (params.yaml: liquid.particles)"),
    "smoothing beyond the cutoff": ({"potential.r_on": 2.5}, "r_on < r_cut: got 2.5 >= 2.5"),
    "coarse spline": ({"potential.spline_points": 100}, "at least 1000: got 100"),
    "box too small": ({"liquid.particles": 995}, "at least 1000 particles"),
    "scale too long": ({"wavelets.scales": [50, 1000]}, "the longest that fits is"),
    "scales fall": ({"wavelets.scales": [50, 20]}, "increase: got [50, 20] (params.yaml: wavelets.scales)"),
    "no scales": ({"wavelets.scales": []}, "at least 1 item"),
    "segments too long": ({"hops.min_segment": 5000}, "two segments"),
    "segment of one frame": ({"hops.min_segment": 1}, "or equal to 2: got 1"),
    "copy in two parts": ({"split.test": [0]}, "one part only"),
    "copy that does not exist": ({"split.test": [99]}, "got [99]"),
    "copy twice": ({"split.test": [4, 4]}, "distinct: got [4, 4] (params.yaml: split.test)"),
    "empty part": ({"split.test": []}, "at least 1 item"),
    "alpha beyond 1": ({"loss.alpha": 1.5}, "less than or equal to 1: got 1.5 (params.yaml: loss.alpha)"),
    "certain confidence": ({"evaluate.confidence": 1.0}, "less than 1: got 1.0"),
    "too many components": ({"pca.components": 162}, "at most 161"),
    "one run": ({"isoconfigurational.runs": 1}, "at least 2 to compare: got 1"),
    "propensity after the end": ({"isoconfigurational.times": [9.0]}, "0 < time <= duration / 2"),
    "propensity twice": ({"isoconfigurational.times": [0.1, 0.1]}, "distinct"),
    "label that is not made": ({"loss.targets": ["cwt_100"]}, "the labels of this run are p_hop, cwt_50"),
    "mean over runs that are not made": ({"loss.targets": ["mean_p_hop"]}, "labels of this run are p_hop, cwt_50"),
    "mean for some samples": (
        {"loss.targets": ["mean_p_hop"], "isoconfigurational.runs": 2},
        "samples_per_copy >= simulation.samples: got 1 < 3",
    ),
    "heads that do not share": ({"model.kind": "attention", "model.hidden": [8, 6]}, "4 heads"),
    "heads of another number": ({"model.kind": "attention", "model.heads": 3}, "3 heads"),
    "weights that cannot be shared": ({"model.kind": "equivariant", "model.shared": True}, "cannot share weights"),
    "ridge under a ridge": ({"model.kind": "ridge", "model.linear": True}, "got kind ridge; set it to false"),
    "seeds of what has none": ({"model.kind": "boosting", "train.seeds": 2}, "got 2 for kind boosting"),
    "copies tested twice": ({"evaluate.folds": 6}, "got 6 x 1 > 5; at most 5 (params.yaml: evaluate.folds)"),
    "components of another fold": ({"evaluate.folds": 2, "graph.nodes": "pca"}, "got 2 folds"),
    "negative seed": ({"train.seed": -1}, "or equal to 0: got -1 (params.yaml: train.seed)"),
    "nothing to extend by": ({"graph.nodes": "extended", "describe.fields": []}, "got smooth 0"),
    "an unknown field": ({"describe.fields": ["hardness"]}, "describe.fields.0"),
    "no fields to average": ({"graph.nodes": "local", "describe.fields": []}, "got describe.fields []"),
    "no shells": ({"graph.nodes": "shells"}, "describe.shells 0.0"),
    "shells beyond their radius": ({"describe.shells": 0.2}, "shell_width <= shells"),
    "shells beyond the box": ({"describe.shells": 4.8}, "take at least 1065 particles"),
    "no minimum": ({"graph.positions": "inherent", "describe.fields": ["energy"]}, "got describe.inherent false"),
    "turned distances": ({"train.augment": True}, "got graph.edges distance"),
    "average over the whole box": ({"evaluate.lengths": [4.0]}, "lengths <= L / 4: got [4.0]"),
    "one block": ({"evaluate.block_length": 5.0}, "block_length <= L / 2"),
    "a million copies": ({"simulation.copies": 10**6}, "between 0 and 1000: got 1000000; each is a run of its own"),
    "spline of gigabytes": ({"potential.spline_points": 10**9}, "params.yaml: potential.spline_points"),
    "histogram of gigabytes": ({"loss.bins": 10**9}, "params.yaml: loss.bins"),
    "resamples without end": ({"evaluate.resamples": 10**9}, "params.yaml: evaluate.resamples"),
    "a thousand blocks": ({"model.n_rec": 1000}, "between 0 and 100: got 1000"),
    "blocks beyond 64 bits": ({"model.n_rec": 2**64}, "params.yaml: model.n_rec"),
    "a width of gigabytes": ({"model.hidden": [8, 100000]}, "got 100000"),
    "a batch of a million": ({"train.batch": 10**6}, "params.yaml: train.batch"),
    "a duration without end": ({"equilibrate.equilibrate": 1e300}, "got 1e+300"),
    "too hot": ({"liquid.temperature": 100.0}, "got 100.0"),
    "smoothing without room": ({"potential.r_on": 2.4999}, "r_on <= 0.99 r_cut: got 2.4999"),
    "unstable timestep": ({"simulation.timestep": 0.05}, "do not conserve the energy"),
    "a thermostat too fast": ({"simulation.thermostat_time": 1e-6}, "thermostat_time >= 10 timesteps = 0.05: got 1e-06"),
    "a phase of no step": ({"equilibrate.melt": 1e-5}, "at least one step: got 0.028 steps"),
    "half a phase of no step": ({"equilibrate.equilibrate": 5e-4}, "(params.yaml: equilibrate.equilibrate)"),
    "a seed beyond 64 bits": ({"simulation.seed": 2**64}, "integers have 64 bits"),
    "a seed beyond 32 bits": ({"train.seed": 2**32}, "generators of other libraries take 32 bits"),
    "lengths of one name": ({"coarse.lengths": [1.0, 1.0000001]}, "six digits"),
    "times of one name": ({"isoconfigurational.times": [0.1, 0.10000001]}, "six digits"),
    "steps too long to learn": ({"train.lr": 1.0}, "between 0 and 0.1: got 1.0"),
    "averages over more than any box": ({"coarse.lengths": [1e6]}, "no box is longer"),
    "labels that are all alike": ({"coarse.lengths": [1.0, 5.0]}, "ell <= L / 2: got [5.0] in L = 9.410"),
    "unknown word": ({"simulation.engine": "gromacs"}, "params.yaml: simulation.engine"),
}  # fmt: skip


def edited(source: Path, folder: Path, changes: dict) -> Path:
    """The parameters with the pinned values and these changes."""
    yaml = YAML()
    shorten(source / "params.yaml", folder / "params.yaml", PINNED)
    tree = yaml.load(folder / "params.yaml")
    for key, value in changes.items():
        *sections, last = key.split(".")
        branch = tree
        for section in sections:
            branch = branch[section]
        branch[last] = value
    yaml.dump(tree, folder / "params.yaml")
    return folder / "params.yaml"


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(root, tmp_path, monkeypatch, changes, message):
    edited(root, tmp_path, changes)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(params.ParamsError, match=re.escape(message)):
        params.load()


def test_a_missing_key_and_a_missing_file_are_refused(tmp_path):
    (tmp_path / "params.yaml").write_text("liquid:\n  particles: 1000\n")
    with pytest.raises(params.ParamsError, match=r"liquid\.density is missing"):
        params.load(tmp_path / "params.yaml")
    with pytest.raises(params.ParamsError, match="go to the repository's root"):
        params.load(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("text", ["liquid: [1, 2\n", "- 1\n", "liquid: {}\nliquid: {}\n", "a: ${b\n", "3\n"])
def test_what_is_no_file_of_parameters_is_refused(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(params.ParamsError, match=r"not a readable YAML file|sections of keys"):
        params.load(tmp_path / "params.yaml")


def test_every_broken_rule_is_named_at_once(root, tmp_path):
    path = edited(root, tmp_path, {"train.lr": "fast", "model.n_rec": "deep"})
    with pytest.raises(params.ParamsError, match=r"(?s)model\.n_rec.*train\.lr"):
        params.load(path)


@pytest.mark.parametrize("written", ["1e-5", "1e-05", "1.0e-5", "0.00001"])
def test_a_float_arrives_as_a_number_however_it_is_written(root, tmp_path, written):
    text = (root / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(re.sub(r"\blr: \S+", f"lr: {written}", text))
    assert params.load(tmp_path / "params.yaml").train.lr == 1e-5
    assert params.load(root / "params.yaml", [f"train.lr={written}"]).train.lr == 1e-5


def test_overrides_take_the_place_of_what_stands_in_the_file(root, tmp_path):
    changes = {"model.hidden": [16, 8], "liquid.temperature": 0.5, "graph.nodes": "pca"}
    written = [f"{key}={value}" for key, value in changes.items()]
    changed = params.load(edited(root, tmp_path, changes))
    assert params.load(edited(root, tmp_path, {}), written) == changed


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.n_recc=3", "model.n_recc does not; there are model.kind, model.n_rec, "),
        ("modle.n_rec=3", "modle does not; there are liquid, potential, "),
        ("model.hidden.0=16", "a list as a whole: got model.hidden"),
        ("model=3", "key by key"),
        ("model.n_rec", "an override is KEY=VALUE, such as model.n_rec=3: got 'model.n_rec'"),
        ("model.hidden=[8", "written as in YAML"),
        ("train.seed=${simulation.seed}", "an override: train.seed); write the number"),
        ("model.n_rec=three", "valid integer: got 'three'"),
        ("model.n_rec=", "valid integer: got None"),
    ],
)
def test_overrides_that_are_refused(root, override, message):
    with pytest.raises(params.ParamsError, match=re.escape(message)):
        params.load(root / "params.yaml", [override])


def test_labels_are_those_of_all_label_sections(root, tmp_path):
    overrides = ["wavelets.scales=[20,50]", "coarse.lengths=[2.0]", "isoconfigurational.runs=2"]
    parameters = params.load(edited(root, tmp_path, {}), overrides)
    single = [*parameters.hops.labels, *parameters.wavelets.labels]
    assert single == ["p_hop", "cwt_20", "cwt_50"]
    means = [f"mean_{label}" for label in single]
    coarse = [f"{label}_ell2" for label in single]
    assert parameters.labels == [*single, *coarse, *means, "propensity_0.1", "propensity_1"]


def test_the_check_of_the_window_knows_what_a_wavelet_needs():
    assert rules.WAVELET_SIDE == wavelets.SIDE


def test_every_key_has_a_comment(root):
    """A reader of params.yaml learns what each key is, in which unit, without opening the code."""
    lines = (root / "params.yaml").read_text().splitlines()
    bare = [
        line
        for above, line in pairwise(lines)
        if re.match(r"  \w+:", line) and " # " not in line and not above.startswith("  # ")
    ]
    assert bare == ["  train:", "  validation:", "  test:"]  # explained at their section


@pytest.mark.parametrize("key", ["model.n_rec", "split.train", "coarse.lengths", "isoconfigurational.times"])
def test_dvc_changes_the_lines_of_one_value_and_no_others(root, tmp_path, key):
    """`dvc exp run -S` writes the whole file anew: the committed one is in its layout."""
    before = (root / "params.yaml").read_text()
    path = tmp_path / "params.yaml"
    path.write_text(before)
    section, name = key.split(".")
    old = getattr(getattr(default_params(), section), name)
    old, new = (list(old), [*old, 2]) if isinstance(old, tuple) else (old, old + 1)
    apply_overrides(path, [f"{key}={new}"])
    changed = difflib.ndiff(before.splitlines(), path.read_text().splitlines())
    added = [line for line in changed if line.startswith("+ ")]
    assert len(added) == (1 if old else 2)  # one entry more, and where there was none its key without []
    apply_overrides(path, [f"{key}=[]" if isinstance(old, list) else f"{key}={old}"])
    apply_overrides(path, [f"{key}={old}"])
    assert path.read_text() == before


def test_a_stage_says_what_is_wrong_and_not_where_in_the_code(root, tmp_path):
    edited(root, tmp_path, {"potential.r_on": 2.6})
    stage = [sys.executable, "-m", "glassdyn.stages.equilibrate"]
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    done = subprocess.run(stage, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("ParamsError: the smoothing must start before the cutoff")
    assert "Traceback" not in done.stderr


def test_limits_are_of_parameters_that_exist():
    sections = dataclasses.asdict(default_params())
    assert not [key for key in LIMITS if key.split(".")[1] not in sections[key.split(".")[0]]]


NUMBERS = [
    0,
    1,
    -1,
    2,
    7,
    10**6,
    2**31,
    2**63,
    2**64,
    10**400,
    0.0,
    -0.5,
    1e-300,
    1e-9,
    0.01,
    0.5,
    3.0,
    1e9,
    1e300,
]
WORDS = [
    float("nan"),
    float("inf"),
    True,
    None,
    "",
    "word",
    "1e-4",
    "${a.b}",
    {},
    {"a": 1},
    [],
    [0],
    [[1]],
    "é",
]
ODD = st.sampled_from([*NUMBERS, *WORDS])
VALUES = ODD | st.lists(ODD, max_size=3)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_whatever_stands_there_is_accepted_or_refused(root, data):
    """No other error, and no long wait."""
    tree = parameter_files.read(root / "params.yaml")
    keys = [(section, key) for section, entries in tree.items() for key in entries]
    for section, key in data.draw(st.lists(st.sampled_from(keys), min_size=1, max_size=3, unique=True)):
        tree[section][key] = data.draw(VALUES)
    with suppress(params.ParamsError):
        constraints.validate(params.Params, tree, Path("params.yaml"))
