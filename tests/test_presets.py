"""A preset changes what it names and leaves the file as it was."""

import io
import re
import shutil

import pytest
from ruamel.yaml import YAML

from glassdyn import params, presets
from glassdyn.liquid.box import compute_box_length
from glassdyn.params import ParamsError
from glassdyn.simulation.protocol import compute_frame_time


@pytest.fixture
def page(root, tmp_path):
    shutil.copy(root / "params.yaml", tmp_path)
    return tmp_path / "params.yaml"


@pytest.mark.parametrize("name", ["published", "thesis"])
def test_a_preset_sets_its_keys_keeps_every_comment_and_passes_the_checks(name, page, root):
    before = page.read_text()
    changes = presets.apply_preset(name, page, root / "presets")
    after = page.read_text()
    wanted = YAML(typ="safe").load(root / "presets" / f"{name}.yaml")
    tree = YAML(typ="safe").load(page)
    for section, keys in wanted.items():
        assert {key: tree[section][key] for key in keys} == keys

    def comments(text):
        return [line.partition("#")[2].strip() for line in text.splitlines() if "#" in line]

    assert comments(after) == comments(before)
    assert any(change.startswith("liquid.temperature: ") for change in changes)
    params.load(page)
    assert presets.apply_preset(name, page, root / "presets") == []
    assert page.read_text() == after


def test_presets_name_the_same_keys(root):
    """What one of them sets stays behind in no other."""
    trees = [YAML(typ="safe").load(root / "presets" / f"{name}.yaml") for name in ("published", "thesis")]
    keys = [{(section, key) for section, entries in tree.items() for key in entries} for tree in trees]
    assert keys[0] == keys[1]


def test_the_thesis_has_28_samples_to_train_on_and_8_to_test(page, root):
    presets.apply_preset("thesis", page, root / "presets")
    parameters = params.load(page)
    samples = parameters.simulation.samples
    assert samples * len(parameters.split.train) == 28
    assert samples * len(parameters.split.test) == 8
    liquid = parameters.liquid
    assert compute_box_length(liquid.particles, liquid.density) == pytest.approx(37.64144, abs=1e-5)
    assert compute_frame_time(parameters.simulation) == pytest.approx(0.1)


def test_unknown_presets_and_bad_ones_leave_the_page_alone(page, root, tmp_path):
    before = page.read_text()
    with pytest.raises(ParamsError, match=r"'bapst'; there are published, thesis"):
        presets.apply_preset("bapst", page, root / "presets")
    with pytest.raises(ParamsError, match="repository's root"):
        presets.apply_preset("thesis", page, tmp_path / "elsewhere")
    (tmp_path / "strange.yaml").write_text("liquid:\n  pressure: 1\n")
    with pytest.raises(ParamsError, match=r"liquid\.pressure does not; there are liquid\.particles, "):
        presets.apply_preset("strange", page, tmp_path)
    (tmp_path / "small.yaml").write_text("liquid:\n  particles: 500\n")
    with pytest.raises(ParamsError, match="at least 1000 particles"):
        presets.apply_preset("small", page, tmp_path)
    assert page.read_text() == before
    (tmp_path / "broken.yaml").write_text("isoconfigurational:\n  times: []\n")
    before = re.sub(
        r"  #.*\n  times:", "  times: # in units of tau_alpha", before
    )  # ruamel.yaml garbles this
    page.write_text(before)
    with pytest.raises(ParamsError, match="the comment of a list above its key"):
        presets.apply_preset("broken", page, tmp_path)
    assert page.read_text() == before


@pytest.mark.parametrize("name", ["params", "presets/published", "presets/thesis"])
def test_files_of_parameters_have_the_layout_that_programs_write(root, name):
    """Whoever changes a value, by `dvc exp run -S` or a preset, changes no other line."""
    yaml, written = YAML(), io.StringIO()
    yaml.dump(yaml.load(root / f"{name}.yaml"), written)
    assert written.getvalue() == (root / f"{name}.yaml").read_text()
