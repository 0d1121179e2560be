"""What many tests need: the repository's root, its parameters, and one thread per process."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # tests run side by side already

settings.register_profile("repeatable", derandomize=True)  # others: `pytest --hypothesis-profile=default`
settings.load_profile("repeatable")

ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items):
    """The longest file starts first, so that workers end together."""
    items.sort(key=lambda item: item.path.name != "test_dvc.py")


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def reference_data() -> Path:
    folder = Path(os.environ.get("GLASSDYN_REFERENCE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder} (set GLASSDYN_REFERENCE_DATA)")
    return folder
