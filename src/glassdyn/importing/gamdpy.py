"""Configurations of gamdpy, in HDF5 of its own: attribute `simbox`, datasets `r`, `r_im`, `ptype`.

Source: https://github.com/ThomasBechSchroeder/gamdpy
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from glassdyn.importing.hdf5_tree import get, open_hdf5, read_values, require
from glassdyn.importing.source import (
    ReadOptions,
    SourceFrame,
    cubic_box,
    number_names,
    require_sane_size,
)

__all__ = ["Gamdpy", "is_gamdpy"]


class Gamdpy:
    """See the module, and `Source`."""

    format = "gamdpy configuration"
    keeps_order = True

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path, self._options = path, options

    def count(self) -> int:
        """See `Source`."""
        return 1

    def read(self, frames: range) -> Iterator[SourceFrame]:
        """See `Source`."""
        if 0 not in frames:
            return
        with open_hdf5(self.path) as file:
            positions = np.asarray(read_values(require(file, "r")), np.float64)
            require_sane_size(len(positions), self.path)
            edges = np.asarray(file.attrs["simbox"], np.float64)
            images = get(file, "r_im")
            yield SourceFrame(
                positions,
                *number_names(np.asarray(read_values(require(file, "ptype"))), self.path),
                cubic_box(edges, -edges / 2),
                images=None if images is None else np.asarray(read_values(images), np.int64),
            )


def is_gamdpy(path: Path) -> bool:
    """Whether an HDF5 file is such a configuration."""
    with open_hdf5(path) as file:
        return "simbox" in file.attrs and "r" in file and "ptype" in file
