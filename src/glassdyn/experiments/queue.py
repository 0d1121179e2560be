"""DVC's queue of experiments: what stands in it, what its workers do, and why an experiment failed.

Experiments are put there by `dvc exp run --queue` itself, so that `dvc queue` and `dvc exp` know them as any other.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Literal, NamedTuple

import psutil

from glassdyn.cores import count_cores
from glassdyn.experiments.repository import RepositoryError

__all__ = [
    "Task",
    "end_lost_task",
    "enqueue",
    "environment_of_workers",
    "is_lost",
    "last_words",
    "list_tasks",
    "read_durations",
    "remove_tasks",
    "start_workers",
    "stop_tasks",
    "worker_processes",
]

State = Literal["Queued", "Running", "Failed", "Success"]

TRIES = 5
"""Looks at the queue, whose files its workers move at the same time."""

PATIENCE = 60
"""Tries, a second apart, to queue an experiment while others hold DVC's locks."""

WORDS = 6
"""Lines of a failed experiment's log."""


DVC_S_OWN = ("ERROR: failed to reproduce", "Updating lock file")
"""Beginnings of lines that follow what a stage says."""

FINISHED = re.compile(r"run_exp\[(?P<task>[0-9a-f-]+)\] succeeded in (?P<seconds>[0-9.]+)s")
"""What a worker's log says of a finished experiment."""


class Task(NamedTuple):
    """An experiment in the queue, or one that has left it.

    Attributes:
        name: of the experiment.
        revision: of the commit that holds its code and parameters.
        state: as `dvc queue status` says.
    """

    name: str
    revision: str
    state: State


def list_tasks() -> list[Task]:
    """Everything that `dvc queue status` lists."""
    for attempt in range(TRIES):
        try:
            entries = _queue().status()
            break
        except (OSError, ValueError, KeyError):
            if attempt == TRIES - 1:
                raise
            time.sleep(0.2)
    return [Task(str(entry["name"]), str(entry["rev"]), entry["status"]) for entry in entries]


def enqueue(name: str, overrides: Sequence[str], stage: str) -> None:
    """Put an experiment into the queue, as `dvc exp run --queue` does, without the start of a process for each.

    Args:
        name: of the experiment.
        overrides: of parameters, as `-S` takes them.
        stage: up to which the pipeline runs.

    Raises:
        RepositoryError: where DVC refuses it, with its words.
    """
    from dvc.exceptions import DvcException  # noqa: PLC0415 (a second, which other commands need not wait)
    from dvc.lock import LockError  # noqa: PLC0415
    from dvc.repo import Repo  # noqa: PLC0415

    for attempt in range(PATIENCE):
        try:
            with Repo() as repo:
                repo.experiments.run([stage], queue=True, name=name, params=list(overrides))
        except LockError as error:  # another command of DVC, or a worker that collects
            if attempt == PATIENCE - 1:
                raise RepositoryError(f"dvc is busy: {error}") from None
            time.sleep(1.0)
        except DvcException as error:
            raise RepositoryError(f"dvc refuses to queue {name}: {error}") from None
        else:
            return


def remove_tasks(revisions: Sequence[str]) -> None:
    """Take experiments that wait or have failed out of the queue; one that has left it by itself is no error.

    DVC removes none where it does not know one of them, such as that of a worker that was killed while it began.
    """
    if not revisions:
        return
    _dvc("queue", "remove", "--quiet", *revisions, check=False)
    left = [task.revision for task in list_tasks() if task.revision in revisions]
    if left:
        _dvc("queue", "remove", *left)


def start_workers(count: int) -> None:
    """Have workers at work, so many; those that are there already go on."""
    _dvc("queue", "start", "--quiet", "--jobs", str(count), variables=environment_of_workers(count))


