"""Compiled kernels: kept where there is room, never stale, on all cores."""

import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from threading import get_ident
from time import sleep

import numpy as np
import pytest

from glassdyn.liquid.compiled import parallel_for

RUN = """
import numpy as np
from glassdyn.liquid.neighbours import find_neighbours
print(len(find_neighbours(np.eye(3), 9.0, 2.0).receivers))
"""


@pytest.mark.parametrize(("total", "size"), [(0, None), (1, None), (17, 5), (1000, None)])
def test_ranges_cover_everything_once(total, size):
    visits = np.zeros(total, int)

    def work(start, stop):
        visits[start:stop] += 1

    parallel_for(total, work, size)
    np.testing.assert_array_equal(visits, 1)


def test_an_error_in_a_range_arrives():
    def work(start, stop):
        if start <= 3 < stop:
            raise ValueError("three")

    with pytest.raises(ValueError, match="three"):
        parallel_for(10, work)


def test_loops_within_loops_and_after_a_fork_end():
    """Also where every thread waits for a loop of its own, and in a process that has no thread but this."""
    visits = np.zeros((40, 40), int)

    def visit(row, start, stop):
        visits[row, start:stop] += 1

    def outer(start, stop):
        for row in range(start, stop):
            parallel_for(40, partial(visit, row), 1)

    parallel_for(40, outer, 1)
    np.testing.assert_array_equal(visits, 1)
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        parallel_for(40, outer, 1)
        os._exit(int(visits.sum() != 2 * 1600))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_loop_within_a_loop_stays_on_its_thread(monkeypatch):
    """Each core has work already; the memory of an outer range is its thread's."""
    monkeypatch.setattr("glassdyn.liquid.compiled.cores", lambda: 4)
    threads = []

    def outer(_start, _stop):
        own = get_ident()
        sleep(0.01)
        parallel_for(8, lambda _first, _last: threads.append((own, get_ident())), 1)

    parallel_for(16, outer, 1)
    assert len(threads) == 16 * 8
    assert all(inner == own for own, inner in threads)
    assert len(set(threads)) > 1


def run(package, **environment):
    return subprocess.run(
        [sys.executable, "-c", RUN], env=os.environ | {"PYTHONPATH": str(package)} | environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_an_edited_module_is_compiled_anew(root, tmp_path):
    """A type that has moved, an edited constant: the folder of kernels is another one."""
    shutil.copytree(root / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    caches = tmp_path / "src" / "glassdyn" / "__pycache__"
    assert run(tmp_path / "src").stdout == "6\n"
    assert len(list(caches.glob("numba-*"))) == 1
    module = tmp_path / "src" / "glassdyn" / "liquid" / "neighbours.py"
    module.write_text(module.read_text().replace("class Cells", "class Grid").replace("Cells", "Grid"))
    again = run(tmp_path / "src")
    assert again.stdout == "6\n", again.stderr
    assert len(list(caches.glob("numba-*"))) == 2


@pytest.mark.slow
def test_checkouts_of_one_repository_share_kernels(root, tmp_path):
    written = []
    for name in ("here", "there"):
        shutil.copytree(root / "src", tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        assert run(tmp_path / name, DVC_ROOT=str(tmp_path)).stdout == "6\n"
        kernels = sorted((tmp_path / ".scratch" / "kernels").rglob("*.nb[ci]"))
        written.append({kernel: kernel.stat().st_mtime_ns for kernel in kernels})
    assert written[0]
    assert written[0] == written[1]


@pytest.mark.slow
def test_without_a_place_to_write_kernels_are_compiled_all_the_same(root):
    assert run(root / "src", NUMBA_CACHE_DIR="/proc/none").stdout == "6\n"
