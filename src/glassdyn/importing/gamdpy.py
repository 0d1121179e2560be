"""Configurations of gamdpy, in HDF5 of its own: attribute `simbox`, datasets `r`, `r_im`, `ptype`.

Source: https://github.com/ThomasBechSchroeder/gamdpy
"""

from pathlib import Path

import numpy as np

from glassdyn.importing.hdf5_tree import get, open_hdf5, read_values, require
from glassdyn.importing.source import (
    ReadOptions,
    SingleFrame,
    SourceFrame,
    cubic_box,
    number_names,
    require_sane_size,
)

__all__ = ["is_gamdpy", "open_gamdpy"]


def open_gamdpy(path: Path, _options: ReadOptions) -> SingleFrame:
    """The source of such a configuration."""
    return SingleFrame(path, "gamdpy configuration", keeps_order=True, read_frame=_read)


def _read(path: Path) -> SourceFrame:
    with open_hdf5(path) as file:
        positions = np.asarray(read_values(require(file, "r")), np.float64)
        require_sane_size(len(positions), path)
        edges = np.asarray(file.attrs["simbox"], np.float64)
        images = get(file, "r_im")
        return SourceFrame(
            positions,
            *number_names(np.asarray(read_values(require(file, "ptype"))), path),
            cubic_box(edges, -edges / 2),
            images=None if images is None else np.asarray(read_values(images), np.int64),
        )


def is_gamdpy(path: Path) -> bool:
    """Whether an HDF5 file is such a configuration."""
    with open_hdf5(path) as file:
        return "simbox" in file.attrs and "r" in file and "ptype" in file
