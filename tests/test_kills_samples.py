"""Stages of twelve samples, killed in the middle: what was finished is not computed again, and the bytes are the same."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from glassdyn.storage.snapshots import write_snapshot
from glassdyn.storage.trajectory import open_trajectory
from short_pipeline import SHORT, merge, shorten
from walkers import brownian

pytestmark = pytest.mark.endurance

CHANGES = merge(
    SHORT,
    {
        "liquid": {"particles": 250},
        "describe": {"inherent": False, "fields": []},
        "descriptors": {"r_max": 2.3},
        "simulation": {"copies": 4, "samples": 3},
        "isoconfigurational": {"runs": 0},
        "graph": {"positions": "thermal"},
        "loss": {"targets": ["p_hop"]},
    },
)

OUTPUTS = {
    "label": ("data/labels", "plots/labels"),
    "describe": ("data/features",),
    "observe": ("plots/physics", "metrics"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Trajectories of twelve samples, and their snapshots."""
    folder = tmp_path_factory.mktemp("samples") / "data"
    brownian(folder / "trajectories", copies=4, samples=3)
    for path in (folder / "trajectories").iterdir():
        with open_trajectory(path) as trajectory:
            middle, frames = trajectory.middle, trajectory.frames
            metadata = {"frames": frames, "frame": middle, "temperature": 0.6}
            write_snapshot(
                folder / "snapshots" / f"{path.stem}.parquet", trajectory.configuration(middle), metadata
            )
    return folder


def make_checkout(folder, root, data):
    folder.mkdir()
    shorten(root / "params.yaml", folder / "params.yaml", CHANGES)
    (folder / "data").mkdir()
    for name in ("trajectories", "snapshots"):
        (folder / "data" / name).symlink_to(data / name)
    return folder


def start(root, checkout, stage):
    """What DVC does: outputs removed, then the command."""
    for output in OUTPUTS[stage]:
        shutil.rmtree(checkout / output, ignore_errors=True)
    environment = os.environ | {
        "PYTHONPATH": str(root / "src"),
        "GLASSDYN_SCRATCH": str(checkout / ".scratch"),
    }
    environment.pop("GLASSDYN_JOBS", None)
    command = [sys.executable, "-m", f"glassdyn.stages.{stage}"]
    return subprocess.Popen(command, cwd=checkout, env=environment, stdout=subprocess.DEVNULL)


def finished(checkout):
    """Inode and time of the manifest of each finished result: those of a result computed again differ."""
    manifests = (checkout / ".scratch" / "jobs").glob("*/result/manifest.json")
    return {manifest: (manifest.stat().st_ino, manifest.stat().st_mtime_ns) for manifest in manifests}


def contents(checkout, stage):
    files = [
        file for output in OUTPUTS[stage] for file in sorted((checkout / output).rglob("*")) if file.is_file()
    ]
    return {str(file.relative_to(checkout)): file.read_bytes() for file in files}


def kill_in_the_middle(root, checkout, stage, total):
    """SIGKILL when some results are finished; whether others were left."""
    process = start(root, checkout, stage)
    while process.poll() is None and len(finished(checkout)) < total // 3:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return total // 3 <= len(finished(checkout)) < total


@pytest.mark.parametrize("stage", OUTPUTS)
def test_the_next_run_computes_only_what_was_not_finished(root, data, tmp_path, stage):
    undisturbed = make_checkout(tmp_path / "undisturbed", root, data)
    assert start(root, undisturbed, stage).wait() == 0
    total = len(finished(undisturbed))
    assert total >= 12
    for attempt in range(10):  # a fast machine may finish before it is killed
        checkout = make_checkout(tmp_path / f"killed{attempt}", root, data)
        if kill_in_the_middle(root, checkout, stage, total):
            break
    before = finished(checkout)
    assert total // 3 <= len(before) < total
    assert start(root, checkout, stage).wait() == 0
    assert before.items() <= finished(checkout).items()
    assert len(finished(checkout)) == total
    assert contents(checkout, stage) == contents(undisturbed, stage)
    assert contents(checkout, stage)
