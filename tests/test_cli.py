"""The command: its help, its refusals, and what each subcommand writes."""

import shutil

import pytest

from glassdyn.cli import main


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert all(f"  {command} " in text for command in ("check",))


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


def test_check_refuses_a_missing_file(tmp_path, capsys):
    assert main(["check", str(tmp_path / "none.yaml")]) == 1
    assert "none.yaml" in capsys.readouterr().err
