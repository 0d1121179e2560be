"""HDF5 files by strangers: no link into another file is followed, and damage is an error in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.importing.source import ImportingError

__all__ = ["get", "open_hdf5", "read_values", "require"]

CACHE = 8 * 1024**2


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open a file for reading.

    Raises:
        ImportingError: for a file that is absent, truncated or damaged, also where it is read in the block.
    """
    try:
        with h5py.File(path, "r", rdcc_nbytes=CACHE, locking=False) as file:
            yield file
    except FileNotFoundError:
        raise ImportingError(f"no such file: {path}") from None
    except GlassdynError:
        raise
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, MemoryError) as error:
        raise ImportingError(
            f"{path} is truncated, damaged or no HDF5 file: {error}; its writer or its copy was cut off, copy it anew"
        ) from None


def get(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset | None:
    """What a group has at a path; None where there is nothing.

    Raises:
        ImportingError: for a link into another file.
    """
    node: h5py.Group | h5py.Dataset = group
    for step in name.split("/"):
        if not isinstance(node, h5py.Group) or step not in node:
            return None
        if isinstance(node.get(step, getlink=True), h5py.ExternalLink):
            raise _refuse_link(f"{node.name}/{step}", group)
        node = node[step]
    if node.file.filename != group.file.filename:  # a soft link may pass through an external one
        raise _refuse_link(name, group)
    if isinstance(node, h5py.Dataset) and (node.external or node.is_virtual):
        raise _refuse_link(str(node.name), group)
    return node


def _refuse_link(name: str, group: h5py.Group) -> ImportingError:
    return ImportingError(
        f"a file holds its own data: {name} of {group.file.filename} lies in another file, which is not read; copy it "
        "in, as by h5repack"
    )


def require(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    """What a group has at a path; errors as `get`, and where there is nothing."""
    node = get(group, name)
    if node is None:
        raise ImportingError(
            f"needs {group.name.rstrip('/')}/{name}: {group.file.filename} has {list(group)}"
        )
    return node


def read_values(node: h5py.Dataset, rows: slice | None = None) -> NDArray[np.generic]:
    """Read a dataset, or some of its first axis; bounded by what the file holds.

    Raises:
        ImportingError: where the dataset claims to be far larger than what is stored of it.
    """
    size = int(np.prod(node.shape, dtype=np.float64)) * node.dtype.itemsize
    if rows is not None and node.shape and node.shape[0]:
        size = size // node.shape[0] * len(range(*rows.indices(node.shape[0])))
    if size > max(10_000 * max(node.id.get_storage_size(), 1), 2**28):
        raise ImportingError(
            f"{node.name} of {node.file.filename} claims {size / 1e9:.1f} GB, of which nearly nothing is stored; is "
            "the file damaged?"
        )
    values: NDArray[np.generic] = node[()] if rows is None else node[rows]
    return values
