"""Loops as machine code, on all cores: Numba without its thread pool.

Kernels release the interpreter and take a range of their items; `parallel_for` distributes ranges over threads.
Results do not depend on the number of cores, and no threading layer can clash with another library's.
"""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

import numba

__all__ = ["compiled", "cores", "parallel_for"]

P = ParamSpec("P")
R = TypeVar("R")


def _cache_folder() -> Path | None:
    """The folder of compiled kernels: one for each state of the modules that hold kernels.

    Numba checks the date of a kernel's own file only, and would reuse a kernel whose types or callees are defined in
    another module that was edited since.
    """
    package = Path(__file__).parents[1]
    sources = [path.read_bytes() for path in sorted(package.rglob("*.py"))]
    kernels = [source for source in sources if b"compiled" in source]
    name = f"numba-{hashlib.sha256(b''.join(kernels)).hexdigest()[:16]}"
    setting = os.environ.get("NUMBA_CACHE_DIR")
    for parent in [setting] if setting else [package / "__pycache__", Path.home() / ".cache" / "glassdyn"]:
        folder = Path(parent) / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


CACHE = _cache_folder()
vars(numba.config)["CACHE_DIR"] = str(CACHE or "")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile the function to machine code, cached on disk where a folder is writable."""
    return numba.njit(cache=CACHE is not None, nogil=True, error_model="numpy")(function)


def cores() -> int:
    """Cores to use: those of this process, or fewer by the environment's NUMBA_NUM_THREADS."""
    return numba.get_num_threads()


def parallel_for(total: int, work: Callable[[int, int], None], at_a_time: int | None = None) -> None:
    """Call `work(start, stop)` on ranges that cover [0, total), on all cores.

    Args:
        total: number of items.
        work: processes the items start ... stop - 1; must release the interpreter to run in parallel.
        at_a_time: items in a range; by default an eighth of a core's share, so that uneven ones balance.
    """
    threads = cores()
    size = at_a_time or max(1, -(-total // (8 * threads)))
    ranges = [(start, min(start + size, total)) for start in range(0, total, size)]
    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(work, *bounds) for bounds in ranges]:
            future.result()
