"""Launch settings: what the environment says of how many jobs run, and on how many threads each."""

import os

from glassdyn.jobs.job import JobError

__all__ = ["jobs_side_by_side", "threads"]


def threads() -> int:
    """Threads of each job: GLASSDYN_THREADS, or 1."""
    return _number("GLASSDYN_THREADS", 1)


def jobs_side_by_side(usual: int) -> int:
    """Jobs at a time: GLASSDYN_JOBS, or what is usual."""
    return _number("GLASSDYN_JOBS", usual)


def _number(name: str, usual: int) -> int:
    value = os.environ.get(name) or str(usual)
    if not (value.isdecimal() and int(value) > 0):
        raise JobError(
            f"{name} must be a whole number, at least 1: got {value!r}; unset it for the usual {usual}"
        )
    return int(value)
