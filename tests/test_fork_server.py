"""Jobs forked from a server: each as in a fresh process, and none outlives the run."""

import os
import re
import signal
import sys

import psutil
import pytest

import example_jobs
from glassdyn.jobs import Job, JobError
from glassdyn.jobs.code_digest import SOURCE
from glassdyn.jobs.fork_server import ForkServer
from glassdyn.jobs.local import Local
from glassdyn.jobs.process import environment
from glassdyn.jobs.store import function_digest
from glassdyn.jobs.worker import Spec
from test_jobs import HERE, alive, descendants, on_hold, program, run, scratch, wait_until

__all__ = ["scratch"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each job has a fresh process")


def jobs_of(function, folder, count=6, **arguments):
    return [
        Job(f"j{seed}", function, {"seed": seed, **arguments}, (), folder / f"{seed}.txt")
        for seed in range(count)
    ]


def texts(jobs):
    return [job.output.read_text() for job in jobs]


def servers():
    """Processes that this test has started and that run still."""
    return alive(psutil.Process().children())


def test_many_jobs_import_a_library_once(scratch, tmp_path, monkeypatch):
    """One in the place of a library, which notes its imports."""
    (tmp_path / "code").mkdir()
    note = f"with open({str(tmp_path / 'imports')!r}, 'a') as file: file.write('x')"
    (tmp_path / "code" / "dvclive.py").write_text(note)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "code"))
    monkeypatch.setitem(sys.modules, "dvclive", sys)  # this process has it too
    run(jobs_of(example_jobs.log_curves, tmp_path / "out"))
    assert (tmp_path / "imports").read_text() == "x"


def test_any_number_of_libraries(scratch, tmp_path, monkeypatch):
    """Their names are longer together than an argument of a process may be."""
    for number in range(2000):
        monkeypatch.setitem(sys.modules, f"json.{number:0100}", sys)
    jobs = jobs_of(example_jobs.plain, tmp_path / "out", count=2)
    run(jobs)
    assert texts(jobs) == ["0 []", "1 []"]


def test_each_job_has_a_process_and_a_group_of_its_own(scratch, tmp_path):
    jobs = jobs_of(example_jobs.group, tmp_path / "out")
    run(jobs)
    processes = [tuple(map(int, text.split())) for text in texts(jobs)]
    assert len(set(processes)) == len(jobs)
    assert all(process == group != os.getpid() for process, group, _ in processes)
    assert len({parent for _, _, parent in processes}) == 1
    assert not servers()


@pytest.mark.parametrize("threads", ["1", "2"])
def test_threads_of_numba_and_torch(scratch, tmp_path, monkeypatch, threads):
    """Of two threads, those of OpenBLAS keep a server from forking: its jobs have fresh processes."""
    pytest.importorskip("torch")
    monkeypatch.setenv("GLASSDYN_THREADS", threads)
    jobs = jobs_of(example_jobs.numbers, tmp_path / "out", count=2)
    run(jobs)
    assert texts(jobs) == [f"{threads} {threads} 4950.0 4950.0"] * 2


def test_what_a_failed_job_has_printed(scratch, tmp_path):
    bad = Job("bad", example_jobs.misbehave, {"how": "print"}, (), tmp_path / "x.txt")
    with pytest.raises(
        JobError, match=r"(?s)bad: exit status 1\nout\nerr\nTraceback.*ValueError: got -1"
    ) as raised:
        run([bad, *jobs_of(example_jobs.plain, tmp_path / "out")])
    assert "the results of 6 others are kept" in str(raised.value)


def test_a_killed_job_stops_no_other(scratch, tmp_path):
    bad = Job("bad", example_jobs.misbehave, {"how": "die"}, (), tmp_path / "x.txt")
    jobs = jobs_of(example_jobs.plain, tmp_path / "out")
    with pytest.raises(JobError, match="bad: killed by SIGKILL"):
        run([bad, *jobs])
    assert all(job.output.exists() for job in jobs)


def test_a_killed_server_fails_its_jobs_and_the_run_goes_on(scratch, tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSDYN_JOBS", "1")
    bad = Job("bad", example_jobs.misbehave, {"how": "kill parent"}, (), tmp_path / "x.txt")
    jobs = jobs_of(example_jobs.plain, tmp_path / "out")
    text = r"(?s)1 jobs failed; the results of 6 others.*bad: the process that had started it was ended; run again"
    with pytest.raises(JobError, match=text + ".*killed by SIGKILL"):
        run([bad, *jobs])
    assert not servers()


def test_stopped(scratch, tmp_path):
    job = Job("slow", example_jobs.group, {"pause": 600.0}, (), tmp_path / "x.txt")
    folder = scratch / "jobs" / "key"
    (folder / "checkpoint").mkdir(parents=True)
    backend = Local([])
    spec = Spec(
        str(folder), "example_jobs", "group", function_digest(job.function), {"pause": 600.0}, [], "x", []
    )
    task = backend.start(job, spec, lambda _: None)
    wait_until((folder / "attempt" / "x").exists)
    children = descendants(psutil.Process())
    task.stop()
    assert task.poll() == "killed by SIGTERM"
    assert len(alive(children)) == 1
    backend.close()
    assert not alive(children)


def test_the_parent_may_close_a_server_at_once(tmp_path):
    server = ForkServer("example_jobs", HERE, environment(SOURCE, None))
    server.close()
    assert not servers()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_no_process_is_left(scratch, tmp_path, number):
    with on_hold(scratch):
        killed = program(tmp_path)
        wait_until(lambda: any(scratch.glob("jobs/*/checkpoint/state.txt")))
        family = descendants(killed)
        assert any(re.search("fork_server", " ".join(process.cmdline())) for process in family)
        killed.send_signal(number)
        assert killed.wait() != 0
        wait_until(lambda: not alive(family))
