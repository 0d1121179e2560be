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
from typing import Any, Literal

from glassdyn.jobs import progress
from glassdyn.jobs.atomic import publish
from glassdyn.jobs.backend import Backend, Task, backend_from_environment
from glassdyn.jobs.digests import Digests
from glassdyn.jobs.job import Function, Job, JobError, OutputOf
from glassdyn.jobs.ledger import LedgerEntry, adopt, read_ledger, write_ledger
from glassdyn.jobs.process import advice
from glassdyn.jobs.progress import ProgressBar
from glassdyn.jobs.store import JobFolder, default_root, function_digest, job_key, locked, qualified_name
from glassdyn.jobs.worker import Spec

__all__ = ["run_jobs"]

PAUSE = 0.1
"""Seconds between two looks at the running jobs."""


@dataclass
class Record:
    """What has become of a job.

    Attributes:
        job: the job.
        status: waiting for its inputs or for capacity; running; done; failed.
        folder: its place in the store, known from its start on.
        task: what runs.
        fraction: of it that is done.
        words: how it fares.
        failure: why it failed.
        recompute: whether its deleted result is needed after all.
    """

    job: Job
    status: Literal["waiting", "running", "done", "failed"] = "waiting"
    folder: JobFolder | None = None
    task: Task | None = None
    fraction: float = 0.0
    words: str = ""
    failure: str = ""
    recompute: bool = False

    @property
    def result(self) -> JobFolder:
        """Its place in the store, of a job that has been started."""
        if self.folder is None:
            raise ValueError(f"{self.job.name} has not been started")
        return self.folder


@dataclass
class RunState:
    """The state of a run.

    Attributes:
        records: of all jobs, in the order in which they are to start.
        backend: where they run.
        advance: takes the work done since its last call, and words.
        root: the scratch folder.
        digests: of files, those of the store without reading them.
        codes: digests of the code of the jobs' functions, from when the first of each began.
        reported: work that `advance` knows of.
        ledger: what outputs that are there are the results of, by names of jobs.
    """

    records: dict[Job, Record]
    backend: Backend
    advance: ProgressBar
    root: Path
    digests: Digests
    codes: dict[Function, str] = field(default_factory=dict)
    reported: float = 0.0
    ledger: dict[str, LedgerEntry] = field(default_factory=dict)

    def having(self, status: str) -> list[Record]:
        """Records with this status."""
        return [record for record in self.records.values() if record.status == status]

    def inputs_of(self, job: Job) -> list[Record]:
        """Records of the jobs whose products a job needs."""
        return [self.records[origin] for origin in job.before]

    def report(self) -> None:
        """Tell the progress bar what has been done."""
        done = sum(job.work * record.fraction for job, record in self.records.items())
        newly_done, self.reported = done - self.reported, done
        words = ", ".join(record.words for record in self.having("running") if record.words)
        self.advance.tell(words, total=sum(job.work for job in self.records))
        self.advance(newly_done)


def run_jobs(jobs: Sequence[Job], *, label: str, unit: str, ledger: Path | None = None) -> list[Path]:
    """Run jobs and publish their outputs; a job whose result is in the scratch folder is not run.

    A failed job does not stop those that do not need it. When this process ends, however it ends, so do
    all that it started.

    Args:
        jobs: in the order in which they are to start; one may use products of others.
        label: for the progress bar.
        unit: of `Job.work`, a plural noun.
        ledger: file by which outputs that are there already are known as results; it is written when all jobs are done.

    Returns:
        The output of each job: its own path, or, without one, that in the scratch folder, where it lies until
        somebody prunes.

    Raises:
        JobError: where jobs failed, naming each and quoting its last words; or for an impossible launch
            setting.
        ValueError: for two jobs of one name or with one output, or a product of a job that is not in the run.
    """
    _require_consistent(jobs)
    root = default_root().resolve()
    with (
        _ending_on_sigterm(),
        locked(root / "in-use", fcntl.LOCK_SH),
        closing(backend_from_environment(len(jobs))) as backend,
        progress.show_progress(label, total=sum(job.work for job in jobs), unit=unit) as advance,
    ):
        state = RunState({job: Record(job) for job in jobs}, backend, advance, root, Digests(root))
        state.ledger = read_ledger(ledger) if ledger else {}
        try:
            while state.having("waiting") or state.having("running"):
                _start_waiting(state)
                _poll_running(state)
                state.report()
                if state.having("running"):
                    sleep(PAUSE)
        finally:
            for record in state.having("running"):
                _stop(record)
    _raise_failures(state)
    if ledger:
        write_ledger(ledger, {job.name: record.result for job, record in state.records.items()})
    return [job.output or record.result.result / job.output_name for job, record in state.records.items()]


def _require_consistent(jobs: Sequence[Job]) -> None:
    names = [job.name for job in jobs]
    outputs = [str(job.output) for job in jobs if job.output]
    for what, entries in (("names", names), ("outputs", outputs)):
        twice = sorted({entry for entry in entries if entries.count(entry) > 1})
        if twice:
            raise ValueError(f"{what} of jobs are distinct: got {twice} more than once")
    absent = sorted({origin.name for job in jobs for origin in job.before if origin not in jobs})
    if absent:
        raise ValueError(f"jobs whose products are needed are part of the run: {absent} are not")