def environment_of_workers(count: int) -> dict[str, str]:
    """Launch settings of a worker among `count` that share the cores, so that they do not slow each other."""
    share = str(max(count_cores() // count, 1))
    libraries = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    wanted = {"GLASSDYN_JOBS": share, **dict.fromkeys(libraries, share)}
    return {name: os.environ.get(name, value) for name, value in wanted.items()}


def worker_processes() -> list[psutil.Process]:
    """The workers of this repository."""
    here, workers = Path.cwd().resolve(), []
    for process in psutil.process_iter():
        try:
            if "queue-worker" in process.cmdline() and Path(process.cwd()).resolve().is_relative_to(here):
                workers.append(process)
        except (psutil.Error, OSError):
            continue
    return workers


def stop_tasks(names: Sequence[str]) -> None:
    """End experiments that run, and the workers when they have nothing under way; what waits stays in the queue."""
    _dvc("queue", "stop", "--quiet")
    if names:
        _dvc("queue", "kill", "--quiet", "--force", *names, check=False)


def is_lost(task: Task) -> bool:
    """Whether a task that DVC calls running has no worker any more: its process is gone, or an orphan."""
    if not worker_processes():
        return True
    process: Any = _queue().proc.get(task.revision)
    if process is None or process.returncode is not None:
        return False  # its worker prepares or collects it
    try:
        parent = psutil.Process(process.pid).parent()
        return parent is None or "queue-worker" not in parent.cmdline()
    except psutil.Error:
        time.sleep(1.0)  # for its worker to say how it ended
        return _queue().proc[task.revision].returncode is None


def end_lost_task(name: str) -> bool:
    """Have DVC count an experiment as failed whose worker was killed, which it would call running for ever.

    A call ends a process that is left, and one that finds none counts.

    Returns:
        Whether it is counted; a process takes its time to end, so that a later call may be needed.
    """
    for _ in range(2):
        _dvc("queue", "kill", "--quiet", "--force", name, check=False)
    return not any(task.name == name and task.state == "Running" for task in list_tasks())


def last_words(revision: str) -> str:
    """The end of what an experiment printed."""
    process: Any = _queue().proc.get(revision)
    path = Path(process.stdout) if process and process.stdout else None
    lines = path.read_text(errors="replace").splitlines() if path and path.exists() else []
    words = [line.strip() for line in lines if line.strip() and not line.startswith(DVC_S_OWN)]
    return "\n".join(words[-WORDS:]) or "it printed nothing; see .dvc/tmp/exps/celery/*.out"


def read_durations() -> dict[str, float]:
    """Seconds that experiments of the queue took, by name, as far as the logs of its workers tell."""
    logs = [path.read_text(errors="replace") for path in Path(".dvc/tmp/exps/celery").glob("*.out")]
    seconds = {match["task"]: float(match["seconds"]) for log in logs for match in FINISHED.finditer(log)}
    if not seconds:
        return {}
    names = {result.id: entry.name for result, entry in _queue()._iter_done_tasks()}  # noqa: SLF001 (no public way)
    return {names[task]: duration for task, duration in seconds.items() if task in names}


def _queue() -> Any:
    from dvc.repo import Repo  # noqa: PLC0415 (a second, which other commands need not wait)

    return Repo().experiments.celery_queue


def _dvc(*arguments: str, variables: Mapping[str, str] | None = None, check: bool = True) -> None:
    binaries = str(Path(sys.executable).parent)
    path = os.pathsep.join([binaries, os.environ.get("PATH", "")])
    program = shutil.which("dvc", path=path) or "dvc"
    with TemporaryFile() as output:  # no pipe: workers hold it open as long as they live
        done = subprocess.run(  # noqa: S603 (DVC of this environment)
            [program, *arguments],
            env={**os.environ, "PATH": path, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
            start_new_session=True,  # Ctrl-C is for this process, which ends what it started in order
        )
        if check and done.returncode:
            output.seek(0)
            words = output.read().decode(errors="replace").strip()[-1500:]
            raise RepositoryError(f"dvc {' '.join(arguments)} failed: {words}")
