"""One job in a process of its own: `main`, with the job as JSON on the standard input."""

import importlib
import json
import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from glassdyn.jobs.job import Function, JobContext, JobError, Report
from glassdyn.jobs.store import JobFolder, function_digest

__all__ = ["Spec", "main", "work"]


@dataclass(frozen=True)
class Spec:
    """What a worker must know.

    Attributes:
        folder: of the job in the scratch folder.
        module: of the function.
        function: its name.
        code: digest of the code that determines what it returns.
        arguments: of the job.
        inputs: paths.
        output: name of the output.
        extra_outputs: their names.
    """

    folder: str
    module: str
    function: str
    code: str
    arguments: dict[str, Any]
    inputs: list[str]
    output: str
    extra_outputs: list[str]


def work(spec: Spec, report: Report | None = None) -> None:
    """Do the job unless it is done; one process at a time, the others wait and find the result.

    Args:
        spec: of the job.
        report: takes the fraction that is done; by default it goes to a file in the job's folder.

    Raises:
        FileNotFoundError: where the function has not written what it was to write.
        JobError: where its code is no longer that of the job.
    """
    folder = JobFolder(Path(spec.folder))
    with folder.claim():
        if folder.is_finished():
            return
        function = getattr(importlib.import_module(spec.module), spec.function)
        _check_code(function, spec.code)
        function(
            JobContext(
                spec.arguments,
                [Path(path) for path in spec.inputs],
                folder.attempt / spec.output,
                folder.checkpoint,
                report or _report_to_file(folder.progress),
                lambda words: _write_words(folder.words, words),
            )
        )
        expected = {spec.output, *spec.extra_outputs}
        written = {child.name for child in folder.attempt.iterdir()}
        if written != expected:
            raise FileNotFoundError(
                f"{spec.function} writes its output and extra outputs, {sorted(expected)}: got {sorted(written)}"
            )
        _check_code(function, spec.code)  # it may have imported more on its way
        folder.finish()


def _check_code(function: Function, code: str) -> None:
    if function_digest(function) != code:
        raise JobError(
            f"code must stay as it is while a run is under way: {function.__module__} or what it imports was "
            "edited; run again to compute with the new code, or put the old code back and go on from the "
            "last checkpoint"
        )


def _report_to_file(path: Path) -> Report:
    last = -1.0

    def report(fraction: float) -> None:
        nonlocal last
        now = monotonic()
        if now - last > 0.5:
            last = now
            path.write_text(f"{fraction:.6f}")

    return report


def _write_words(path: Path, words: str) -> None:
    path.write_text(words)


def main() -> None:
    """Run the job that the standard input describes."""
    spec = Spec(**json.load(sys.stdin))
    try:
        work(spec)
    except BaseException:  # noqa: BLE001 (whatever it is, it is printed, and the process ends)
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)  # HDF5 would try again, on the way out, to write what it could not
