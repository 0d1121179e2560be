"""What every place does where jobs may run, and the place that the environment names."""

import os
from typing import Protocol

from glassdyn.jobs.dask_cluster import Cluster
from glassdyn.jobs.job import Job, Report
from glassdyn.jobs.local import Local
from glassdyn.jobs.worker import Spec

__all__ = ["Backend", "Task", "backend_from_environment"]


class Task(Protocol):
    """A job that has been started."""

    def poll(self) -> str | None:
        """None while it runs, "" when it has succeeded, and otherwise why it has not."""

    def stop(self) -> None:
        """End it."""


class Backend(Protocol):
    """Where jobs run."""

    def has_capacity(self, job: Job) -> bool:
        """Whether one more job may start."""

    def start(self, job: Job, spec: Spec, report: Report) -> Task:
        """Start a job; one that runs in this very process tells `report` the fraction that is done."""

    def close(self) -> None:
        """Let go of everything."""


def backend_from_environment(most: int) -> Backend:
    """The cluster that GLASSDYN_SCHEDULER names, or this machine.

    Args:
        most: jobs that a run may have at the same time.
    """
    address = os.environ.get("GLASSDYN_SCHEDULER")
    return Cluster(address, most) if address else Local()