def _start_waiting(state: RunState) -> None:
    """Start what can start; take what is finished already."""
    for record in state.having("waiting"):
        inputs = state.inputs_of(record.job)
        failed = [origin.job.name for origin in inputs if origin.status == "failed"]
        if failed:
            record.status, record.failure = "failed", f"needs {', '.join(failed)}"
        elif all(origin.status == "done" for origin in inputs) and state.backend.has_capacity(record.job):
            with _failing(record):
                _start(record, state)


def _start(record: Record, state: RunState) -> None:
    """Start a job that is not finished, unless it needs results that were deleted: those come first."""
    job, spec = record.job, _specify(record.job, state)
    folder = record.folder = JobFolder(Path(spec.folder))
    folder.describe(_facts(job, state))
    if not folder.manifest():
        adopt(job, folder, state.ledger.get(job.name))
    deleted = [origin for origin in state.inputs_of(job) if _lacks_input(job, origin)]
    if folder.is_finished() or (not record.recompute and _suffices(job, folder)):
        _accept(record)
    elif deleted:
        for origin in deleted:
            origin.status, origin.fraction, origin.recompute = "waiting", 0.0, True
    else:
        record.status = "running"
        record.task = state.backend.start(job, spec, lambda fraction: _update(record, fraction, state))
        _poll(record)  # one that ran in this very process has ended


def _suffices(job: Job, folder: JobFolder) -> bool:
    """Whether what nobody needs is all that is gone of a result: its digests stand for it."""
    return folder.holds(job.output_name) if job.output else folder.is_deleted()


def _lacks_input(job: Job, origin: Record) -> bool:
    """Whether a file that a job needs of an earlier one is gone."""
    names = [
        source.extra_output or source.job.output_name
        for source in job.inputs
        if isinstance(source, OutputOf) and source.job is origin.job
    ]
    return not all((origin.result.result / name).exists() for name in names)


def _update(record: Record, fraction: float, state: RunState) -> None:
    """Take the word of a job that runs in this very process."""
    record.fraction = min(fraction, 0.999)
    _read_words(record)
    state.report()


@contextmanager
def _failing(record: Record) -> Iterator[None]:
    """Turn what the file system refuses into the job's failure; the other jobs go on."""
    try:
        yield
    except OSError as error:
        record.status = "failed"
        record.failure = "\n".join(filter(None, [str(error), advice(str(error))]))


def _specify(job: Job, state: RunState) -> Spec:
    paths, digests = [], []
    for source in job.inputs:
        if isinstance(source, OutputOf):
            folder = state.records[source.job].result
            name = source.extra_output or source.job.output_name
            paths.append(folder.result / name)
            digests.append(folder.manifest()[name]["sha256"])
        else:
            paths.append(source.absolute())  # a link keeps its name
            digests.append(state.digests.of(source))
    if job.function not in state.codes:
        state.codes[job.function] = function_digest(job.function)
    key = job_key(job, state.codes[job.function], digests)
    return Spec(
        folder=str(state.root / "jobs" / key),
        module=job.function.__module__,
        function=job.function.__qualname__,
        code=state.codes[job.function],
        arguments=dict(job.arguments),
        inputs=list(map(str, paths)),
        output=job.output_name,
        extra_outputs=list(job.extra_outputs),
    )


def _facts(job: Job, state: RunState) -> dict[str, Any]:
    """What job.json says."""
    return {
        "name": job.name,
        "function": qualified_name(job.function),
        "arguments": job.arguments,
        "output": str(job.output.absolute()) if job.output else None,
        "after": sorted(origin.result.path.name for origin in state.inputs_of(job)),
    }


def _accept(record: Record) -> None:
    if record.job.output:
        publish(record.result.result / record.job.output_name, record.job.output)
    record.status, record.fraction = "done", 1.0


def _poll_running(state: RunState) -> None:
    for record in state.having("running"):
        _poll(record)


def _poll(record: Record) -> None:
    """See how far a job is, and take its result when it has ended."""
    outcome = record.task.poll() if record.task else ""
    if outcome is None:
        with suppress(OSError, ValueError):  # not there yet, or being written
            record.fraction = min(float(record.result.progress.read_text()), 0.999)
            _read_words(record)
        return
    _stop(record)
    if outcome:
        record.status, record.failure = "failed", f"{outcome}\nits folder: {record.result.path}"
    else:
        with _failing(record):
            _accept(record)


def _read_words(record: Record) -> None:
    with suppress(FileNotFoundError):
        record.words = record.result.words.read_text()


def _stop(record: Record) -> None:
    if record.task:
        record.task.stop()


def _raise_failures(state: RunState) -> None:
    failed = state.having("failed")
    if failed:
        reasons = "\n\n".join(f"{record.job.name}: {record.failure}" for record in failed)
        raise JobError(
            f"{len(failed)} jobs failed; the results of {len(state.having('done'))} others are kept and will not be "
            f"computed again\n\n{reasons}"
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
