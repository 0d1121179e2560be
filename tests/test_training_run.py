"""A training cut off anywhere ends as if it had not been; other parameters begin anew."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from glassdyn.jobs.prune import list_entries
from glassdyn.jobs.store import default_root
from glassdyn.learning import checkpoint, training, training_run
from glassdyn.learning.distributed import ALONE
from glassdyn.learning.model_file import save
from liquids import DISTANCES, NETWORK, PLAIN, SHORT, write_tables
from short_pipeline import shorten

BRIEF = replace(SHORT, max_steps=12, record_every=3)


@pytest.fixture
def lessons(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSDYN_SCRATCH", str(tmp_path / "scratch"))
    folders = write_tables(tmp_path)
    names = [f"copy{copy:02}-sample00" for copy in range(5)]
    return folders, training_run.TrainingConfig(names[:3], names[3:4], DISTANCES, NETWORK, PLAIN, BRIEF)


def attend(lessons, most=None, **changes):
    """Recordings and weights of a training, cut off after `most` recordings."""
    folders, chosen = lessons
    chosen = chosen._replace(settings=replace(chosen.settings, **changes))
    lesson = training_run.set_up(chosen, folders, torch.device("cpu"))
    seen = []
    for progress in training_run.run_training(chosen, lesson, folders, ALONE):
        seen.append(progress)
        if most is not None and len(seen) >= most:
            break
    return seen, training_run.trained_model(chosen, lesson, seen[-1], folders.pca / "none")


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_training_that_was_cut_off_ends_as_the_undisturbed_one(lessons, tmp_path, schedule, monkeypatch):
    for attempt in range(3):
        seen, _ = attend(lessons, most=2, schedule=schedule)
        assert len(seen[0].recordings) == attempt + 1  # what is found is what was stored last
    resumed, model = attend(lessons, schedule=schedule)
    monkeypatch.setenv("GLASSDYN_SCRATCH", str(tmp_path / "elsewhere"))
    straight, undisturbed = attend(lessons, schedule=schedule)
    assert resumed[-1].recordings == straight[-1].recordings
    save(tmp_path / "one", model)
    save(tmp_path / "two", undisturbed)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_finished_training_is_not_done_again(lessons):
    straight, _ = attend(lessons)
    (held,) = list_entries(default_root())
    assert (held.name, held.state) == ("train", "loose")
    assert not held.folder.checkpoint.exists()
    again, _ = attend(lessons)
    assert len(again) == 1
    assert again[0].recordings == straight[-1].recordings


def test_what_a_kill_left_half_written_is_cleared(lessons):
    attend(lessons, most=2)
    (held,) = list_entries(default_root())
    assert held.state == "unfinished"
    (held.folder.checkpoint / ".training-01234567.safetensors").write_bytes(b"torn")
    assert len(attend(lessons, most=1)[0][0].recordings) == 2
    assert [path.name for path in held.folder.checkpoint.iterdir()] == ["training.safetensors"]


def test_other_parameters_begin_anew(lessons):
    attend(lessons, most=3)
    for changes in ({"lr": 0.005}, {"clip": 0.5}, {"seed": 2}):
        assert len(attend(lessons, most=1, **changes)[0][0].recordings) == 1


def test_other_tables_begin_anew(lessons, tmp_path):
    attend(lessons, most=3)
    write_tables(tmp_path, samples=1, slope=0.11)
    assert len(attend(lessons, most=1)[0][0].recordings) == 1


def test_a_checkpoint_brings_back_every_bit(lessons, tmp_path):
    folders, chosen = lessons
    lesson = training_run.set_up(chosen, folders, torch.device("cpu"))
    progress = next(training.fit(*lesson[1:3], lesson.problem, SHORT, depth=3))
    checkpoint.store(tmp_path / "state", lesson.network, lesson.optimiser, progress)
    other = training_run.set_up(chosen, folders, torch.device("cpu"))
    found = checkpoint.restore((tmp_path / "state").read_bytes(), other.network, other.optimiser)
    assert found.recordings == progress.recordings
    states = (optimiser.state_dict()["state"] for optimiser in (lesson.optimiser, other.optimiser))
    one, two = states
    for number, moments in one.items():
        assert all(torch.equal(value, two[number][name]) for name, value in moments.items())


def test_learning_rates_follow_the_schedule():
    cosine = replace(SHORT, schedule="cosine", lr=0.2, max_steps=100)
    rates = [training.learning_rate(step, cosine) for step in range(101)]
    assert rates[0] == 0.2
    assert rates[50] == pytest.approx(0.1)
    assert rates[100] == pytest.approx(0)
    assert training.learning_rate(77, SHORT) == SHORT.lr


SETTINGS = {
    "liquid": {"particles": 200},
    "graph": {"r_threshold": 1.5, "nodes": "full"},
    "descriptors": {"r_max": 2.6},
    "train": {"max_steps": 120, "patience": 1000, "record_every": 2, "batch": 2},
    "model": {"hidden": [8, 8]},
    "evaluate": {"lengths": [0.0, 1.0], "block_length": 2.0},
}


def checkout(folder, root):
    """A folder in which the stage can run."""
    folder.mkdir()
    write_tables(folder)
    shorten(root / "params.yaml", folder / "params.yaml", SETTINGS)
    return folder


def stage(folder, root, *launcher):
    ours = {"PYTHONPATH": str(root / "src"), "GLASSDYN_SCRATCH": str(folder / ".scratch")}
    command = [sys.executable, *launcher, "-m", "glassdyn.stages.train"]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | ours,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    told = process.communicate()[1]
    assert process.returncode == 0, told


@pytest.mark.endurance
def test_killed_five_times_the_model_is_that_of_an_undisturbed_training(tmp_path, root):
    dice = random.Random(7)
    quiet, killed = checkout(tmp_path / "quiet", root), checkout(tmp_path / "killed", root)
    finish(stage(quiet, root))
    kills = 0
    while kills < 5:
        process = stage(killed, root)
        wait_for_checkpoint(process, killed)
        time.sleep(dice.uniform(0.0, 0.4))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
    finish(stage(killed, root))
    assert kills == 5
    for name in ("models/network.safetensors", "metrics/train.json"):
        assert (killed / name).read_bytes() == (quiet / name).read_bytes()
    curves = "plots/train/plots/metrics/held_out/objective.tsv"
    assert (killed / curves).read_bytes() == (quiet / curves).read_bytes()


def wait_for_checkpoint(process, folder):
    """Until the training has begun to store what it reaches."""
    newest = latest(folder)
    while process.poll() is None and latest(folder) == newest:
        time.sleep(0.01)


def latest(folder):
    return max((path.stat().st_mtime_ns for path in folder.glob(".scratch/jobs/*/checkpoint/*")), default=0)


@pytest.mark.endurance
def test_two_processes_train_as_one_does(tmp_path, root):
    one, two = checkout(tmp_path / "one", root), checkout(tmp_path / "two", root)
    finish(stage(one, root))
    finish(stage(two, root, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"))
    metrics = [json.loads((folder / "metrics/train.json").read_text()) for folder in (one, two)]
    assert metrics[0]["steps"] == metrics[1]["steps"] == 120
    for part in ("train", "validation"):
        for name in ("loss", "pearson"):
            found = [told[part]["p_hop"][name] for told in metrics]
            assert found[0] == pytest.approx(found[1], rel=1e-4)  # sums of float32 in another order
