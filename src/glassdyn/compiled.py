"""Loops as machine code, on all cores: Numba without its thread pool.

Kernels release the interpreter and take a range of their work; `share` spreads ranges over threads.
So results do not depend on the number of cores, and no threading layer can clash with another
library's.

A compiled kernel is kept on disk and found stale by the date of its own file alone. Therefore a
kernel calls kernels of its own module only.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import numba

__all__ = ["compiled", "cores", "share"]

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Turn the function into machine code, kept on disk where a place for it can be written."""
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # neither __pycache__ nor the user's cache can be written
        return numba.njit(nogil=True, error_model="numpy")(function)


def cores() -> int:
    """Cores to use: those of this process, or fewer by the environment's NUMBA_NUM_THREADS."""
    return numba.get_num_threads()


def share(total: int, work: Callable[[int, int], None], at_a_time: int | None = None) -> None:
    """Call `work(start, stop)` on ranges that cover [0, total), on all cores.

    Args:
        total: number of items.
        work: treats the items start ... stop - 1; must release the interpreter to gain anything.
        at_a_time: items in a range; by default an eighth of a core's share, so that uneven ones balance.
    """
    threads = cores()
    size = at_a_time or max(1, -(-total // (8 * threads)))
    ranges = [(start, min(start + size, total)) for start in range(0, total, size)]
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, *bounds) for bounds in ranges]:
            done.result()
