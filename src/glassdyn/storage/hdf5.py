"""HDF5 files that appear whole or not at all, with bytes that depend on their content alone.

The HDF5 library does not survive a full disk: it crashes, when it closes a file, over what it could not
write. Here a full disk is an OSError before the library can meet it.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from glassdyn.jobs.atomic import atomic_write

__all__ = ["large_file", "require_group", "small_file"]

VERSION = ("v110", "v110")
"""Of the format: fixed, whatever the library's version, with checksums on all metadata."""

GROWTH = 2**22
"""Bytes by which a file in memory grows."""


@contextmanager
def small_file(path: Path) -> Iterator[h5py.File]:
    """Yield a new file, kept in memory and written when the block succeeds.

    Raises:
        OSError: what the file system says; `path` is then as it was.
    """
    with atomic_write(path) as beside:
        with h5py.File(
            beside, "w", driver="core", backing_store=False, block_size=GROWTH, libver=VERSION
        ) as file:
            yield file
            file.flush()
            image = file.id.get_file_image()
        beside.write_bytes(image)


@contextmanager
def large_file(path: Path, max_bytes: int) -> Iterator[h5py.File]:
    """Yield a new file on the disk, where `max_bytes` are reserved before anything is written.

    Raises:
        OSError: where the disk has less space; `path` is then as it was.
    """
    with atomic_write(path) as beside:
        with h5py.File(beside, "x", libver=VERSION) as file:
            file.flush()
            _reserve(beside, max_bytes)
            yield file
            file.flush()
            size = file.id.get_filesize()
        os.truncate(beside, size)


def _reserve(path: Path, size: int) -> None:
    if sys.platform == "linux":
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, size)


def require_group(parent: h5py.Group, name: str) -> h5py.Group:
    """The group of that name, created where it is absent, without the time of its creation."""
    for step in name.split("/"):
        if step not in parent:
            properties = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
            properties.set_obj_track_times(False)
            h5py.h5g.create(parent.id, step.encode(), gcpl=properties)
        parent = parent[step]
    return parent
