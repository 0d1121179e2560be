"""Which points of a sweep are done: by code and parameters, in a repository with experiments made by git."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from glassdyn.cli import main
from glassdyn.experiments.identity import read_pipeline
from glassdyn.experiments.overview import tabulate_experiments
from glassdyn.experiments.plan import find_done, make_plan, unused_name
from glassdyn.experiments.points import Point
from glassdyn.experiments.queue import Task, environment_of_workers
from glassdyn.experiments.repository import list_experiments, run_git, unfit_for_experiments
from glassdyn.experiments.results import read_densities, read_results
from glassdyn.experiments.run_sweep import describe_others
from short_pipeline import PINNED, shorten

GIT = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost"]
HEADLINE = '{"pearson": 0.25, "pearson_error": 0.02, "ceiling": 0.5, "folds": 1}'


def point(blocks):
    return Point(f"blocks-n{blocks}-s1", {"model.n_rec": blocks}, (0, 1), {"model.n_rec": blocks})


@pytest.fixture
def repository(root, tmp_path, monkeypatch):
    """The project's code and parameters, committed, in the working folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(root / "src", "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(root / "sweeps", "sweeps")
    Path(".dvc").mkdir()
    for name in ("dvc.yaml", ".dvc/config", ".dvc/.gitignore"):
        shutil.copy(root / name, name)
    shorten(root / "params.yaml", Path("params.yaml"), PINNED)
    git("init", "-qb", "main")
    commit()
    return tmp_path


