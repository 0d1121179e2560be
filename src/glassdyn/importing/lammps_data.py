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

COUNT = re.compile(r"^[ \t]*(\d{1,19})[ \t]+atoms[ \t\r]*(?:#.*)?$", re.MULTILINE)
"""The line of the head that states the number of particles."""

BOUNDS, TILTS = ("xlo xhi", "ylo yhi", "zlo zhi"), "xy xz yz"
"""Words of the head that stand behind two numbers, and behind three."""


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


@np.errstate(all="ignore")  # a box that is not finite is refused with its frame
def _read_box(head: str, path: Path) -> Box:
    lines = [line.partition("#")[0].split() for line in head.splitlines()]
    numbers = {" ".join(words[2:]): words[:2] for words in lines if len(words) == 4}
    if not numbers.keys() >= set(BOUNDS):
        raise _missing_line("<lo> <hi> xlo xhi, and for y and z", path)
    tilts = next((words[:3] for words in lines if " ".join(words[3:]) == TILTS), ["0", "0", "0"])
    try:
        limits = np.array([numbers[name] for name in BOUNDS], np.float64)
        vectors = np.diag(limits[:, 1] - limits[:, 0])
        vectors[1, 0], vectors[2, 0], vectors[2, 1] = map(float, tilts)
    except ValueError as error:
        raise ImportingError(f"the box must be stated in numbers: got {error} ({path})") from None
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
