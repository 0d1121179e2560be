"""Jobs on this machine: so many side by side as there are cores, or GPUs, for them."""

import os
import sys
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from glassdyn.jobs.fork_server import ForkedProcess, ForkServer
from glassdyn.jobs.in_process import InProcess
from glassdyn.jobs.job import Job, Report
from glassdyn.jobs.process import Process, environment
from glassdyn.jobs.settings import jobs_side_by_side, threads
from glassdyn.jobs.store import source_folder
from glassdyn.jobs.worker import Spec

__all__ = ["Local", "visible_devices"]


def visible_devices() -> list[str]:
    """GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [device for device in named.split(",") if device not in {"", "-1"}]
    return [str(index) for index in range(len(list(Path("/dev").glob("nvidia[0-9]*"))))]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _runs_here(job: Job) -> bool:
    """Whether a job is done in this very process: it takes all cores, and nobody asks for jobs side by side."""
    return job.uses_all_cores and not os.environ.get("GLASSDYN_JOBS")


@dataclass
class Local:
    """The backend for this machine.

    Attributes:
        devices: GPUs; a job that wants one gets that with the fewest jobs.
        running: processes, and the GPU of each that has one.
        servers: where jobs without a GPU are forked, by module and environment.
    """

    devices: list[str] = field(default_factory=visible_devices)
    running: dict[Process | ForkedProcess, str | None] = field(default_factory=dict)
    servers: dict[Hashable, ForkServer] = field(default_factory=dict)

    def has_capacity(self, job: Job) -> bool:
        """Whether one more job may start: those with a GPU and those without do not wait for each other."""
        if _runs_here(job):
            return True
        self.running = {process: on for process, on in self.running.items() if process.poll() is None}
        on_gpu = self._takes_gpu(job)
        alike = sum((device is not None) == on_gpu for device in self.running.values())
        return alike < jobs_side_by_side(len(self.devices) if on_gpu else max(_cores() // threads(), 1))

    def start(self, job: Job, spec: Spec, report: Report) -> Process | ForkedProcess | InProcess:
        """Start the job in a process of its own, or do it here."""
        if _runs_here(job):
            return InProcess(spec, report)
        device = self._idlest() if self._takes_gpu(job) else None
        source = source_folder(job.function)
        variables = environment(source, device)
        forks = sys.platform == "linux" and device is None
        process = (
            self._server(spec.module, source, variables).start(spec) if forks else Process(spec, variables)
        )
        self.running[process] = device
        return process

    def close(self) -> None:
        """End the fork servers."""
        for server in self.servers.values():
            server.close()

    def _server(self, module: str, source: Path, variables: Mapping[str, str]) -> ForkServer:
        """The fork server for a module, started anew where it was killed."""
        key = (module, *variables.items())
        if key not in self.servers or not self.servers[key].is_running():
            self.servers[key] = ForkServer(module, source, variables)
        return self.servers[key]

    def _takes_gpu(self, job: Job) -> bool:
        return job.gpu and bool(self.devices)

    def _idlest(self) -> str:
        taken = list(self.running.values())
        return min(self.devices, key=taken.count)
