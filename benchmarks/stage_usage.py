"""What a stage takes under DVC: minutes, processor time and memory of all its processes."""

import os
import resource
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from typing import NamedTuple

import psutil

__all__ = ["Usage", "run_stage"]

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
    """Run one stage by DVC, which is not counted in the memory; ends the program where the stage fails."""
    command = [sys.executable, "-m", "dvc", "repro", "-q", "-s", stage]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for name in ("GLASSDYN_SCRATCH", "GLASSDYN_SCHEDULER", "PYTHONPATH"):
        environment.pop(name, None)
    start, before = perf_counter(), processor_seconds()
    process, ended, peaks = subprocess.Popen(command, cwd=checkout, env=environment), Event(), [0.0]
    watch = Thread(target=watch_memory, args=(process.pid, ended, peaks))
    watch.start()
    code = process.wait()
    ended.set()
    watch.join()
    if code:
        raise SystemExit(f"the stage {stage} failed in {checkout}")
    return Usage(perf_counter() - start, processor_seconds() - before, max(peaks))


def processor_seconds() -> float:
    """Of all processes below this one that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def watch_memory(dvc: int, ended: Event, peaks: list[float]) -> None:
    """Note what the processes below DVC hold together, GB."""
    while not ended.wait(PAUSE):
        with suppress(psutil.Error):
            peaks.append(sum(map(held, psutil.Process(dvc).children(recursive=True))))


def held(process: psutil.Process) -> float:
    """GB of a process; 0 of one that has ended."""
    with suppress(psutil.Error):
        return float(process.memory_full_info().pss) / 1e9
    return 0.0
