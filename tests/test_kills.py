"""Equilibrate and record, killed at random moments: the data are those of an undisturbed run, to the byte."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from short_pipeline import SHORT, merge, shorten
from test_jobs import LONG, alive, descendants, wait_until

pytestmark = pytest.mark.endurance

KILLS = 10

SMALL = merge(SHORT, {"simulation": {"checkpoint_steps": 150, "frame_steps": 5}})
"""A box that holds two cutoffs; each job has several checkpoints and two blocks of frames or one."""

OUTPUTS = {"equilibrate": ("states",), "record": ("trajectories", "snapshots")}
STAGES = tuple(OUTPUTS)


class Checkout:
    """A folder in which stages run, with a scratch folder of its own."""

    def __init__(self, path, root):
        self.path, self.source = path, root / "src"
        path.mkdir()
        shorten(root / "params.yaml", path / "params.yaml", SMALL)

    def start(self, stage):
        """What DVC does: outputs removed, then the command."""
        for output in OUTPUTS[stage]:
            shutil.rmtree(self.path / "data" / output, True)
        environment = {"PYTHONPATH": str(self.source), "GLASSDYN_SCRATCH": str(self.path / ".scratch")}
        return subprocess.Popen(
            [sys.executable, "-m", f"glassdyn.stages.{stage}"],
            cwd=self.path,
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, stage):
        process = self.start(stage)
        errors = process.communicate()[1]
        assert process.returncode == 0, errors

    def data(self):
        """Bytes of every output."""
        files = sorted(file for file in (self.path / "data").rglob("*") if file.is_file())
        return {str(file.relative_to(self.path)): file.read_bytes() for file in files}

    def finished(self):
        """Inode and time of the manifest of each finished result: those of a result computed again differ."""
        manifests = self.path.glob(".scratch/jobs/*/result/manifest.json")
        return {manifest: (manifest.stat().st_ino, manifest.stat().st_mtime_ns) for manifest in manifests}


def kill_at_random(checkout, stage, longest, number, generator):
    """Kill a stage at a random moment; False where it had ended before."""
    before = checkout.finished()
    process = checkout.start(stage)
    try:
        process.wait(generator.uniform(0.2, 1.0) * longest)
    except subprocess.TimeoutExpired:
        family = descendants(process)
        process.send_signal(number)
        assert process.wait(LONG) in {0, -number, 128 + number}, process.stderr.read()
        wait_until(lambda: not alive(family))
        assert before.items() <= checkout.finished().items()
    finally:
        process.stderr.close()
    return process.returncode != 0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, root):
    """A run that nobody kills, and the seconds that each stage takes."""
    checkout, times = Checkout(tmp_path_factory.mktemp("undisturbed") / "checkout", root), {}
    for stage in STAGES:
        start = time.monotonic()
        checkout.run(stage)
        times[stage] = time.monotonic() - start
    return checkout, times


def without_ledgers(data):
    """The results: ledgers list them, and grow with them."""
    return {name: content for name, content in data.items() if not name.startswith("data/jobs/")}


def test_killed_ten_times_over(tmp_path, root, undisturbed):
    expected, times = undisturbed[0].data(), undisturbed[1]
    assert len(expected) == 11  # states, trajectories and snapshots of three copies, and two ledgers
    generator, kills, rounds = random.Random(20221122), 0, 0
    while kills < KILLS:
        checkout = Checkout(tmp_path / f"killed{rounds}", root)
        rounds += 1
        for stage in STAGES:
            while kills < KILLS and kill_at_random(
                checkout, stage, times[stage], (signal.SIGKILL, signal.SIGTERM)[kills % 2], generator
            ):
                kills += 1
            finished = checkout.finished()
            checkout.run(stage)
            assert finished.items() <= checkout.finished().items(), "a finished job was computed again"
        assert checkout.data() == expected


def test_two_copies_more_run_two_more_and_change_nothing(root, undisturbed):
    checkout, _ = undisturbed
    before, finished = without_ledgers(checkout.data()), checkout.finished()
    more = merge(SMALL, {"simulation": {"copies": 5}})
    shorten(root / "params.yaml", checkout.path / "params.yaml", more)
    for stage in STAGES:
        checkout.run(stage)
    after = without_ledgers(checkout.data())
    assert before.items() <= after.items()
    assert finished.items() <= checkout.finished().items()
    assert len(after) == len(checkout.finished()) == 15
