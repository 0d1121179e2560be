"""Named arrays in one small HDF5 file: what a job leaves for the stage that collects it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from glassdyn.storage.hdf5 import open_file, require_stored, small_file

__all__ = ["read_arrays", "write_arrays"]


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays by name; the same arrays give the same bytes.

    Raises:
        OSError: what the file system says; `path` is then as it was.
    """
    with small_file(path) as file:
        for name, values in arrays.items():
            file.create_dataset(name, data=values, track_times=False)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read all arrays of a file that `write_arrays` wrote.

    Raises:
        StorageError: for an array that lies in another file, or nowhere.
    """
    with open_file(path) as file:
        for name in file:
            require_stored(file[name])
        return {name: file[name][()] for name in file}
