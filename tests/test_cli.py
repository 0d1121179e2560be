"""The command: its help, its refusals, and what each subcommand writes."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict

import pytest

from glassdyn import params
from glassdyn.cli import main
from short_pipeline import section


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    commands = {
        "check",
        "preset",
        "predict",
        "import",
        "inspect",
        "new-dataset",
        "scratch",
        "sweep",
        "experiments",
        "card",
        "explain",
        "import-weights",
    }
    assert commands <= {line.split()[0] for line in text.splitlines() if line.startswith("    ")}


def test_a_command_is_needed():
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 2


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("check --cores 0", "a whole number, at least 1, is needed: got '0'"),
        ("sweep --jobs 1.5", "a whole number, at least 1, is needed: got '1.5'"),
        ("explain model --fold=-1", "a whole number, at least 0, is needed: got '-1'"),
        ("import-weights in out --recurrences 0", "a whole number, at least 1, is needed: got '0'"),
        ("predict model in out --frame \u00b2", "a frame is a number from 0, or all: got '\u00b2'"),
        ("inspect file --box inf", "a number above 0 is needed: got 'inf'"),
        ("new-dataset name --duration nan", "a number above 0 is needed: got 'nan'"),
    ],
)
def test_numbers_out_of_their_range_are_refused(words, rule, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words.split())
    assert stop.value.code == 2
    assert rule in capsys.readouterr().err


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
