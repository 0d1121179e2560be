"""One configuration of the liquid, from a trajectory or an extended XYZ file, and back to XYZ.

Extended XYZ: N; a comment line with the box and the columns; one line per particle. OVITO, ASE and many
others read it. Source: https://github.com/libAtoms/extxyz, and OVITO's manual.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.files import replacing
from glassdyn.trajectory import open_trajectory

__all__ = ["Configuration", "ConfigurationError", "read", "write_xyz"]

NAMES = ("A", "B")
"""Names of species 0 and 1 in a file."""


class ConfigurationError(ValueError):
    """A file from which no configuration can be read."""


class Configuration(NamedTuple):
    """Where the particles are.

    Attributes:
        positions: (N, 3) float64, wrapped or not, units of sigma_AA.
        species: (N,) uint8, 0 for A, 1 for B.
        box_length: L, units of sigma_AA.
    """

    positions: NDArray[np.float64]
    species: NDArray[np.uint8]
    box_length: float


def read(path: Path, frame: int | None = None) -> Configuration:
    """Read a configuration from an H5MD trajectory (.h5) or an extended XYZ file (.xyz, .extxyz).

    Args:
        path: of the file.
        frame: of the trajectory; its middle one where absent. Of an XYZ file the first is read.

    Raises:
        ConfigurationError: for another kind of file, or an XYZ file that lacks something.
        TrajectoryError: for a trajectory that is none.
    """
    if path.suffix in {".xyz", ".extxyz"}:
        return _read_xyz(path)
    if path.suffix not in {".h5", ".h5md", ".hdf5"}:
        raise ConfigurationError(f"a configuration is read from .h5 (H5MD) or .xyz: got {path}")
    with open_trajectory(path) as trajectory:
        chosen = trajectory.middle if frame is None else frame
        if not 0 <= chosen < trajectory.frames:
            raise ConfigurationError(f"{path} has frames 0 to {trajectory.frames - 1}: got {chosen}")
        return Configuration(trajectory.frame(chosen), trajectory.species, trajectory.box_length)


def write_xyz(path: Path, configuration: Configuration, columns: Mapping[str, NDArray[np.float64]]) -> None:
    """Write a configuration and (N,) columns of numbers as extended XYZ."""
    particles, edge = len(configuration.positions), f"{configuration.box_length:.17g}"
    properties = "".join(f":{name}:R:1" for name in columns)
    lattice = f"{edge} 0 0 0 {edge} 0 0 0 {edge}"
    comment = f'Lattice="{lattice}" Properties=id:I:1:species:S:1:pos:R:3{properties} pbc="T T T"'
    rows = np.column_stack((configuration.positions, *columns.values()))
    with replacing(path) as beside, beside.open("w") as file:
        file.write(f"{particles}\n{comment}\n")
        for particle, (kind, row) in enumerate(zip(configuration.species, rows, strict=True)):
            file.write(f"{particle} {NAMES[kind]} {' '.join(f'{value:.9g}' for value in row)}\n")


def _read_xyz(path: Path) -> Configuration:
    try:
        with path.open() as file:
            count, comment = int(file.readline()), file.readline()
            rows = [file.readline().split() for _ in range(count)]
    except FileNotFoundError:
        raise ConfigurationError(f"no such file: {path}") from None
    except (ValueError, OSError) as error:
        raise ConfigurationError(f"{path} is not an XYZ file: {error}") from None
    columns = _columns(path, comment)
    try:
        kinds = [row[columns["species"]] for row in rows]
        start = columns["pos"]
        positions = np.array([[float(value) for value in row[start : start + 3]] for row in rows])
        positions = positions.reshape(count, 3)
    except (KeyError, IndexError, ValueError) as error:
        raise ConfigurationError(
            f"an XYZ file holds species and pos of every particle, as its Properties say: {path} does not ({error})"
        ) from None
    return Configuration(positions, _species(path, kinds), _box_length(path, comment))


def _columns(path: Path, comment: str) -> dict[str, int]:
    found = re.search(r"Properties=(\S+)", comment)
    if found is None:
        raise ConfigurationError(
            f'an extended XYZ file names its columns in "Properties=...": {path} does not'
        )
    fields = found[1].split(":")
    places, column = {}, 0
    for name, width in zip(fields[::3], fields[2::3], strict=False):
        places[name] = column
        column += int(width)
    return places


def _species(path: Path, kinds: list[str]) -> NDArray[np.uint8]:
    strange = sorted(set(kinds) - set(NAMES))
    if strange:
        raise ConfigurationError(f"species are named A and B: got {strange[:5]} ({path})")
    return np.array([NAMES.index(kind) for kind in kinds], dtype=np.uint8)


def _box_length(path: Path, comment: str) -> float:
    found = re.search(r'Lattice="([^"]*)"', comment)
    lattice = np.array(found[1].split(), dtype=float) if found else np.empty(0)
    if lattice.size != 9 or not np.array_equal(lattice.reshape(3, 3), lattice[0] * np.eye(3)):
        raise ConfigurationError(
            f'the box is a cube, Lattice="L 0 0 0 L 0 0 0 L": got {found[1] if found else "none"} ({path})'
        )
    return float(lattice[0])
