"""Loops as machine code, on all cores: Numba without its thread pool.

Kernels release the interpreter and take a range of their items; `parallel_for` distributes ranges over threads.
Results do not depend on the number of cores, and no threading layer can clash with another library's.
"""

import hashlib
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from pathlib import Path
from threading import local
from typing import ParamSpec, TypeVar

import numba
from numba.core.caching import UserProvidedCacheLocator

__all__ = ["KernelLocator", "compiled", "cores", "parallel_for"]

P = ParamSpec("P")
R = TypeVar("R")


def _cache_folder() -> Path | None:
    """The folder of compiled kernels: one for each state of the modules that hold kernels.

    Numba checks a kernel's own file only, and would reuse a kernel whose types or callees are defined in another module
    that was edited since. Under DVC the folder lies in the scratch folder of the repository, which the temporary
    checkouts of experiments share: compiling takes seconds.
    """
    package = Path(__file__).parents[1]
    sources = [path.read_bytes() for path in sorted(package.rglob("*.py"))]
    kernels = [source for source in sources if b"compiled" in source]
    name = f"numba-{hashlib.sha256(b''.join(kernels)).hexdigest()[:16]}"
    setting, repository = os.environ.get("NUMBA_CACHE_DIR"), os.environ.get("DVC_ROOT")
    shared = [Path(repository) / ".scratch" / "kernels"] if repository else []
    usual = [*shared, package / "__pycache__", Path.home() / ".cache" / "glassdyn"]
    for parent in [setting] if setting else usual:
        folder = Path(parent) / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


CACHE = _cache_folder()


class KernelLocator(UserProvidedCacheLocator):
    """Where Numba keeps a kernel: under the name of its module, not the path of its file, which differs by checkout."""

    def get_cache_path(self) -> str:
        """The folder of a kernel."""
        return str(Path(str(CACHE)) / Path(self._py_file).stem)


vars(numba.config)["CACHE_DIR"] = str(CACHE or "")
vars(numba.config)["CACHE_LOCATOR_CLASSES"] = f"{__name__}.KernelLocator" if CACHE else ""


LOOP = local()
"""`is_running`: whether this thread works for a loop."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile the function to machine code, cached on disk where a folder is writable."""
    return numba.njit(cache=CACHE is not None, nogil=True, error_model="numpy")(function)


def cores() -> int:
    """Cores to use: those of this process, or fewer by the environment's NUMBA_NUM_THREADS."""
    return numba.get_num_threads()


def parallel_for(total: int, work: Callable[[int, int], None], at_a_time: int | None = None) -> None:
    """Call `work(start, stop)` on ranges that cover [0, total), on all cores; in a loop within a loop on one.

    Args:
        total: number of items.
        work: processes the items start ... stop - 1; must release the interpreter to run in parallel.
        at_a_time: items in a range; by default an eighth of a core's share, so that uneven ones balance.
    """
    threads = 1 if getattr(LOOP, "is_running", False) else cores()
    size = at_a_time or max(1, -(-total // (8 * threads)))
    ranges = deque((start, min(start + size, total)) for start in range(0, total, size))

    def work_through() -> None:
        is_within, LOOP.is_running = getattr(LOOP, "is_running", False), True
        try:
            while ranges:
                try:
                    bounds = ranges.popleft()
                except IndexError:  # another thread was faster
                    return
                work(*bounds)
        finally:
            LOOP.is_running = is_within

    helpers = [_threads(threads).submit(work_through) for _ in range(min(threads, len(ranges)) - 1)]
    try:
        work_through()
    finally:
        ranges.clear()  # after an error: the others end with the range that they have
        running = [helper for helper in helpers if not helper.cancel()]
        wait(running)
    for helper in running:
        helper.result()


@cache
def _threads(count: int) -> ThreadPoolExecutor:
    """Threads that wait for work: to start them takes longer than many a loop."""
    return ThreadPoolExecutor(count, "loop")


os.register_at_fork(after_in_child=_threads.cache_clear)  # which has none of them
