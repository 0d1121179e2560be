"""Processes for many jobs of one module: forked from a server that has imported the libraries already.

A fresh process spends more on imports than a short job on its work. A server imports, once, those libraries that the
process of the run has imported, has Numba ready, and reads the code of the jobs' module for its digest. The modules
of the package itself each job imports anew: so it runs the code that lies there when it starts, as a fresh process
would.

Fork copies one thread. Libraries that start threads when they are imported, such as polars, are therefore left to the
jobs, and a server that has more than one thread all the same starts fresh processes.

Linux only: there, a job ends with its server, and the server with the process of the run, however that ends.
"""

import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from glassdyn.jobs.code_digest import code_digest
from glassdyn.jobs.process import PATIENCE, RUN, describe_failure
from glassdyn.jobs.worker import Spec, main
from glassdyn.parent_process import die_with_parent

__all__ = ["ForkServer", "ForkedProcess", "register_types", "serve"]

LIBRARIES = frozenset(sys.stdlib_module_names) | {
    *("dvclive", "h5py", "numba", "numpy", "omegaconf", "pyarrow", "pydantic", "rich", "scipy", "torch")
}
"""What takes long to import and starts no thread, that of pyarrow's allocator switched off."""

NO_THREADS = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}

SERVE = """\
import sys
from glassdyn.parent_process import die_with_parent
die_with_parent(int(sys.argv[1]))
from glassdyn.jobs.fork_server import serve
serve(*sys.argv[2:])
"""

REQUEST = b"job"
"""What comes with the descriptors of a job: its standard input, its output, its channel."""

PAUSE = 0.05
"""Seconds between two looks of a server at its jobs."""


class ForkedProcess:
    """A job of a fork server; see `process.Process`."""

    def __init__(self, server: "ForkServer", channel: socket.socket, output: IO[bytes]) -> None:
        self._server, self._channel, self._output = server, channel, output
        self._outcome: str | None = None

    def poll(self) -> str | None:
        """None while it runs, "" when it has succeeded, and otherwise why it has not."""
        if self._outcome is None and self._wait(0.0):
            with self._output, self._channel:
                try:
                    words = self._channel.recv(16)
                except ConnectionResetError:
                    words = b""
                code = int(words) if words else None
                self._outcome = (
                    self._server.describe_end() if code is None else describe_failure(code, self._output)
                )
        return self._outcome

    def stop(self) -> None:
        """End it."""
        for number, patience in ((signal.SIGTERM, PATIENCE), (signal.SIGKILL, None)):
            if self.poll() is None:
                with suppress(OSError):  # the server has ended, and with it the job
                    self._channel.send(bytes([number]))
                self._wait(patience)
        self.poll()

    def _wait(self, seconds: float | None) -> bool:
        return bool(select.select([self._channel], [], [], seconds)[0])


class ForkServer:
    """A process that starts jobs by fork.

    Args:
        module: of the jobs' functions.
        source: folder of the package that holds it.
        variables: the jobs' environment, beside that of this process; see `process.environment`.
    """

    def __init__(self, module: str, source: Path, variables: Mapping[str, str]) -> None:
        libraries = [name for name in list(sys.modules) if name.partition(".")[0] in LIBRARIES]
        self._output: IO[bytes] = TemporaryFile()  # noqa: SIM115 (open as long as the process runs)
        self._connection, remote = socket.socketpair()
        with remote:
            self._process = subprocess.Popen(  # noqa: S603 (this interpreter, and a module of ours)
                [
                    *(sys.executable, "-c", SERVE, str(os.getpid())),
                    *(str(remote.fileno()), module, str(source), *libraries),
                ],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                env=os.environ | NO_THREADS | dict(variables),
                pass_fds=[remote.fileno()],
                process_group=0,
            )

    def is_running(self) -> bool:
        """Whether it takes jobs."""
        return self._process.poll() is None

    def start(self, spec: Spec) -> ForkedProcess:
        """Start a job."""
        output = TemporaryFile()  # noqa: SIM115 (open as long as the job runs)
        channel, remote = socket.socketpair()
        with TemporaryFile() as stdin, remote:
            stdin.write(json.dumps(asdict(spec)).encode())
            stdin.seek(0)
            with suppress(BrokenPipeError, ConnectionResetError):  # the server was killed: `poll` says so
                socket.send_fds(
                    self._connection, [REQUEST], [stdin.fileno(), output.fileno(), remote.fileno()]
                )
        return ForkedProcess(self, channel, output)

    def describe_end(self) -> str:
        """Why a job has failed whose server has ended."""
        how = describe_failure(self._process.wait(), self._output)
        return (
            f"the process that had started it was ended; run again to go on from the last checkpoint\n{how}"
        )

    def close(self) -> None:
        """End it, and what it runs."""
        self._connection.close()
        self._process.kill()
        self._process.wait()
        self._output.close()


