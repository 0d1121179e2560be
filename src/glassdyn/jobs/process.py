"""Processes that do not outlive their parent: a worker, and what became of it."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from glassdyn.jobs.code_digest import SOURCE
from glassdyn.jobs.settings import threads
from glassdyn.jobs.worker import Spec

__all__ = ["Process", "advice", "describe_failure", "environment"]

RUN = """\
import sys
from glassdyn.parent_process import die_with_parent
die_with_parent(int(sys.argv[1]))
from glassdyn.jobs.worker import main
main()
"""

TAIL = 3000
"""Bytes of a failed job's last words."""

FULL = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
"""What the file system says when there is no room: for anyone, for this user, for this file."""

PATIENCE = 5.0
"""Seconds between asking a process to end and ending it."""


def environment(source: Path, device: str | None) -> dict[str, str]:
    """What a job finds in its environment: its code first, its threads, its GPU.

    A worker of a cluster was started elsewhere, so that launch settings have to go with the job.

    Args:
        source: folder of the package that holds the function.
        device: value of CUDA_VISIBLE_DEVICES, or None to leave it.
    """
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = dict.fromkeys(map(str, (source, SOURCE, *(Path(path).resolve() for path in before if path))))
    libraries = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    wanted = os.environ.get("GLASSDYN_DEVICE")
    return {
        "PYTHONPATH": os.pathsep.join(paths),
        **dict.fromkeys(("GLASSDYN_THREADS", *libraries), str(threads())),
        **({} if wanted is None else {"GLASSDYN_DEVICE": wanted}),
        **({} if device is None else {"CUDA_VISIBLE_DEVICES": device}),
    }


class Process:
    """A running worker; it dies with the process that started it."""

    def __init__(self, spec: Spec, variables: Mapping[str, str]) -> None:
        self._outcome: str | None = None
        self._output: IO[bytes] = TemporaryFile()  # noqa: SIM115 (open as long as the process runs)
        with TemporaryFile() as stdin:
            stdin.write(json.dumps(asdict(spec)).encode())
            stdin.seek(0)
            self._process = subprocess.Popen(  # noqa: S603 (this interpreter, and a module of ours)
                [sys.executable, "-c", RUN, str(os.getpid())],
                stdin=stdin,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                env=os.environ | dict(variables),
                process_group=0,  # Ctrl-C is for the parent, which ends its children
            )

    def poll(self) -> str | None:
        """None while it runs, "" when it has succeeded, and otherwise why it has not."""
        code = self._process.poll()
        if code is not None and self._outcome is None:
            with self._output:
                self._outcome = describe_failure(code, self._output)
        return self._outcome

    def stop(self) -> None:
        """End it."""
        if self.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self.poll()


def describe_failure(code: int, output: IO[bytes]) -> str:
    """Why a process has failed: how it ended, its last words, what to do; "" where it has not.

    Args:
        code: its exit status, or minus the number of the signal that has killed it.
        output: what it has printed.
    """
    if code == 0:
        return ""
    output.seek(max(output.seek(0, os.SEEK_END) - TAIL, 0))
    words = output.read().decode(errors="replace").strip()
    how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    return "\n".join(filter(None, [how, words, advice(words)]))


def advice(words: str) -> str:
    """What to do about an error, where its message says that there is no room; otherwise ""."""
    if not any(message in words for message in FULL):
        return ""
    return (
        "the disk is full, or a quota or a limit is reached: make room and run again; finished jobs are kept, "
        "and this one goes on from its last checkpoint"
    )
