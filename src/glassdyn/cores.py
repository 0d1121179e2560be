"""How many processors there are for a program."""

import os
import sys

__all__ = ["count_cores"]


def count_cores() -> int:
    """Processors that this process may use: those it is bound to, where the system says which."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
