"""Jobs on a Dask cluster: whatever GLASSDYN_SCHEDULER names.

    tcp://host:8786   the scheduler that listens there, started with `dask scheduler`, with workers started
                      with `dask worker tcp://host:8786 --nthreads 1`
    slurm             a scheduler in this process, with workers that dask-jobqueue submits to Slurm as they
                      are needed, GLASSDYN_JOBS at the most; described by Dask's configuration, for which
                      cluster/slurm.yaml is a model

Workers have the same environment and see the same files, under the same paths, as this process. A worker
starts a process of its own for each job, which dies with it. Dask may run a job twice, when it loses sight
of a worker: the lock in the job's folder makes the second wait, and it finds the first one's result. A job
that loses its worker goes on from its checkpoint on another. By default Dask gives up on a job that has lost
four workers; where workers come and go, start the scheduler with
DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=1000, as is done here for Slurm. GLASSDYN_THREADS and
GLASSDYN_DEVICE go with each job. Each worker is to see one GPU: Slurm does that with `--gpus=1`.

Whoever reaches a scheduler or a worker can run programs as its user, unless they ask for certificates: those of Slurm do,
with certificates of the run; of a scheduler elsewhere that does not, a warning is printed. See docs/cluster.md.
"""

from dataclasses import asdict
from ipaddress import ip_address
from time import sleep
from typing import Any
from urllib.parse import urlsplit

from glassdyn.jobs import progress
from glassdyn.jobs.job import Job, JobError, Report
from glassdyn.jobs.process import Process, environment
from glassdyn.jobs.settings import jobs_side_by_side
from glassdyn.jobs.store import default_root, source_folder
from glassdyn.jobs.worker import Spec

__all__ = ["Cluster", "run_on_worker"]

RETRIES = 3
"""How often a job is tried again whose process was killed, by the kernel for memory or by a person."""

FAILURES = 1000
"""Workers that a job may lose: at the end of their time on a cluster, they go."""

PAUSE = 0.2
"""Seconds between two looks of a worker at its process."""


class Cluster:
    """The backend for a Dask cluster.

    Args:
        address: value of GLASSDYN_SCHEDULER.
        most: workers to ask Slurm for, unless GLASSDYN_JOBS says otherwise.

    Raises:
        JobError: where Dask is not installed or the scheduler does not answer.
    """

    def __init__(self, address: str, most: int) -> None:
        self._workers = _slurm(jobs_side_by_side(most)) if address == "slurm" else None
        self._client = _connect(self._workers or address, address)
        if self._workers is None and not self._client.scheduler_info()["workers"]:
            progress.print_line(f"the scheduler at {address} has no worker yet; jobs start when one comes")
        if _is_open_to_others(self._client.scheduler.address):
            progress.print_line(
                f"warning: whoever reaches {address} can run programs as you: start scheduler and workers with "
                "`--host 127.0.0.1`, or with certificates (docs/cluster.md)"
            )

    def has_capacity(self, _job: Job) -> bool:
        """Always: the scheduler keeps what has to wait."""
        return True

    def start(self, job: Job, spec: Spec, _report: Report) -> "Remote":
        """Submit the job."""
        variables = environment(source_folder(job.function), None)
        return Remote(
            self._client.submit(run_on_worker, asdict(spec), variables, pure=False, retries=RETRIES)
        )

    def close(self) -> None:
        """Leave the cluster; what it still runs for this process ends."""
        self._client.close()
        if self._workers is not None:
            self._workers.close()


class Remote:
    """A job on the cluster."""

    def __init__(self, future: Any) -> None:
        self._future = future

    def poll(self) -> str | None:
        """None while it runs, "" when it has succeeded, and otherwise why it has not."""
        match self._future.status:
            case "pending":
                return None
            case "finished":
                return str(self._future.result())
            case "error":
                return repr(self._future.exception())
            case status:
                return f"{status}: the scheduler has gone or has dropped the job; run again to go on"

    def stop(self) -> None:
        """End it."""
        self._future.cancel()


def run_on_worker(spec: dict[str, Any], variables: dict[str, str]) -> str:
    """Run a job in a process of its own, on a worker; see `Process.poll` for what is returned.

    Raises:
        ChildProcessError: where the process was killed, so that Dask tries again.
        Reschedule: where the worker leaves the cluster, so that the job goes on elsewhere.
    """
    from distributed import Reschedule, Status, get_worker  # noqa: PLC0415 (an optional dependency)

    worker = get_worker()
    key = worker.get_current_task()
    process = Process(Spec(**spec), variables)
    try:
        while (outcome := process.poll()) is None:
            task = worker.state.tasks.get(key)
            if task is None or task.state == "cancelled":
                return "cancelled"
            if worker.status != Status.running:
                raise Reschedule
            sleep(PAUSE)
    finally:
        process.stop()
    if outcome.startswith("killed"):
        raise ChildProcessError(outcome)
    return outcome


def _connect(target: Any, address: str) -> Any:
    try:
        from distributed import Client  # noqa: PLC0415 (an optional dependency)

        return Client(target, set_as_default=False)  # type: ignore[no-untyped-call]
    except ImportError:
        raise JobError(
            f"GLASSDYN_SCHEDULER={address} needs Dask: install the extra `glassdyn[cluster]`"
        ) from None
    except (OSError, TypeError, ValueError) as error:  # a TypeError where certificates are lacking
        raise JobError(
            f"GLASSDYN_SCHEDULER must be the address of a Dask scheduler, or slurm: got {address} ({error})"
        ) from None


def _is_open_to_others(address: str) -> bool:
    """Whether programs that have no certificate can reach a scheduler from other machines."""
    parts = urlsplit(address)
    try:
        return parts.scheme == "tcp" and not ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.scheme == "tcp" and parts.hostname != "localhost"


def _slurm(most: int) -> Any:
    try:
        import dask  # noqa: PLC0415 (an optional dependency)
        from dask_jobqueue.slurm import SLURMCluster  # noqa: PLC0415
    except ImportError:
        raise JobError(
            "GLASSDYN_SCHEDULER=slurm needs dask-jobqueue: install the extra `glassdyn[cluster]`"
        ) from None
    dask.config.set({"distributed.scheduler.allowed-failures": FAILURES})
    certificates = default_root().resolve() / "certificates"
    certificates.mkdir(mode=0o700, parents=True, exist_ok=True)
    workers = SLURMCluster(security=True, shared_temp_directory=str(certificates))
    workers.adapt(minimum_jobs=0, maximum_jobs=most)
    return workers
