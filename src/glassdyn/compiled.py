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


def share(total: int, work: Callable[[int, int], None], pieces_per_core: int = 8) -> None:
    """Call `work(start, stop)` on ranges that cover [0, total), on all cores.

    Args:
        total: number of items.
        work: treats the items start ... stop - 1; must release the interpreter to gain anything.
        pieces_per_core: ranges per core; several, so that uneven ones balance.
    """
    threads = cores()
    pieces = max(1, min(total, threads * pieces_per_core)) if threads > 1 else 1
    bounds = [total * piece // pieces for piece in range(pieces + 1)]
    if pieces == 1:
        work(0, total)
        return
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, *bounds[piece : piece + 2]) for piece in range(pieces)]:
            done.result()
