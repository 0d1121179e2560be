"""Extended XYZ: for each frame N, a comment line with the box and the columns, and one line per particle.

OVITO, ASE and many others read it. Species and positions come first, so that readers of plain XYZ can, too. The column
`id` holds the ids of the particles in the file that they come from, and is absent where that has none.

Source: https://github.com/libAtoms/extxyz, and OVITO's manual.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from glassdyn.jobs.atomic import atomic_write
from glassdyn.liquid.configuration import Configuration

__all__ = ["NAMES", "XyzFrame", "write"]

NAMES = ("A", "B")
"""Of the species, 0 and 1."""


class XyzFrame(NamedTuple):
    """A frame as it is written.

    Attributes:
        frame: its number.
        configuration: wrapped.
        columns: (N,) numbers beside species and positions, by name.
        ids: (N,) of the particles; None where rows are the particles.
    """

    frame: int
    configuration: Configuration
    columns: Mapping[str, NDArray[np.float64]]
    ids: NDArray[np.int64] | None = None


def write(path: Path, frames: Iterable[XyzFrame]) -> None:
    """Write frames one after the other; the file is there whole or not at all."""
    with atomic_write(path) as beside, beside.open("w") as file:
        for frame in frames:
            _write_frame(file, frame)


def _write_frame(file: TextIO, frame: XyzFrame) -> None:
    positions, species, box_length = frame.configuration
    edge = f"{box_length:.17g}"
    properties = "species:S:1:pos:R:3" + (":id:I:1" if frame.ids is not None else "")
    properties += "".join(f":{name}:R:1" for name in frame.columns)
    lattice = f"{edge} 0 0 0 {edge} 0 0 0 {edge}"
    file.write(f"{len(positions)}\n")
    file.write(f'Lattice="{lattice}" Properties={properties} frame={frame.frame} pbc="T T T"\n')
    for particle, (kind, place) in enumerate(zip(species, positions, strict=True)):
        numbers = (f"{column[particle]:.9g}" for column in frame.columns.values())
        ids = () if frame.ids is None else (str(frame.ids[particle]),)
        words = (NAMES[kind], *(f"{value:.9g}" for value in place), *ids, *numbers)
        file.write(" ".join(words) + "\n")
