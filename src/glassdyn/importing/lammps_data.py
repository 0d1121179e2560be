"""Data files of LAMMPS: one frame, as `write_data` writes it.

Source: https://docs.lammps.org/read_data.html
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from glassdyn.importing.number_table import Kind, parse_table
from glassdyn.importing.source import (
    Box,
    ImportingError,
    ReadOptions,
    SingleFrame,
    SourceFrame,
    number_names,
    require_sane_size,
)
from glassdyn.importing.text import LineReader, open_lines

__all__ = ["COUNT", "open_lammps_data"]

COUNT = re.compile(r"^\s*(\d+)\s+atoms\s*(?:#.*)?$", re.MULTILINE)
"""The line of the head that states the number of particles."""

NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s+"
BOUND = re.compile(rf"^\s*{NUMBER}{NUMBER}([xyz])lo\s+\3hi", re.MULTILINE)
TILT = re.compile(rf"^\s*{NUMBER}{NUMBER}{NUMBER}xy\s+xz\s+yz", re.MULTILINE)


class Style(NamedTuple):
    """Number of the column of the type and of the first of the positions; images follow, or nothing."""

    species: int
    positions: int


STYLES: Mapping[str, Style] = {
    "atomic": Style(1, 2),
    "charge": Style(1, 3),
    "molecular": Style(2, 3),
    "bond": Style(2, 3),
    "angle": Style(2, 3),
    "full": Style(2, 4),
    "sphere": Style(1, 4),
}
"""Of the section Atoms, by the word behind it; atomic where there is none."""


def open_lammps_data(path: Path, _options: ReadOptions) -> SingleFrame:
    """The source of a data file."""
    return SingleFrame(path, "LAMMPS data", keeps_order=False, read_frame=_read)


def _read(path: Path) -> SourceFrame:
    with open_lines(path) as lines:
        head, style = _read_head(lines, path)
        particles = _read_count(head, path)
        require_sane_size(particles, path)
        lines.read_line()
        try:
            return _parse(lines.read_lines(particles), particles, style, _read_box(head, path))
        except ImportingError as error:
            raise ImportingError(f"every particle has a row under Atoms: {path} {error}") from None


def _read_head(lines: LineReader, path: Path) -> tuple[str, Style]:
    """What stands above the section Atoms, and the style of its rows."""
    head: list[str] = []
    while (line := lines.read_line()) is not None:
        section, _, hint = line.partition("#")
        if section.strip() == "Atoms":
            return "\n".join(head), _choose_style(hint.strip() or "atomic", path)
        head.append(line)
    raise ImportingError(f"a data file of LAMMPS has a section Atoms: {path} has none")


def _choose_style(name: str, path: Path) -> Style:
    if name not in STYLES:
        raise ImportingError(
            f"the atoms of a data file are of the style {', '.join(STYLES)}: got {name!r} ({path}); write a "
            "dump, as in `write_dump all custom a.dump id type x y z ix iy iz`"
        )
    return STYLES[name]


def _read_count(head: str, path: Path) -> int:
    match = COUNT.search(head)
    if match is None:
        raise _missing_line("<N> atoms", path)
    return int(match[1])


def _missing_line(form: str, path: Path) -> ImportingError:
    return ImportingError(f'a data file of LAMMPS has a line "{form}": {path} has none')


def _read_box(head: str, path: Path) -> Box:
    bounds = {match[3]: (float(match[1]), float(match[2])) for match in BOUND.finditer(head)}
    if set(bounds) != set("xyz"):
        raise _missing_line("<lo> <hi> xlo xhi, and for y and z", path)
    limits = np.array([bounds[axis] for axis in "xyz"])
    vectors = np.diag(limits[:, 1] - limits[:, 0])
    if tilt := TILT.search(head):
        vectors[1, 0], vectors[2, 0], vectors[2, 1] = map(float, tilt.groups())
    return Box(vectors, limits[:, 0])


def _parse(body: bytes, particles: int, style: Style, box: Box) -> SourceFrame:
    """The rows; comments at their ends are taken off."""
    if b"#" in body:
        body = re.sub(rb"#[^\n]*", b"", body)
    width = len(body[: body.index(b"\n")].split())
    place = style.positions
    if width not in {place + 3, place + 6}:
        raise ImportingError(
            f"has rows of {width} columns where {place + 3} or {place + 6} belong to the style"
        )
    kinds: dict[int, Kind] = {0: "integer", style.species: "integer"}
    kinds |= dict.fromkeys(range(place, place + 3), "number")
    kinds |= dict.fromkeys(range(place + 3, width), "integer")
    table = {column: series.to_numpy() for column, series in parse_table(body, kinds, particles).items()}
    images = [table[column] for column in range(place + 3, width)]
    return SourceFrame(
        np.stack([table[place + axis] for axis in range(3)], axis=1),
        *number_names(table[style.species], "Atoms"),
        box,
        ids=table[0],
        images=np.stack(images, axis=1) if images else None,
    )
