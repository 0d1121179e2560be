"""Dumps of LAMMPS as text: atom and custom styles, any order of columns and rows, compressed or not.

Source: https://docs.lammps.org/dump.html
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from glassdyn.importing.number_table import Kind, encode_names, parse_table
from glassdyn.importing.source import (
    Box,
    ImportingError,
    ReadOptions,
    SourceFrame,
    number_names,
    require_sane_size,
)
from glassdyn.importing.text import LineReader, open_lines

__all__ = ["LammpsDump"]


class Style(NamedTuple):
    """A way in which a dump states positions: three columns, times the box or not, unwrapped or not."""

    columns: tuple[str, str, str]
    is_scaled: bool
    is_unwrapped: bool


STYLES = (
    Style(("xu", "yu", "zu"), False, True),
    Style(("x", "y", "z"), False, False),
    Style(("xsu", "ysu", "zsu"), True, True),
    Style(("xs", "ys", "zs"), True, False),
)
"""The first that a dump has is taken."""

IMAGES = ("ix", "iy", "iz")
SPECIES = ("type", "element")


class Header(NamedTuple):
    """What stands above the rows of a frame, and the number of lines of the file above that."""

    start: int
    step: int
    time: float | None
    particles: int
    box: Box
    columns: tuple[str, ...]


class LammpsDump:
    """See the module, and `Source`."""

    format = "LAMMPS dump"
    keeps_order = False

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path, self._options = path, options

    def count(self) -> int:
        """See `Source`."""
        frames = 0
        with open_lines(self.path) as lines:
            while header := self._read_header(lines, frames):
                self._advance(lines, header, frames)
                frames += 1
        if not frames:
            raise ImportingError(f"a dump of LAMMPS holds at least one frame: {self.path} is empty")
        return frames

    def read(self, frames: range) -> Iterator[SourceFrame]:
        """See `Source`."""
        with open_lines(self.path) as lines:
            for number in range(frames.stop):
                header = self._read_header(lines, number)
                if header is None:
                    raise ImportingError(f"{self.path} has {number} frames: got {number} (--frame)")
                body = self._advance(lines, header, number)
                if number in frames:
                    yield self._parse(header, body, f"{self.path}, frame {number}")

    def _advance(self, lines: LineReader, header: Header, number: int) -> bytes:
        """The rows of a frame.

        Raises:
            ImportingError: where the file ends within them.
        """
        try:
            return lines.read_lines(header.particles)
        except ImportingError as error:
            raise ImportingError(
                f"every particle has a row: {self.path} {error}, in frame {number}; leave the unfinished frame out "
                f"by `head -n {header.start} {self.path} > <new file>`"
            ) from None

    def _read_header(self, lines: LineReader, number: int) -> Header | None:
        """Read to the rows; None at the end of the file."""
        start, items = lines.line, dict[str, list[str]]()
        label = self._next_label(lines, number)
        if label is None:
            return None
        while not label.startswith("ATOMS"):
            length = 3 if label.startswith("BOX BOUNDS") else 1
            items[label] = [lines.read_line() or "" for _ in range(length)]
            next_label = self._next_label(lines, number)
            if next_label is None:
                raise ImportingError(
                    f"{self.path} ends within the head of frame {number}; leave the unfinished frame out by "
                    f"`head -n {start} {self.path} > <new file>`"
                )
            label = next_label
        return _interpret(items, start, tuple(label.split()[1:]), f"{self.path}, frame {number}")

    def _next_label(self, lines: LineReader, number: int) -> str | None:
        line = lines.read_line()
        while line is not None and not line:
            line = lines.read_line()
        if line is not None and not line.startswith("ITEM:"):
            raise ImportingError(
                f'every part of a dump of LAMMPS begins with "ITEM:": got {line[:40]!r} in line {lines.line} '
                f"({self.path}, frame {number})"
            )
        return None if line is None else line.removeprefix("ITEM:").strip()

    def _parse(self, header: Header, body: bytes, where: str) -> SourceFrame:
        columns = {name: column for column, name in enumerate(header.columns)}
        style = _choose_style(columns, where)
        species = next((name for name in _species_columns(self._options) if name in columns), None)
        if species is None:
            raise ImportingError(f"needs a column type or element: got {list(columns)} ({where})")
        wanted: dict[str, Kind] = dict.fromkeys(style.columns, "number")
        wanted[species] = "word" if species == "element" else "integer"
        wanted |= dict.fromkeys([name for name in ("id", *IMAGES) if name in columns], "integer")
        try:
            table = parse_table(
                body, {columns[name]: kind for name, kind in wanted.items()}, header.particles
            )
        except ImportingError as error:
            raise ImportingError(f"{where} {error}") from None
        return _assemble({name: table[columns[name]] for name in wanted}, header, style, species, where)


def _interpret(items: Mapping[str, list[str]], start: int, columns: tuple[str, ...], where: str) -> Header:
    bounds = next((label for label in items if label.startswith("BOX BOUNDS")), "BOX BOUNDS")
    try:
        particles = int(items["NUMBER OF ATOMS"][0])
        time = float(items["TIME"][0]) if "TIME" in items else None
        box = _read_box(bounds.split()[2:], items[bounds])
        header = Header(start, int(items["TIMESTEP"][0]), time, particles, box, columns)
    except (KeyError, ValueError) as error:
        raise ImportingError(
            f"a frame of a dump has TIMESTEP, NUMBER OF ATOMS and BOX BOUNDS: got {error} ({where})"
        ) from None
    require_sane_size(header.particles, where)
    return header


def _species_columns(options: ReadOptions) -> Sequence[str]:
    """Columns that may hold the species; the names that the user gives are those of the elements, or numbers."""
    named = any(not name.isdigit() for name in options.species)
    return SPECIES[::-1] if named else SPECIES


def _choose_style(columns: Mapping[str, int], where: str) -> Style:
    for style in STYLES:
        if columns.keys() >= set(style.columns):
            return style
    raise ImportingError(
        f"a dump holds positions as x y z, xu yu zu, xs ys zs or xsu ysu zsu: got {list(columns)} ({where}); dump "
        "them, as in `dump 1 all custom 100 a.dump id type xu yu zu`"
    )


@np.errstate(all="ignore")  # numbers that are not finite are refused with their frame
def _assemble(
    table: Mapping[str, pa.ChunkedArray], header: Header, style: Style, species: str, where: str
) -> SourceFrame:
    positions = _stack(table, style.columns)
    if style.is_scaled:
        positions = header.box.origin + positions @ header.box.vectors
    if species == "element":
        kinds, names = encode_names(table[species])
    else:
        kinds, names = number_names(table[species].to_numpy(), where)
    return SourceFrame(
        positions,
        kinds,
        names,
        header.box,
        ids=table["id"].to_numpy() if "id" in table else None,
        images=_stack(table, IMAGES).astype(np.int64) if table.keys() >= set(IMAGES) else None,
        is_unwrapped=style.is_unwrapped,
        step=header.step,
        time=header.time,
    )


def _stack(table: Mapping[str, pa.ChunkedArray], names: Sequence[str]) -> NDArray[np.float64]:
    stacked: NDArray[np.float64] = np.stack([table[name].to_numpy() for name in names], axis=1)
    return stacked


@np.errstate(all="ignore")
def _read_box(words: Sequence[str], lines: Sequence[str]) -> Box:
    """The box from the words after BOX BOUNDS and the three lines below.

    A tilted box has its bounds widened by the tilts, which does not matter here: tilts that are not zero are refused
    later. OVITO states a cube as it states any box, by its vectors and its origin.
    """
    numbers = np.array([[float(word) for word in line.split()] for line in lines])  # (3, 2 to 4)
    is_general = "abc" in words
    if numbers.shape[1:] not in ({(4,)} if is_general else {(2,), (3,)}):
        raise ValueError(f"bounds {list(lines)}")
    if is_general:
        vectors, origin = numbers[:, :3], numbers[:, 3]
    else:
        vectors, origin = np.diag(numbers[:, 1] - numbers[:, 0]), numbers[:, 0]
        if numbers.shape[1] == 3:
            vectors[1, 0], vectors[2, 0], vectors[2, 1] = numbers[:, 2]
    flags = [word for word in words if len(word) == 2 and set(word) <= set("pfsm")]
    periodic = tuple(flag == "pp" for flag in flags) if len(flags) == 3 else (True, True, True)
    return Box(vectors, origin, (periodic[0], periodic[1], periodic[2]))
