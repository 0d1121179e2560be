"""Running jobs: each when its inputs are there, and its output in its place when it is done."""

import fcntl
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import current_thread, main_thread
from time import sleep
from types import FrameType
from typing import Any

from glassdyn.jobs import progress
from glassdyn.jobs.atomic import publish
from glassdyn.jobs.backend import Backend, Task, backend_from_environment
from glassdyn.jobs.job import Function, Job, JobError, OutputOf
from glassdyn.jobs.process import advice
from glassdyn.jobs.store import (
    JobFolder,
    default_root,
    digest,
    function_digest,
    job_key,
    locked,
    qualified_name,
)
from glassdyn.jobs.worker import Spec

__all__ = ["run_jobs"]

PAUSE = 0.1
"""Seconds between two looks at the running jobs."""


@dataclass
class RunState:
    """The state of a run.

    Attributes:
        waiting: jobs not yet started, in the order given.
        running: what runs.
        folders: of jobs done, or started.
        failures: why jobs failed.
        shares: the fraction of each job that is done.
        told: the work that the progress bar knows of.
        codes: digests of the code of the jobs' functions, when the first of each began.
        recalled: jobs whose deleted results are needed after all.
    """

    waiting: list[Job]
    running: dict[Job, Task] = field(default_factory=dict)
    folders: dict[Job, JobFolder] = field(default_factory=dict)
    failures: dict[Job, str] = field(default_factory=dict)
    shares: dict[Job, float] = field(default_factory=dict)
    told: float = 0.0
    codes: dict[Function, str] = field(default_factory=dict)
    recalled: set[Job] = field(default_factory=set)


def run_jobs(jobs: Sequence[Job], *, label: str, unit: str) -> None:
    """Run jobs and publish their outputs; a job whose result is in the scratch folder is not run.

    A failed job does not stop those that do not need it. When this process ends, however it ends, so do
    all that it started.

    Args:
        jobs: in the order in which they are to start; one may use products of others.
        label: for the progress bar.
        unit: of `Job.work`, a plural noun.

    Raises:
        FleetError: where jobs failed, naming each and quoting its last words; or for an impossible launch
            setting.
        ValueError: for two jobs of one name or with one output, or a product of a job not given.
    """
    _check(jobs)
    root = default_root().resolve()
    round_ = RunState(list(jobs))
    with (
        _ending_on_sigterm(),
        locked(root / "in-use", fcntl.LOCK_SH),
        closing(backend_from_environment(len(jobs))) as backend,
        progress.show_progress(label, total=sum(job.work for job in jobs), unit=unit) as advance,
    ):
        try:
            while round_.waiting or round_.running:
                _start(round_, backend, root)
                _collect(round_)
                advance(_news(round_, jobs))
                if round_.running:
                    sleep(PAUSE)
        finally:
            for task in round_.running.values():
                task.stop()
    _raise_failures(round_)


def _check(jobs: Sequence[Job]) -> None:
    names = [job.name for job in jobs]
    outputs = [str(job.output) for job in jobs if job.output]
    for what, entries in (("names", names), ("outputs", outputs)):
        twice = sorted({entry for entry in entries if entries.count(entry) > 1})
        if twice:
            raise ValueError(f"{what} of jobs are distinct: got {twice} more than once")
    absent = sorted({other.name for job in jobs for other in job.before if other not in jobs})
    if absent:
        raise ValueError(f"jobs whose products are needed are part of the run: {absent} are not")


def _start(round_: RunState, backend: Backend, root: Path) -> None:
    """Start what can start; take what is finished already."""
    for job in list(round_.waiting):
        failed = [other.name for other in job.before if other in round_.failures]
        if failed:
            round_.waiting.remove(job)
            round_.failures[job] = f"needs {', '.join(failed)}"
        elif all(round_.shares.get(other) == 1 for other in job.before) and backend.has_room(job):
            round_.waiting.remove(job)
            with _failing(job, round_):
                _begin(job, round_, backend, root)


