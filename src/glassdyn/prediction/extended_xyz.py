"""Extended XYZ: for each frame N, a comment line with the box and the columns, and one line per particle.

OVITO, ASE and many others read it. Species and positions come first, so that readers of plain XYZ can, too.

Source: https://github.com/libAtoms/extxyz, and OVITO's manual.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from glassdyn.jobs.atomic import atomic_write
from glassdyn.liquid.configuration import Configuration
from glassdyn.prediction.frames import ConfigurationError, Frame, select_frames

__all__ = ["NAMES", "XyzFrame", "read", "write"]

NAMES: Mapping[str, int] = {"A": 0, "B": 1}
"""Names of the species in a file."""

SPECIES = ("species", "type", "element")
POSITIONS = ("pos", "position", "positions")
"""Names of columns, in any case."""

ENTRY = re.compile(r"""(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)'|\{([^}]*)\}|(\S+))""")
"""A key of the comment line and its value, quoted in one of three ways or not at all."""

STRAIGHT = 1e-6
"""Part of L by which a box may differ from a cube: the rounding of other programs."""


class XyzFrame(NamedTuple):
    """A frame as it is written.

    Attributes:
        frame: its number.
        configuration: wrapped.
        columns: (N,) numbers beside species and positions, by name.
    """

    frame: int
    configuration: Configuration
    columns: Mapping[str, NDArray[np.float64]]


def write(path: Path, frames: Iterable[XyzFrame]) -> None:
    """Write frames one after the other; the file is there whole or not at all."""
    with atomic_write(path) as beside, beside.open("w") as file:
        for frame in frames:
            _write_frame(file, frame)


def _write_frame(file: TextIO, frame: XyzFrame) -> None:
    positions, species, box_length = frame.configuration
    edge, names = f"{box_length:.17g}", tuple(NAMES)
    properties = "species:S:1:pos:R:3:id:I:1" + "".join(f":{name}:R:1" for name in frame.columns)
    lattice = f"{edge} 0 0 0 {edge} 0 0 0 {edge}"
    file.write(f"{len(positions)}\n")
    file.write(f'Lattice="{lattice}" Properties={properties} frame={frame.frame} pbc="T T T"\n')
    for particle, (kind, place) in enumerate(zip(species, positions, strict=True)):
        numbers = (f"{column[particle]:.9g}" for column in frame.columns.values())
        words = (names[kind], *(f"{value:.9g}" for value in place), str(particle), *numbers)
        file.write(" ".join(words) + "\n")


def read(path: Path, frame: Frame, names: Mapping[str, int] = NAMES) -> Iterator[tuple[int, Configuration]]:
    """Frames of a file with their numbers, one in memory at a time.

    Args:
        path: of the file.
        frame: which one.
        names: of species 0 and 1 in the file.

    Raises:
        ConfigurationError: for a file that is absent, is no XYZ file or lacks something.
    """
    try:
        with path.open("rb") as file:
            starts = _starts(path, file)
            for number in select_frames(path, frame, len(starts)):
                file.seek(starts[number])
                count, comment = int(file.readline()), file.readline().decode()
                rows = [file.readline().decode().split() for _ in range(count)]
                yield number, _configuration(f"{path}, frame {number}", comment, rows, names)
    except FileNotFoundError:
        raise ConfigurationError(f"no such file: {path}") from None
    except (UnicodeDecodeError, OSError) as error:
        raise ConfigurationError(f"{path} is not an XYZ file: {error}") from None


def _starts(path: Path, file: BinaryIO) -> list[int]:
    """Where each frame begins."""
    starts, place = [], file.tell()
    while line := file.readline():
        if line.strip():
            if not line.strip().isdigit():
                raise ConfigurationError(
                    f"every frame of an XYZ file begins with its number of particles: got {line[:40]!r} ({path})"
                )
            starts.append(place)
            if not all(file.readline() for _ in range(int(line) + 1)):
                raise ConfigurationError(
                    f"every particle has a line: {path} ends within frame {len(starts) - 1}"
                )
        place = file.tell()
    if not starts:
        raise ConfigurationError(f"an XYZ file holds at least one frame: {path} is empty")
    return starts


def _configuration(
    where: str, comment: str, rows: list[list[str]], names: Mapping[str, int]
) -> Configuration:
    entries = {key.lower(): "".join(value) for key, *value in ENTRY.findall(comment)}
    columns = _columns(where, entries.get("properties", ""))
    kind, place = (_column(where, columns, accepted) for accepted in (SPECIES, POSITIONS))
    try:
        kinds = [row[kind] for row in rows]
        positions = np.array([[float(value) for value in row[place : place + 3]] for row in rows])
        positions = positions.reshape(len(rows), 3)
    except (IndexError, ValueError) as error:
        raise ConfigurationError(
            f"every particle has the columns that Properties names: {where} does not ({error})"
        ) from None
    return Configuration(positions, _species(where, kinds, names), _box_length(where, entries))


def _columns(where: str, properties: str) -> dict[str, int]:
    """Where each column begins, by its name in small letters."""
    starts, column, fields = {}, 0, properties.split(":")
    if len(fields) < 3 or len(fields) % 3 or not all(width.isdigit() for width in fields[2::3]):
        raise ConfigurationError(
            'an extended XYZ file names its columns, as in "Properties=species:S:1:pos:R:3": '
            f"got {properties!r} ({where})"
        )
    for name, width in zip(fields[::3], fields[2::3], strict=True):
        starts[name.lower()] = column
        column += int(width)
    return starts


def _column(where: str, columns: Mapping[str, int], accepted: tuple[str, ...]) -> int:
    present = [columns[name] for name in accepted if name in columns]
    if not present:
        raise ConfigurationError(f"needs a column {' or '.join(accepted)}: got {list(columns)} ({where})")
    return present[0]


def _species(where: str, kinds: list[str], names: Mapping[str, int]) -> NDArray[np.uint8]:
    unknown = sorted(set(kinds) - set(names))
    if unknown:
        raise ConfigurationError(
            f"species are named {' and '.join(names)}: got {unknown[:5]} ({where}); say which is which, as in "
            "--species 1=A,2=B"
        )
    return np.array([names[kind] for kind in kinds], dtype=np.uint8)


def _box_length(where: str, entries: Mapping[str, str]) -> float:
    try:
        lattice = np.array(entries.get("lattice", "").split(), dtype=float)
    except ValueError:
        lattice = np.empty(0)
    length = float(lattice[0]) if lattice.size == 9 else 0.0
    open_sides = "f" in entries.get("pbc", "").lower()
    if (
        open_sides
        or length <= 0
        or np.abs(lattice.reshape(3, 3) - length * np.eye(3)).max() > STRAIGHT * length
    ):
        raise ConfigurationError(
            'the box is a periodic cube, Lattice="L 0 0 0 L 0 0 0 L" and, if at all, pbc="T T T": '
            f"got {entries.get('lattice', 'none')}, pbc {entries.get('pbc', 'none')} ({where})"
        )
    return length
