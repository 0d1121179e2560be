"""A process that ends with its parent. Imported before anything else, so that nothing slow is."""

import ctypes
import os
import signal
import sys

__all__ = ["die_with_parent"]

SET_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when its parent dies, also when that is killed.

    Only Linux can; elsewhere a killed parent leaves its children to end by themselves.

    Args:
        parent: process id; if it is gone already, this process ends here.
        number: the signal.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, int(number))
    if os.getppid() != parent:
        os.kill(os.getpid(), number)