def git(*arguments):
    return subprocess.run([*GIT, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def commit():
    git("add", "-A")
    git("commit", "-qm", "state")


def make_experiment(name, **changes):
    """A commit with changed parameters under the name of an experiment, as DVC keeps it; the working tree stays."""
    baseline = git("rev-parse", "HEAD")
    before = Path("params.yaml").read_bytes()
    shorten(Path("params.yaml"), Path("params.yaml"), changes)
    Path("metrics").mkdir(exist_ok=True)
    Path("metrics/headline.json").write_text(HEADLINE)
    commit()
    git("update-ref", f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}", "HEAD")
    git("reset", "-q", "--hard", baseline)
    assert Path("params.yaml").read_bytes() == before


def edit(name, old, new):
    text = Path(name).read_text()
    assert old in text
    Path(name).write_text(text.replace(old, new, 1))


def test_the_result_depends_on_stages_and_their_parameters_alone(root):
    pipeline = read_pipeline(root / "dvc.yaml")
    assert {"train", "evaluate", "label", "record"} <= set(pipeline.stages)
    assert not {"draw", "observe"} & set(pipeline.stages)
    declared = YAML(typ="safe").load(root / "dvc.yaml")["stages"]
    assert set(pipeline.parameters) == {
        key for name in pipeline.stages for key in declared[name].get("params", [])
    }


def test_a_point_is_done_whatever_the_name_of_its_experiment(repository):
    make_experiment("by-hand", model={"n_rec": 3})
    done = find_done([point(2), point(3)], list_experiments())
    assert {name: experiment.name for name, experiment in done.items()} == {"blocks-n3-s1": "by-hand"}


def test_texts_comments_and_commits_make_no_point_stale_and_code_and_parameters_do(repository):
    make_experiment("blocks-n3-s1", model={"n_rec": 3})

    def is_done():
        return bool(find_done([point(3)], list_experiments()))

    edit("src/glassdyn/learning/loss.py", '"""', '"""Edited. ')
    edit("src/glassdyn/figures/style.py", "4.6, 3.4", "4.7, 3.4")
    edit("params.yaml", "components: 30 # kept", "components: 30 # still kept")
    commit()
    assert is_done()
    edit("params.yaml", "lr: 0.001", "lr: 0.002")
    assert not is_done()
    edit("params.yaml", "lr: 0.002", "lr: 1.0e-3")
    assert is_done()
    edit("src/glassdyn/correlation.py", "import numpy as np", "import numpy as np\n\nEDITED = 1")
    assert not is_done()


def test_a_plan_runs_neither_what_is_done_nor_what_waits(repository):
    make_experiment("blocks-n3-s1", model={"n_rec": 3})
    make_experiment("queued", model={"n_rec": 2})
    make_experiment("stale", model={"n_rec": 1}, train={"lr": 0.5})
    commits = {experiment.name: experiment.commit for experiment in list_experiments()}
    finished = [experiment for experiment in list_experiments() if experiment.name == "blocks-n3-s1"]
    tasks = [
        Task("blocks-n2-s1", commits["queued"], "Running"),
        Task("blocks-n1-s1", commits["stale"], "Queued"),
        Task("blocks-n0-s1-v2", commits["stale"], "Failed"),
        Task("somebody-s", commits["stale"], "Queued"),
    ]
    plan = make_plan([point(blocks) for blocks in range(4)], finished, tasks)
    assert list(plan.done) == ["blocks-n3-s1"]
    assert plan.under_way == {"blocks-n2-s1": point(2)}
    assert plan.missing == (point(0), point(1))
    assert plan.obsolete == (commits["stale"], commits["stale"])


def test_a_taken_name_gets_a_number():
    assert unused_name(point(1), {"blocks-n2-s1"}) == "blocks-n1-s1"
    assert unused_name(point(1), {"blocks-n1-s1", "blocks-n1-s1-v2"}) == "blocks-n1-s1-v3"


def test_experiments_are_listed_with_what_was_changed(repository, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    make_experiment("wide", model={"n_rec": 3, "hidden": [16, 16]})
    (row,) = tabulate_experiments().to_dicts()
    assert row["changes"] == "model.n_rec=3 model.hidden=[16,16]"
    assert row["pearson"] == 0.25
    assert main(["experiments"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "0.250 ± 0.020" in lines[1]
    assert main(["experiments", "narrow*"]) == 0
    assert "wide" not in capsys.readouterr().out


def test_numbers_are_read_from_the_commits(repository):
    test = {
        "p_hop": {
            "pearson": 0.2,
            "pearson_by_copy": {"copy04": 0.2},
            "calibration": {"spread": 0.3},
            "by": "copies",
        }
    }
    trainings = [{"fold": fold, "seed": 1, "pearson": {"p_hop": 0.1 * fold}} for fold in (1, 2)]
    rows = {
        "metrics/evaluate.json": {"selected_on": "validation", "test": test},
        "metrics/train.json": {"trainings": trainings},
    }
    Path("metrics").mkdir()
    for name, numbers in rows.items():
        Path(name).write_text(json.dumps(numbers))
    make_experiment("with-metrics", model={"n_rec": 3})
    (commit_of,) = (experiment.commit for experiment in list_experiments())
    (result,) = read_results([commit_of, git("rev-parse", "HEAD")]).values()
    assert result.value("spread", "p_hop") == 0.3
    both = result._replace(targets={**result.targets, "cwt_15": {"pearson": 0.1}}, headline={"auc": 0.7})
    assert [both.value("auc", target) for target in ("p_hop", "cwt_15")] == [0.7, None]
    assert result.value("ceiling", "p_hop") == 0.5
    assert result.value("by", "p_hop") is None
    assert result.by_copy("p_hop") == {"copy04": 0.2}
    assert result.validation["p_hop"] == pytest.approx(0.15)
    assert read_densities([commit_of], "p_hop") == {}


def test_sweeps_are_listed_with_how_many_points_are_done(repository, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    shutil.rmtree("sweeps")
    Path("sweeps").mkdir()
    Path("sweeps/blocks.yaml").write_text(
        "title: t\nthesis: t\ngrid: {model.n_rec: [2, 3]}\nfigure: {x: model.n_rec, x_label: blocks}\n"
    )
    commit()
    make_experiment("blocks-n3-s1", model={"n_rec": 3})
    assert main(["sweep"]) == 0
    assert "1 of 2" in capsys.readouterr().out
    assert main(["sweep", "blocks", "--dry-run", "--only", "*n3*"]) == 0
    assert "done: blocks-n3-s1" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["größe", "a#b"])
def test_paths_where_dvc_fails_are_told_before_anything_is_queued(repository, name, capsys, monkeypatch):
    folder = repository.with_name(name)
    repository.rename(folder)
    monkeypatch.chdir(folder)
    assert "ASCII letters without #" in unfit_for_experiments(folder)[0]
    assert main(["sweep", "alpha", "--set", "folds=1"]) == 1
    assert "move the repository" in capsys.readouterr().err
    assert main(["check"]) == 0
    assert "move the repository" in capsys.readouterr().err
    monkeypatch.undo()
    folder.rename(repository)


def test_files_that_git_does_not_track_are_told(repository):
    assert not unfit_for_experiments(repository)
    Path("src/glassdyn/new.py").touch()
    assert "src/glassdyn/new.py" in unfit_for_experiments(repository)[0]


def test_workers_share_the_cores(monkeypatch):
    for name in environment_of_workers(1):
        monkeypatch.delenv(name, raising=False)
    alone, shared = (int(environment_of_workers(count)["OMP_NUM_THREADS"]) for count in (1, 2))
    assert shared == max(alone // 2, 1)
    assert environment_of_workers(10**6)["GLASSDYN_JOBS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert environment_of_workers(2)["OMP_NUM_THREADS"] == "7"


def test_experiments_of_a_data_set_are_read_in_its_folder(repository, monkeypatch):
    """Its parameters and numbers lie below the root, which has others of the same names."""
    for place, blocks, pearson in ((Path(), 1, 0.25), (Path("datasets/theirs"), 4, 0.75)):
        (place / "metrics").mkdir(parents=True)
        (place / "params.yaml").write_text(f"model:\n  n_rec: {blocks}\n")
        (place / "metrics/headline.json").write_text(json.dumps({"pearson": pearson}))
    commit()
    baseline = git("rev-parse", "HEAD")
    Path("datasets/theirs/params.yaml").write_text("model:\n  n_rec: 5\n")
    commit()
    git("update-ref", f"refs/exps/{baseline[:2]}/{baseline[2:]}/theirs", "HEAD")
    monkeypatch.chdir("datasets/theirs")
    (row,) = tabulate_experiments().to_dicts()
    assert (row["changes"], row["pearson"]) == ("model.n_rec=5", 0.75)


def test_git_s_refusals_are_errors_with_its_words(repository):
    with pytest.raises(ValueError, match="git rev-parse failed: "):
        run_git("rev-parse", "--verify", "none")


def test_experiments_that_run_before_those_of_the_sweep_are_told_of():
    tasks = [Task("old-s1", "a", "Queued"), Task("new-s1", "b", "Queued"), Task("old-s2", "c", "Success")]
    assert describe_others(tasks, {"new-s1", "old-s1"}) == ""
    assert describe_others(tasks, {"new-s1"}).startswith(
        "1 other experiments wait in the queue and run first, such as old-s1;"
    )
