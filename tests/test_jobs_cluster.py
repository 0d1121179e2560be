"""Jobs on a real Dask scheduler with real workers over TCP: killed, cancelled, and through Slurm."""

import ctypes
import json
import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

import example_jobs
from glassdyn.jobs import Job, JobError, dask_cluster
from test_jobs import LONG, alive, chains, contents, notes, on_hold, program, run, scratch, wait_until
from test_kills import Checkout

pytest.importorskip("distributed")
pytestmark = pytest.mark.endurance

HERE = Path(__file__).parent
__all__ = ["scratch"]

LOOPBACK = ("--host=127.0.0.1", "--no-dashboard")
"""Nobody else on the network reaches a scheduler or a worker."""


def start(*command):
    paths = os.pathsep.join([str(HERE.parent / "src"), str(HERE)])
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + command[0], *command[1:]],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def end(processes):
    for process in processes:
        for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []:
            child.kill()
        process.kill()
        process.wait()


def start_worker(file):
    """A worker of the scheduler that a file names, without a nanny."""
    options = (f"--scheduler-file={file}", "--nthreads=1", "--no-nanny", f"--local-directory={file.parent}")
    return start("dask_worker", *LOOPBACK, *options)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """A scheduler: the file that tells its address, and the workers that tests have started."""
    file = tmp_path_factory.mktemp("dask") / "scheduler.json"
    process = start("dask_scheduler", *LOOPBACK, "--port=0", f"--scheduler-file={file}")
    workers = []
    try:
        wait_until(lambda: file.exists() and file.read_text().endswith("}"))
        yield file, workers
    finally:
        end([process, *workers])


@pytest.fixture
def cluster(scheduler, scratch, monkeypatch):
    """Two workers."""
    from distributed import Client

    file, workers = scheduler
    workers[:] = [worker for worker in workers if worker.poll() is None]
    workers += [start_worker(file) for _ in range(2 - len(workers))]
    with Client(scheduler_file=str(file)) as client:
        client.wait_for_workers(2, timeout=LONG)
        monkeypatch.setenv("GLASSDYN_SCHEDULER", client.scheduler.address)
    return workers


def workers_children(workers):
    running = [psutil.Process(worker.pid) for worker in workers if worker.poll() is None]
    return [child for worker in running for child in worker.children()]


def checkpointed(scratch):
    return any(scratch.glob("jobs/*/checkpoint/state.txt"))


def frozen(workers, condition):
    """Stop all jobs for good if that catches them under a condition, otherwise for a moment."""
    children = workers_children(workers)
    with suppress(psutil.NoSuchProcess):
        for child in children:
            child.suspend()
        if condition():
            return True
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.resume()
    return False


def kill_one_at_work(workers):
    """Kill a worker that has a job, which dies with it."""
    worker = next(worker for worker in workers if workers_children([worker]))
    children = workers_children([worker])
    worker.kill()
    worker.wait()
    wait_until(lambda: not alive(children))


def test_the_same_results(cluster, scratch, tmp_path, monkeypatch):
    run(chains(tmp_path / "out"))
    assert set(notes(scratch).values()) == {1}
    monkeypatch.delenv("GLASSDYN_SCHEDULER")
    monkeypatch.setenv("GLASSDYN_SCRATCH", str(tmp_path / "other"))
    run(chains(tmp_path / "here"))
    assert contents(tmp_path / "out") == contents(tmp_path / "here")


def test_a_worker_killed_in_the_middle_of_a_job(cluster, scratch, tmp_path, monkeypatch):
    with on_hold(scratch):
        running = program(tmp_path)
        wait_until(lambda: checkpointed(scratch))
        kill_one_at_work(cluster)
    assert running.wait(LONG) == 0
    assert {count for note, count in notes(scratch).items() if note.startswith("end")} == {1}
    monkeypatch.delenv("GLASSDYN_SCHEDULER")
    monkeypatch.setenv("GLASSDYN_SCRATCH", str(tmp_path / "other"))
    run(chains(tmp_path / "here"))
    assert contents(tmp_path / "out") == contents(tmp_path / "here")


@pytest.mark.parametrize("stage", ["equilibrate", "record"])
def test_a_worker_killed_in_the_middle_of_a_simulation(cluster, tmp_path, root, monkeypatch, stage):
    here, there = (Checkout(tmp_path / name, root) for name in ("here", "there"))
    address = os.environ["GLASSDYN_SCHEDULER"]
    monkeypatch.delenv("GLASSDYN_SCHEDULER")
    for checkout in (here, there) if stage == "record" else ():
        checkout.run("equilibrate")
    here.run(stage)
    monkeypatch.setenv("GLASSDYN_SCHEDULER", address)
    running = there.start(stage)
    wait_until(lambda: frozen(cluster, lambda: any(there.path.glob(".scratch/jobs/*/checkpoint/state.h5"))))
    finished = there.finished()
    kill_one_at_work(cluster)
    for child in workers_children(cluster):
        child.resume()
    errors = running.communicate(timeout=LONG)[1]
    assert running.returncode == 0, errors
    assert finished.items() <= there.finished().items()
    assert there.data() == here.data()


def test_a_worker_whose_time_is_up(cluster, scratch, tmp_path, monkeypatch):
    from distributed import Client

    with on_hold(scratch):
        running = program(tmp_path)
        wait_until(lambda: checkpointed(scratch))
        with Client(os.environ["GLASSDYN_SCHEDULER"]) as client:
            address = next(iter(client.scheduler_info()["workers"]))
            client.retire_workers([address], close_workers=True)
        wait_until(lambda: any(worker.poll() is not None for worker in cluster))
    assert running.wait(LONG) == 0
    assert {count for note, count in notes(scratch).items() if note.startswith("end")} == {1}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_ends_ends_its_jobs(cluster, scratch, tmp_path, number):
    with on_hold(scratch):
        running = program(tmp_path)
        wait_until(lambda: checkpointed(scratch))
        running.send_signal(number)
        assert running.wait(LONG) != 0
        wait_until(lambda: not workers_children(cluster))
    assert all(worker.poll() is None for worker in cluster)


