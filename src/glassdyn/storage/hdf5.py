"""HDF5 files that appear whole or not at all, with bytes that depend on their content alone, and hold what they show.

The HDF5 library does not survive a full disk: it crashes, when it closes a file, over what it could not
write. Here a full disk is an OSError before the library can meet it. It also reads other files wherever a file says so,
and allots whatever size a file declares; such files are refused.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from glassdyn.errors import GlassdynError
from glassdyn.jobs.atomic import atomic_write

__all__ = ["StorageError", "large_file", "open_file", "require_group", "require_stored", "small_file"]

VERSION = ("v110", "v110")
"""Of the format: fixed, whatever the library's version, with checksums on all metadata."""

GROWTH = 2**22
"""Bytes by which a file in memory grows."""

DEFLATE = 1032
"""Bytes that one byte of a deflate stream can become."""

SMALL = 2**20
"""Bytes that a dataset may have without any being stored, as one of a single value has."""


class StorageError(GlassdynError):
    """An HDF5 file whose contents lie elsewhere, or nowhere."""


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


@contextmanager
def open_file(path: Path, *, cache_bytes: int = 2**20) -> Iterator[h5py.File]:
    """Yield a finished file, which nobody writes, for reading.

    Args:
        path: the file.
        cache_bytes: for chunks of each dataset.

    Raises:
        StorageError: for a file that reads others: by external links, external raw storage or virtual datasets.
        OSError: for a file that is absent, damaged or not HDF5.
    """
    with h5py.File(path, "r", rdcc_nbytes=cache_bytes, locking=False) as file:
        try:
            elsewhere = file.visititems_links(_external_link) or file.visititems(_external_data)
        except SystemError as error:  # what h5py makes of two errors at a time
            raise OSError(f"names of {path} cannot be read") from error
        if elsewhere:
            raise StorageError(
                f"a file holds its data itself, none is read from another: got {elsewhere} in {path}; copy the data "
                "into the file, as `h5repack` and `h5copy -f ext` do"
            )
        yield file


def require_stored(dataset: h5py.Dataset) -> None:
    """Refuse a dataset that declares more than its stored bytes can become, before memory is taken for it.

    Raises:
        StorageError: with the bytes declared and stored; where the dataset does not say where its bytes are.
    """
    try:
        stored = dataset.id.get_storage_size()
    except RuntimeError as error:
        raise StorageError(
            f"{dataset.file.filename} is damaged at {dataset.name} ({error}); make it anew"
        ) from None
    largest = max((DEFLATE if dataset.id.get_create_plist().get_nfilters() else 1) * stored, SMALL)
    if dataset.nbytes > largest:
        raise StorageError(
            f"a dataset declares what is stored: got {dataset.name} of the shape {dataset.shape}, {dataset.nbytes} bytes, "
            f"of which {stored} are stored in {dataset.file.filename}; remove the file and make it anew"
        )


def _external_link(name: str, link: object) -> str | None:
    return f"an external link, {name}," if isinstance(link, h5py.ExternalLink) else None


def _external_data(name: str, member: object) -> str | None:
    if not isinstance(member, h5py.Dataset):
        return None
    if member.external:
        return f"external raw storage, of {name},"
    return f"a virtual dataset, {name}," if member.is_virtual else None


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
