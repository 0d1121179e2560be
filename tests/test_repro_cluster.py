"""The whole pipeline under DVC on a Dask scheduler with two workers, one of which is killed."""

import os
import subprocess
import sys

from checkouts import BIN, copy_working_tree
from short_pipeline import SHORT, merge
from test_jobs import wait_until
from test_jobs_cluster import (
    cluster,
    kill_one_at_work,
    pytestmark,
    scheduler,
    scratch,
    start_worker,
    workers_children,
)

__all__ = ["cluster", "pytestmark", "scheduler", "scratch"]

CHANGES = merge(
    SHORT,
    {
        "describe": {"fields": ["energy", "cage_displacement"], "inherent": False},
        "isoconfigurational": {"runs": 0},
        "graph": {"positions": "thermal"},
        "loss": {"targets": ["p_hop"]},
    },
)


def test_a_whole_repro_with_a_worker_killed(scheduler, cluster, root, tmp_path):
    """Another one comes, as on a cluster."""
    here, there = (copy_working_tree(root, tmp_path / name, CHANGES) for name in ("here", "there"))
    for checkout in (here, there):
        checkout.commit("code")
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    environment.pop("GLASSDYN_SCRATCH")
    environment["DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT"] = "300s"  # a busy machine is no dead one
    with (tmp_path / "output").open("w+") as output:
        command = [sys.executable, "-m", "dvc", "repro"]
        running = subprocess.Popen(command, cwd=there.folder, env=environment, stdout=output, stderr=output)
        states = there.folder / "data" / "states"
        wait_until(lambda: states.is_dir() and len(list(states.iterdir())) == 3 and workers_children(cluster))
        kill_one_at_work(cluster)
        cluster.append(start_worker(scheduler[0]))
        assert running.wait(1500) == 0, (tmp_path / "output").read_text()
    here.dvc("repro")
    assert (here.folder / "dvc.lock").read_bytes() == (there.folder / "dvc.lock").read_bytes()
    assert [worker.poll() is None for worker in cluster].count(True) == 2
