"""What a user does with DVC, done in a checkout of its own, with a very short pipeline."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from ruamel.yaml import YAML

from checkouts import BIN, Checkout, copy_working_tree
from short_pipeline import shorten

pytestmark = pytest.mark.slow

PIPELINE = YAML(typ="safe").load(Path(__file__).resolve().parents[1] / "dvc.yaml")
STAGES = list(PIPELINE["stages"])


def ran(output: str) -> set[str]:
    return {stage for stage in STAGES if f"Running stage '{stage}'" in output}


def outputs(stage: str) -> set[str]:
    declared = PIPELINE["stages"][stage]
    entries = [*declared.get("outs", []), *declared.get("metrics", []), *declared.get("plots", [])]
    return {entry if isinstance(entry, str) else next(iter(entry)) for entry in entries}


def after(stages: set[str]) -> set[str]:
    """The stages, and all that depend on what they make, directly or not."""
    made = set().union(*map(outputs, stages))

    def reads(stage: str) -> bool:
        folders = [f"{path}/" for path in PIPELINE["stages"][stage]["deps"]]
        return any(f"{output}/".startswith(folder) for output in made for folder in folders)

    further = stages | set(filter(reads, STAGES))
    return further if further == stages else after(further)


@pytest.fixture(scope="module")
def checkout(root, tmp_path_factory):
    """The working tree as a repository of its own, with everything reproduced and committed."""
    checkout = copy_working_tree(root, tmp_path_factory.mktemp("dvc") / "checkout")
    checkout.dvc("remote", "add", "-d", "folder", str(checkout.folder.parent / "remote"))
    checkout.commit("a stranger's clone")
    assert ran(checkout.dvc("repro")) == set(STAGES)
    checkout.commit("reproduced")
    return checkout


def test_a_second_repro_runs_nothing(checkout):
    assert "up to date" in checkout.dvc("repro")
    assert checkout.git("status", "--porcelain") == ""


def test_an_edit_makes_stale_what_follows_from_it(checkout):
    def stale_after(name: str) -> set[str]:
        path = checkout.folder / "src" / "glassdyn" / name
        text = path.read_text()
        path.write_text(text + "\n# touched\n")
        status = json.loads(checkout.dvc("status", "--json"))
        path.write_text(text)
        return after({stage for stage in STAGES if stage in status})

    last = {"evaluate", "draw", "report"}
    assert stale_after("learning/training.py") == {"baselines", "train", *last}
    assert stale_after("evaluation/scores.py") == last
    assert stale_after("figures/style.py") == {"draw", "report"}
    assert stale_after("reporting/scores.py") == {"report"}
    assert not stale_after("jobs/run.py")
    assert not stale_after("params/rules.py")
    assert stale_after("simulation/equilibration.py") == set(STAGES)


def test_a_failed_stage_leaves_nothing_to_git_and_the_next_run_goes_on(checkout):
    """Where it fails, earlier stages have run in the same call, and it has written a part of its output."""
    stages = checkout.folder / "src" / "glassdyn" / "stages"
    texts = {name: (stages / name).read_text() for name in ("record.py", "label.py")}
    (stages / "record.py").write_text(texts["record.py"] + "\n# touched\n")
    failing = "def main() -> None:\n    LABELS.mkdir()\n    (LABELS / 'half').touch()\n    raise SystemExit('on purpose')\n"
    (stages / "label.py").write_text(texts["label.py"].replace("def main() -> None:", failing))
    output = checkout.dvc("repro", "label", code=255)
    assert ran(output) == {"record", "label"}
    assert "on purpose" in output
    assert "data/" not in checkout.git("add", "-A", "--dry-run")
    (stages / "label.py").write_text(texts["label.py"])
    assert not {"equilibrate", "record"} & ran(checkout.dvc("repro"))
    (stages / "record.py").write_text(texts["record.py"])
    checkout.dvc("repro")
    assert checkout.git("status", "--porcelain") == ""


def test_experiments_rerun_what_they_change_with_the_checkout_s_own_code(checkout):
    path = checkout.folder / "src" / "glassdyn" / "stages" / "train.py"
    text = path.read_text()
    path.write_text(
        text.replace("def main() -> None:", "def main() -> None:\n    print('code', __file__)", 1)
    )
    output = checkout.dvc(
        "exp", "run", "--temp", "-n", "shallow", "-S", "model.n_rec=1", "-S", "train.lr=1e-5"
    )
    path.write_text(text)
    assert ran(output) == {
        "baselines",
        "train",
        "evaluate",
        "draw",
        "report",
    }  # the learning rate is the perceptron's as well
    (code,) = [line for line in output.splitlines() if line.strip().startswith("code ")]
    assert str(checkout.folder / ".dvc" / "tmp" / "exps") in code


def test_experiments_and_branches_are_compared(checkout):
    before = checkout.metric("test", "p_hop", "pearson")
    for alpha in ("0.0", "0.5"):
        checkout.dvc("exp", "run", "--temp", "-n", f"alpha-{alpha[2]}", "-S", f"loss.alpha={alpha}")
    table = checkout.dvc("exp", "show", "--csv", "--precision", "12").strip().splitlines()
    rows = {row["Experiment"]: row for row in csv.DictReader(table)}
    assert float(rows["alpha-0"]["pearson"]) == pytest.approx(before, abs=6e-5)
    assert float(rows["alpha-5"]["pearson"]) != pytest.approx(before, abs=6e-5)
    checkout.dvc("exp", "branch", "alpha-5", "reweighted")
    difference = json.loads(checkout.dvc("metrics", "diff", "--json", "main", "reweighted"))
    change = difference["metrics/headline.json"]["pearson"]
    assert change["old"] == pytest.approx(before, abs=6e-5)
    assert change["new"] != change["old"]
    shown = json.loads(checkout.dvc("plots", "diff", "main", "reweighted", "--json", "-o", "page"))
    assert "errors" not in shown
    assert {name for plot in PIPELINE["plots"] for name in plot} <= set(shown["data"])
    checkout.dvc("plots", "diff", "main", "reweighted", "-o", "page")
    page = (checkout.folder / "page" / "index.html").read_text()
    assert "p_hop" in page
    assert 'src="http' not in page  # what draws is in the page
    shutil.rmtree(checkout.folder / "page")


def test_a_sweep_runs_what_is_missing_and_draws_its_figure(checkout):
    sweep = [
        "sweep",
        "architecture",
        "--jobs",
        "2",
        "--set",
        "model.hidden=[8,8]",
        "model.n_rec=0,1",
        "folds=1",
    ]
    output = checkout.glassdyn(*sweep)
    assert "queueing 2 experiments" in output
    assert "n_rec" in output
    assert (checkout.folder / "plots/sweeps/architecture.png").stat().st_size > 10_000
    lines = (checkout.folder / "plots/sweeps/architecture.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["x", "0", "1"]
    assert "queueing" not in checkout.glassdyn(*sweep)
    assert "architecture-8x8-n1-s1" in checkout.glassdyn("experiments", "architecture*")
    assert "architecture-8x8-n1-s1" in checkout.dvc("exp", "list")
    shutil.rmtree(checkout.folder / "plots/sweeps")


def test_a_parameter_there_and_back_runs_no_stage_again(checkout):
    parameters = checkout.folder / "params.yaml"
    committed = parameters.read_text()
    shorten(parameters, parameters, {"hops": {"min_segment": 5}, "isoconfigurational": {"runs": 3}})
    assert {"label", "isoconfigurational", "evaluate"} <= ran(checkout.dvc("repro"))
    jobs = set((checkout.folder / ".scratch" / "jobs").iterdir())
    parameters.write_text(committed)
    output = checkout.dvc("repro")
    assert ran(output) == {"isoconfigurational"}  # DVC caches no run whose outputs persist; the jobs are
    assert set((checkout.folder / ".scratch" / "jobs").iterdir()) == jobs
    assert "Stage 'evaluate' is cached - skipping run" in output
    assert checkout.git("status", "--porcelain") == ""


def test_the_metrics_fit_a_screen(checkout):
    assert max(map(len, checkout.dvc("metrics", "show", "--md").splitlines())) < 320
    difference = json.loads(checkout.dvc("metrics", "diff", "--all", "--json", "main", "main"))
    assert list(difference) == ["metrics/headline.json"]


def test_data_pushed_are_pulled_and_nothing_is_recomputed(checkout):
    checkout.dvc("push")
    clone = Checkout(checkout.folder.parent / "elsewhere")
    checkout.git("clone", "-q", str(checkout.folder), str(clone.folder))
    clone.dvc("pull")
    assert "up to date" in clone.dvc("status")
    assert "up to date" in clone.dvc("repro")
    shutil.rmtree(clone.folder)


def test_training_needs_no_trajectory(checkout):
    """In an empty clone DVC pulls what the stages to be run read: tables, and no trajectory or state."""
    checkout.dvc("push")
    clone = Checkout(checkout.folder.parent / "without-trajectories")
    checkout.git("clone", "-q", str(checkout.folder), str(clone.folder))
    shorten(clone.folder / "params.yaml", clone.folder / "params.yaml", {"model": {"n_rec": 1}})
    assert ran(clone.dvc("repro", "--pull", "--allow-missing")) == {"train", "evaluate", "draw", "report"}
    assert not {"trajectories", "states"} & {path.name for path in (clone.folder / "data").iterdir()}
    metrics = clone.metric("baselines")
    assert metrics == checkout.metric("baselines")
    shutil.rmtree(clone.folder)


LONG = {"train": {"max_steps": 1_000_000, "patience": 1_000_000}}
"""A training that lasts until somebody ends it."""


def stage_processes(folder: Path) -> list[psutil.Process]:
    """Stages that run in a checkout, whoever started them."""
    running = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if "glassdyn.stages." in " ".join(process.cmdline()) and Path(process.cwd()) == folder:
                running.append(process)
    return running


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def kill_dvc_at_work(checkout: Checkout, stage: str, number: int) -> None:
    """Start a stage under DVC, and kill DVC alone when the stage is under way."""
    command = [sys.executable, "-m", "dvc", "repro", "-s", "-f", stage]
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "SHELL": "/bin/sh"}
    dvc = subprocess.Popen(command, cwd=checkout.folder, env=environment, stdout=subprocess.DEVNULL)
    wait_for(lambda: bool(stage_processes(checkout.folder)))
    time.sleep(0.5)
    assert stage_processes(checkout.folder)
    dvc.send_signal(number)
    dvc.wait()


@pytest.mark.parametrize("stage", ["train", "observe"])
def test_a_killed_dvc_leaves_no_stage_that_overwrites_later_results(checkout, stage):
    names = [checkout.folder / name for name in outputs(stage)]

    def contents() -> dict[Path, bytes]:
        files = [file for name in names for file in ([name] if name.is_file() else name.rglob("*"))]
        return {file: file.read_bytes() for file in files if file.is_file()}

    parameters = checkout.folder / "params.yaml"
    committed = parameters.read_text()
    shorten(parameters, parameters, LONG)
    for number in (signal.SIGTERM, signal.SIGKILL):
        kill_dvc_at_work(checkout, stage, number)
        wait_for(lambda: not stage_processes(checkout.folder), 5.0)
    parameters.write_text(committed)
    shorten(parameters, parameters, {"train": {"lr": 0.002}, "hops": {"p_c": 0.24}})
    checkout.dvc("repro", "-s", "-f", stage)
    before = contents()
    time.sleep(10.0)
    assert contents() == before
    checkout.git("checkout", "-q", ".")
    checkout.git("clean", "-fdq", "plots")
    checkout.dvc("checkout", "-q")