def test_failures_are_told_as_on_this_machine(cluster, scratch, tmp_path):
    jobs = [
        Job(how, example_jobs.misbehave, {"how": how}, (), tmp_path / f"{how}.txt")
        for how in ("raise", "die")
    ]
    with pytest.raises(JobError) as raised:
        run([*jobs, *chains(tmp_path / "out", copies=1)])
    assert "ValueError: the density must be positive: got -1" in str(raised.value)
    assert "killed by SIGKILL" in str(raised.value)
    assert len(contents(tmp_path / "out")) == 2


def write_certificates(folder):
    """Those of a scheduler, its workers and their users, and Dask's configuration that asks for them."""
    from distributed.security import Security

    security, config = Security.temporary(), {}
    for role in ("scheduler", "worker", "client"):
        settings = security.get_tls_config_for_role(role)
        names = {"ca": "ca_file", "cert": "cert", "key": "key"}
        for name, key in names.items():
            (folder / f"{role}-{name}.pem").write_text(settings[key])
        config[role] = {name: str(folder / f"{role}-{name}.pem") for name in ("cert", "key")}
    config["ca-file"] = str(folder / "client-ca.pem")
    return {"distributed": {"comm": {"require-encryption": True, "tls": config}}}


def test_a_scheduler_that_asks_for_certificates(scratch, tmp_path, monkeypatch):
    import dask

    config, file = write_certificates(tmp_path), tmp_path / "scheduler.json"
    (tmp_path / "dask.yaml").write_text(json.dumps(config))  # JSON is YAML
    monkeypatch.setenv("DASK_CONFIG", str(tmp_path / "dask.yaml"))
    options = (*LOOPBACK, "--protocol=tls", f"--scheduler-file={file}")
    processes = [start("dask_scheduler", "--port=0", *options)]
    try:
        wait_until(lambda: file.exists() and file.read_text().endswith("}"))
        processes.append(start("dask_worker", *options, "--nthreads=1", "--no-nanny"))
        address = json.loads(file.read_text())["address"]
        assert address.startswith("tls://127.0.0.1:")
        monkeypatch.setenv("GLASSDYN_SCHEDULER", address)
        with pytest.raises(JobError, match="must be the address of a Dask scheduler"):
            run(chains(tmp_path / "refused", copies=1))
        with dask.config.set(dask.config.merge(dask.config.config, config)):
            run(chains(tmp_path / "out", copies=1))
        assert len(contents(tmp_path / "out")) == 2
    finally:
        end(processes)


@pytest.mark.parametrize(
    ("address", "is_open"),
    [
        ("tcp://127.0.0.1:8786", False),
        ("tcp://localhost:8786", False),
        ("tcp://10.0.0.5:8786", True),
        ("tcp://head:8786", True),
        ("tls://10.0.0.5:8786", False),
    ],
)
def test_who_reaches_a_scheduler(address, is_open):
    assert dask_cluster._is_open_to_others(address) == is_open


def test_no_scheduler(scratch, tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSDYN_SCHEDULER", "nowhere")
    with pytest.raises(JobError, match="must be the address of a Dask scheduler, or slurm: got nowhere"):
        run(chains(tmp_path / "out"))


SBATCH = """#!/bin/sh
# A Slurm of one machine: runs the script in the background, and tells its number.
cp "$1" {folder}/script-$$
setsid bash {folder}/script-$$ >{folder}/said 2>&1 &
echo $! >> {folder}/numbers
echo "Submitted batch job $!"
"""


@pytest.fixture
def adopting():
    """What a process leaves behind becomes a child of the test, which can then see it end."""
    prctl, subreaper = ctypes.CDLL(None).prctl, 36
    prctl(subreaper, 1)
    yield
    prctl(subreaper, 0)


def has_ended(child):
    return os.waitpid(child, os.WNOHANG)[0] == child


def test_slurm(adopting, scratch, tmp_path, monkeypatch, root):
    pytest.importorskip("dask_jobqueue")
    import dask

    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "sbatch").write_text(SBATCH.format(folder=tmp_path))
    (commands / "scancel").write_text('#!/bin/sh\nkill -- "-$1"\n')
    for command in commands.iterdir():
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(root / "src"), str(HERE)]))
    monkeypatch.setenv("GLASSDYN_SCHEDULER", "slurm")
    monkeypatch.setenv("GLASSDYN_JOBS", "2")
    monkeypatch.chdir(tmp_path)
    settings = dask.config.collect_yaml([str(root / "cluster" / "slurm.yaml")])
    with dask.config.set(dask.config.merge(dask.config.config, *settings)):
        run(chains(tmp_path / "out"))
    assert len(contents(tmp_path / "out")) == 4
    assert set(notes(scratch).values()) == {1}
    numbers = [int(line) for line in (tmp_path / "numbers").read_text().split()]
    assert numbers
    for number in numbers:
        wait_until(lambda number=number: has_ended(number))
    scripts = [path.read_text() for path in tmp_path.glob("script-*")]
    assert all("tls://" in script and "--tls-key" in script for script in scripts)
    assert not (scratch / "certificates").stat().st_mode & 0o077  # nobody else reads the keys
