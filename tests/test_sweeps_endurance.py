"""Sweeps in DVC's real queue: killed and resumed, with a point that fails, and every shipped sweep."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from checkouts import BIN, copy_working_tree
from glassdyn.experiments.sweep_file import sweep_names
from short_pipeline import PARAMS, SHORT, merge

pytestmark = pytest.mark.endurance

FIVE_COPIES = merge(
    SHORT,
    {
        "simulation": {"copies": 5},
        "record": {"duration": 14.0},
        "isoconfigurational": {"duration": 14.0},
        "split": {"train": [0, 1, 2], "validation": [3], "test": [4]},
        "graph": {"nodes": "full"},
        "loss": {"targets": ["p_hop"]},
        "train": {"max_steps": 20, "patience": 1, "record_every": 10},
    },
)
"""The short pipeline with the copies and the windows that the shipped sweeps need."""

ONE_BLOCK = ("sweep", "architecture", "--set", "model.hidden=[8,8]", "folds=1")


@pytest.fixture(scope="module")
def checkout(root, tmp_path_factory):
    checkout = copy_working_tree(root, tmp_path_factory.mktemp("sweeps") / "checkout", FIVE_COPIES)
    checkout.commit("short")
    checkout.dvc("repro")
    checkout.commit("reproduced")
    return checkout


def start(checkout, *arguments):
    """Start the command in the background."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": "src"}
    command = [sys.executable, "-u", "-m", "glassdyn.cli", *arguments]
    return subprocess.Popen(command, cwd=checkout.folder, env=environment, stdout=subprocess.DEVNULL)


def processes_of(checkout, word):
    """Processes of the checkout and of its temporary ones, whose command line has a word."""
    here = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(checkout.folder) and word in " ".join(process.cmdline()):
                here.append(process)
        except (psutil.Error, OSError):
            continue
    return here


def wait_for(condition, seconds=600.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


def wait_for_others(checkout, running, word, killed):
    """Until there are processes in the place of those that were killed; the sweep, which starts them, must go on."""
    before = {process.pid for process in killed}
    wait_for(
        lambda: (
            running.poll() is not None
            or not before.issuperset(process.pid for process in processes_of(checkout, word))
        ),
        120.0,
    )
    time.sleep(5.0)
    assert running.poll() is None


def test_a_sweep_goes_on_after_kills_of_itself_of_its_workers_and_after_ctrl_c(checkout):
    sweep = (*ONE_BLOCK, "model.n_rec=0,1,2", "--jobs", "2")
    for number, victim in (
        (signal.SIGKILL, "sweep"),
        (signal.SIGKILL, "queue-worker"),
        (signal.SIGINT, "sweep"),
    ):
        running = start(checkout, *sweep)
        wait_for(lambda: processes_of(checkout, "glassdyn.stages.train"))
        victims = [running] if victim == "sweep" else processes_of(checkout, victim)
        for process in victims:
            process.send_signal(number)
        if victim == "sweep":
            running.wait(60)
        else:
            wait_for_others(checkout, running, victim, victims)
            running.send_signal(signal.SIGINT)
            running.wait(120)
    wait_for(lambda: not processes_of(checkout, "glassdyn.stages."), 60)  # Ctrl-C ends what runs
    checkout.glassdyn(*sweep)
    names = checkout.dvc("exp", "list", "--name-only").split()
    assert sorted(names) == [f"architecture-8x8-n{blocks}-s1" for blocks in (0, 1, 2)]
    assert "Running" not in checkout.dvc("queue", "status")
    assert "queueing" not in checkout.glassdyn(*sweep)


def test_a_point_that_fails_is_told_with_its_last_words_and_the_others_are_done(checkout, tmp_path):
    """What fails lies outside of the code, as a full disk does: mended, the failed point alone is queued."""
    path, obstacle = checkout.folder / "src" / "glassdyn" / "stages" / "train.py", tmp_path / "obstacle"
    obstacle.touch()
    failing = (
        "def main() -> None:\n"
        f"    if load_params().model.n_rec == 3 and Path({str(obstacle)!r}).exists():\n"
        "        raise SystemExit('on purpose')\n"
    )
    text = path.read_text()
    path.write_text(text.replace("def main() -> None:\n", failing, 1))
    sweep = (*ONE_BLOCK, "model.n_rec=3,4", "--jobs", "2")
    output = checkout.glassdyn(*sweep, code=1)
    assert "1 of 2 points are not done: architecture-8x8-n3-s1" in output
    assert "on purpose" in output
    obstacle.unlink()
    assert "queueing 1 experiments" in checkout.glassdyn(*sweep)
    path.write_text(text)  # other code: both points are to be done anew
    listing = checkout.glassdyn(*sweep, "--dry-run")
    assert [line.split()[0] for line in listing.splitlines() if "missing" in line] == [
        "architecture-8x8-n3-s1",
        "architecture-8x8-n4-s1",
    ], listing


@pytest.mark.parametrize("name", sweep_names(PARAMS.parent / "sweeps"))
def test_shipped_sweeps_run(checkout, name):
    """Two points of each, with the folds that it declares; the rest of the table is left out."""
    listing = checkout.run(
        "env",
        "COLUMNS=300",
        "PYTHONPATH=src",
        sys.executable,
        "-m",
        "glassdyn.cli",
        "sweep",
        name,
        "--dry-run",
    )
    names = [line.split()[0] for line in listing.splitlines() if line.startswith(f"{name}-")]
    checkout.glassdyn("sweep", name, "--jobs", "2", "--only", names[0], names[-1])
    assert (checkout.folder / f"plots/sweeps/{name}.png").stat().st_size > 10_000