class Child(NamedTuple):
    """A running job, as its server sees it.

    Attributes:
        pid: process id.
        channel: brings numbers of signals to send, and takes the exit status.
    """

    pid: int
    channel: socket.socket

    def has_ended(self) -> bool:
        """Pass on signals; report the exit status when there is one."""
        if select.select([self.channel], [], [], 0.0)[0]:
            number = self.channel.recv(1) or bytes([signal.SIGKILL])  # nobody waits for it any longer
            os.kill(self.pid, number[0])
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            with self.channel, suppress(OSError):
                self.channel.send(str(os.waitstatus_to_exitcode(status)).encode())
        return bool(pid)


def serve(descriptor: str, module: str, source: str, *libraries: str) -> None:
    """Start jobs until the process of the run ends; a job that is forked ends here.

    Args:
        descriptor: of the connection to the process of the run.
        module: of the jobs' functions.
        source: folder of the package that holds it.
        libraries: names of modules to import, each an argument of the process: a single one is limited to 128 KiB.
    """
    _import_libraries(libraries)
    with suppress(
        ImportError, OSError, SyntaxError, ValueError
    ):  # each job reads it again, and says what is wrong
        code_digest(module, Path(source))
    gc.freeze()  # else the first collection of each job copies the memory that it shares with the server
    with socket.socket(fileno=int(descriptor)) as connection:
        in_job = _start_jobs(connection)
    if in_job:
        main()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)  # to take down the libraries would copy their memory, and cost more than a short job


def _start_jobs(connection: socket.socket) -> bool:
    """Start a job for each request, until the connection ends; True in the process of a job that was forked."""
    children: list[Child] = []
    while True:
        channels = [child.channel for child in children]
        ready, _, _ = select.select([connection, *channels], [], [], PAUSE if children else None)
        children = [child for child in children if not child.has_ended()]
        if connection in ready:
            _, descriptors, _, _ = socket.recv_fds(connection, len(REQUEST), 3, socket.MSG_CMSG_CLOEXEC)
            if not descriptors:
                return False
            stdin, output, channel = descriptors
            child = Child(_start(stdin, output), socket.socket(fileno=channel))
            children.append(child)
            os.close(stdin)
            os.close(output)
            if child.pid == 0:
                for each in children:
                    each.channel.close()
                return True


def _import_libraries(names: Sequence[str]) -> None:
    for name in names:
        with suppress(Exception):  # one that no import statement can name; or a job imports it, and fails
            importlib.import_module(name)
    if "numba" in sys.modules:
        register_types()


def register_types() -> None:
    """Call a kernel: with the first, Numba registers all types and functions, which takes a second."""
    import numba  # noqa: PLC0415 (a second, which a run without kernels need not wait)

    numba.njit()(lambda: 0)()


def _is_single_threaded() -> bool:
    return len(list(Path("/proc/self/task").iterdir())) == 1


def _start(stdin: int, output: int) -> int:
    """Start a process with these files as its standard streams; 0 in that process itself, where it is forked."""
    streams = ((stdin, 0), (output, 1), (output, 2))
    server = os.getpid()
    if not _is_single_threaded():
        return os.posix_spawn(
            sys.executable,
            [sys.executable, "-c", RUN, str(server)],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, *pair) for pair in streams],
            setpgroup=0,
        )
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        die_with_parent(server)
        for pair in streams:
            os.dup2(*pair)
    return pid