def _begin(job: Job, round_: RunState, backend: Backend, root: Path) -> None:
    """Start a job that is not finished, unless it needs results that were freed: those come first."""
    spec = _specify(job, round_, root)
    folder = round_.folders[job] = JobFolder(Path(spec.folder))
    folder.describe(_facts(job, round_))
    freed = [other for other in job.before if round_.folders[other].is_freed()]
    if folder.is_finished():
        _accept(job, round_)
    elif job.output is None and job not in round_.recalled and folder.is_freed():
        round_.shares[job] = 1.0
    elif freed:
        round_.recalled.update(freed)
        round_.waiting[:0] = [*dict.fromkeys(freed), job]
        round_.shares.update(dict.fromkeys(freed, 0.0))
    else:
        round_.running[job] = backend.start(job, spec)


@contextmanager
def _failing(job: Job, round_: RunState) -> Iterator[None]:
    """Turn what the file system refuses into the job's failure; the other jobs go on."""
    try:
        yield
    except OSError as error:
        round_.failures[job] = "\n".join(filter(None, [str(error), advice(str(error))]))


def _specify(job: Job, round_: RunState, root: Path) -> Spec:
    paths, digests = [], []
    for given in job.inputs:
        if isinstance(given, OutputOf):
            folder = round_.folders[given.job]
            name = given.extra_output or given.job.output_name
            paths.append(folder.result / name)
            digests.append(folder.manifest()[name]["sha256"])
        else:
            paths.append(given.resolve())
            digests.append(digest(given))
    if job.function not in round_.codes:
        round_.codes[job.function] = function_digest(job.function)
    key = job_key(job, round_.codes[job.function], digests)
    return Spec(
        folder=str(root / "jobs" / key),
        module=job.function.__module__,
        function=job.function.__qualname__,
        code=round_.codes[job.function],
        arguments=dict(job.arguments),
        inputs=list(map(str, paths)),
        output=job.output_name,
        extra_outputs=list(job.extra_outputs),
    )


def _facts(job: Job, round_: RunState) -> dict[str, Any]:
    """What job.json says."""
    return {
        "name": job.name,
        "function": qualified_name(job.function),
        "arguments": job.arguments,
        "output": str(job.output.absolute()) if job.output else None,
        "after": sorted(round_.folders[other].path.name for other in job.before),
    }


def _accept(job: Job, round_: RunState) -> None:
    if job.output:
        publish(round_.folders[job].result / job.output_name, job.output)
    round_.shares[job] = 1.0


def _collect(round_: RunState) -> None:
    for job, task in list(round_.running.items()):
        outcome = task.poll()
        if outcome is None:
            with suppress(OSError, ValueError):  # not there yet, or being written
                reported = float(round_.folders[job].progress.read_text())
                round_.shares[job] = min(reported, 0.999)
            continue
        del round_.running[job]
        task.stop()
        if outcome:
            round_.failures[job] = f"{outcome}\nits folder: {round_.folders[job].path}"
        else:
            with _failing(job, round_):
                _accept(job, round_)


def _news(round_: RunState, jobs: Sequence[Job]) -> float:
    """Work done since the last look."""
    done = sum(job.work * round_.shares.get(job, 0.0) for job in jobs)
    news, round_.told = done - round_.told, done
    return news


def _raise_failures(round_: RunState) -> None:
    if round_.failures:
        told = "\n\n".join(f"{job.name}: {why}" for job, why in round_.failures.items())
        kept = sum(share == 1 for share in round_.shares.values())
        raise JobError(
            f"{len(round_.failures)} jobs failed; the results of {kept} others are kept and will not be "
            f"computed again\n\n{told}"
        )


@contextmanager
def _ending_on_sigterm() -> Iterator[None]:
    """Turn SIGTERM into an orderly end."""
    if current_thread() is not main_thread():
        yield
        return

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
