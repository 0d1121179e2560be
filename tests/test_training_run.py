"""A training cut off anywhere ends as if it had not been."""

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

from glassdyn.learning import checkpoint, training, training_run
from glassdyn.learning.distributed import ALONE
from glassdyn.learning.model_file import save
from liquids import DISTANCES, NETWORK, PLAIN, SHORT, write_tables
from short_pipeline import PINNED, merge, shorten

BRIEF = replace(SHORT, max_steps=12, record_every=3)


@pytest.fixture
def inputs(tmp_path):
    """Folders of tables, and a short training on them."""
    folders = write_tables(tmp_path)
    names = [f"copy{copy:02}-sample00" for copy in range(5)]
    return folders, training_run.TrainingConfig(names[:3], names[3:4], DISTANCES, NETWORK, PLAIN, BRIEF)


def train(inputs, checkpoint, most=None, **changes):
    """States and model of a training, cut off after `most` states; its checkpoint lies in a folder."""
    folders, config = inputs
    config = config._replace(settings=replace(config.settings, **changes))
    setup = training_run.set_up(config, folders, torch.device("cpu"))
    states = []
    for state in training_run.run_training(config, setup, checkpoint, ALONE):
        states.append(state)
        if most is not None and len(states) >= most:
            break
    return states, training_run.trained_model(config, setup, states[-1], folders.pca / "none")


@pytest.mark.parametrize(
    "options", [{}, {"schedule": "cosine", "weight_decay": 0.1}], ids=["plain", "decaying"]
)
def test_a_training_that_was_cut_off_ends_as_the_undisturbed_one(inputs, tmp_path, options):
    for attempt in range(3):
        states, _ = train(inputs, tmp_path / "one", most=2, **options)
        assert len(states[0].log) == attempt + 1  # the first is what was stored last
    resumed, model = train(inputs, tmp_path / "one", **options)
    straight, undisturbed = train(inputs, tmp_path / "two", **options)
    assert resumed[-1].log == straight[-1].log
    save(tmp_path / "resumed", model)
    save(tmp_path / "straight", undisturbed)
    assert (tmp_path / "resumed").read_bytes() == (tmp_path / "straight").read_bytes()


def test_a_checkpoint_brings_back_every_bit(inputs, tmp_path):
    folders, config = inputs
    setup, again = (training_run.set_up(config, folders, torch.device("cpu")) for _ in range(2))
    optimisers = [torch.optim.Adam(each.network.parameters(), lr=0.01) for each in (setup, again)]
    state = next(training.fit(setup.network, optimisers[0], setup.dataset, SHORT, depth=3))
    checkpoint.store(tmp_path / "state", setup.network, optimisers[0], state)
    restored = checkpoint.restore((tmp_path / "state").read_bytes(), again.network, optimisers[1])
    assert restored.log == state.log
    stored, read = (optimiser.state_dict()["state"] for optimiser in optimisers)
    for number, moments in stored.items():
        assert all(torch.equal(value, read[number][name]) for name, value in moments.items())


SETTINGS = {
    "liquid": {"particles": 200},
    "graph": {"r_threshold": 1.5, "nodes": "full"},
    "descriptors": {"r_max": 2.6},
    "train": {"max_steps": 120, "patience": 1000, "record_every": 2, "batch": 2},
    "model": {"hidden": [8, 8]},
    "evaluate": {"lengths": [0.0, 1.0], "block_length": 2.0, "folds": 2},
}


def checkout(folder, root):
    """A folder in which the stage can run."""
    folder.mkdir()
    write_tables(folder)
    shorten(root / "params.yaml", folder / "params.yaml", merge(PINNED, SETTINGS))
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
    errors = process.communicate()[1]
    assert process.returncode == 0, errors


@pytest.mark.endurance
def test_killed_five_times_the_model_is_that_of_an_undisturbed_training(tmp_path, root):
    generator = random.Random(7)
    quiet, killed = checkout(tmp_path / "quiet", root), checkout(tmp_path / "killed", root)
    finish(stage(quiet, root))
    kills = 0
    while kills < 5:
        process = stage(killed, root)
        wait_for_checkpoint(process, killed)
        time.sleep(generator.uniform(0.0, 0.4))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
    finish(stage(killed, root))
    assert kills == 5
    for name in (
        "models/network.safetensors",
        "metrics/train.json",
        "data/predictions/network/copy04-sample00.parquet",
        "plots/train/plots/metrics/held_out/objective.tsv",
    ):
        assert (killed / name).read_bytes() == (quiet / name).read_bytes()


def wait_for_checkpoint(process, folder):
    """Until the training has begun to store what it reaches."""
    newest = latest(folder)
    while process.poll() is None and latest(folder) == newest:
        time.sleep(0.01)


def latest(folder):
    return max((path.stat().st_mtime_ns for path in folder.glob(".scratch/jobs/*/checkpoint/*")), default=0)


@pytest.mark.endurance
def test_two_processes_train_as_one_does(tmp_path, root):
    single, pair = checkout(tmp_path / "single", root), checkout(tmp_path / "pair", root)
    finish(stage(single, root))
    finish(stage(pair, root, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"))
    metrics = [json.loads((folder / "metrics/train.json").read_text()) for folder in (single, pair)]
    assert metrics[0]["steps"] == metrics[1]["steps"] == 120
    for part in ("train", "validation"):
        for name in ("loss", "pearson"):
            alone, shared = (values[part]["p_hop"][name] for values in metrics)
            assert shared == pytest.approx(alone, rel=1e-4)  # sums of float32 in another order
