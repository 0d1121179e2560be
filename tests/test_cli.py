"""The command: its help, its refusals, and what each subcommand writes."""

import shutil

import pytest

from glassdyn import params
from glassdyn.cli import main


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
