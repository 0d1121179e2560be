"""The most memory that a process has held."""

import resource
from pathlib import Path

__all__ = ["peak"]


def peak() -> float:
    """GB resident at the most since this program began.

    Linux's VmHWM, where it is: `ru_maxrss` also counts the parent that a process was forked from.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024 / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
