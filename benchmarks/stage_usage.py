"""What a stage takes under DVC: minutes, processor time and memory of all its processes."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from typing import NamedTuple

import psutil

__all__ = ["Usage", "run_stage", "run_watched"]

PAUSE = 0.2
"""Seconds between two looks at the memory."""


class Usage(NamedTuple):
    """What a stage has taken.

    Attributes:
        seconds: of wall time.
        cpu: seconds of processor time of all its processes.
        memory: GB that they hold together at the peak, shared pages counted once.
    """

    seconds: float
    cpu: float
    memory: float


def run_stage(checkout: Path, stage: str) -> Usage:
    """Run one stage by DVC, which is not counted in the memory."""
    return run_watched(
        [sys.executable, "-m", "dvc", "repro", "-q", "-s", stage], checkout, is_counted=is_no_dvc
    )


def run_watched(
    command: list[str], folder: Path, is_counted: Callable[[psutil.Process], bool] = lambda _process: True
) -> Usage:
    """Run a command in a folder, with no launch settings of jobs; ends the program where it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GLASSDYN_")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment["PYTHONPATH"] = "src"
    start, before = perf_counter(), processor_seconds()
    process, ended, peaks = subprocess.Popen(command, cwd=folder, env=environment), Event(), [0.0]
    watch = Thread(target=watch_memory, args=(process.pid, is_counted, ended, peaks))
    watch.start()
    code = process.wait()
    ended.set()
    watch.join()
    if code:
        raise SystemExit(f"{' '.join(command)} failed in {folder}")
    return Usage(perf_counter() - start, processor_seconds() - before, max(peaks))


def is_no_dvc(process: psutil.Process) -> bool:
    return "dvc" not in process.cmdline()


def processor_seconds() -> float:
    """Of all processes below this one that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def watch_memory(
    pid: int, is_counted: Callable[[psutil.Process], bool], ended: Event, peaks: list[float]
) -> None:
    """Note what a process and those below it hold together, GB."""
    while not ended.wait(PAUSE):
        with suppress(psutil.Error):
            parent = psutil.Process(pid)
            family = [parent, *parent.children(recursive=True)]
            peaks.append(sum(held(process) for process in family if is_counted(process)))


def held(process: psutil.Process) -> float:
    """GB of a process; 0 of one that has ended."""
    with suppress(psutil.Error):
        return float(process.memory_full_info().pss) / 1e9
    return 0.0
