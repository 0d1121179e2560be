"""The comment line of an XYZ file: the box and the columns, as four programs write them.

    extended    Lattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3 Time=2.5 pbc="T T T"
    atooms      step:20 columns:species,position dt:0.005 cell:9.0,9.0,9.0
    RUMD        ioformat=2 timeStepIndex=20 sim_box=RectangularSimulationBox,9,9,9 columns=type,x,y,z,imx,imy,imz
    plain       anything else: species x y z, and no box

Source: https://github.com/libAtoms/extxyz, https://framagit.org/atooms/atooms, http://rumd.org
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.importing.source import Box, ImportingError, cubic_box

__all__ = ["Comment", "parse_comment"]

ENTRY = re.compile(r"""(?<!\w)(\w++)\s*+=\s*(?:"([^"]*)"|'([^']*)'|\{([^}]*)\}|(\S+))""")
"""A key and its value, quoted in one of three ways or not at all."""

COLON = re.compile(r"(?:^|\s)(\w+):(\S+)")

SPECIES = ("species", "type", "element", "name", "z", "numbers")
POSITIONS = ("pos", "position", "positions", "x", "particle.position")
IDS = ("id", "ids", "identifier", "particle_identifier")
IMAGES = ("image", "images", "periodic_image", "imx")
"""Names of columns, in small letters, the first that there is."""

STEPS = ("step", "timestep", "timestepindex")
WIDE = (
    "pos",
    "position",
    "positions",
    "vel",
    "velocity",
    "particle.position",
    "particle.velocity",
    "force",
    "image",
)
"""Columns of atooms with a number for each dimension."""

TRIPLES = (("x", "y", "z"), ("imx", "imy", "imz"))
"""Columns of RUMD that belong together."""


class Comment(NamedTuple):
    """What a comment line says.

    Attributes:
        box: None where it names none.
        species: number of the column, from 0.
        positions: of the first of three.
        ids: of the column; None where there is none.
        images: of the first of three; None where there is none.
        width: number of columns; None where the line does not say.
        step: None where there is none.
        time: units of tau; None where there is none.
    """

    box: Box | None
    species: int
    positions: int
    ids: int | None
    images: int | None
    width: int | None
    step: int | None
    time: float | None


class Columns(NamedTuple):
    """Number of each column, from 0, and how many columns a name stands for, by its name; all of them together."""

    starts: Mapping[str, int]
    widths: Mapping[str, int]
    total: int


def parse_comment(line: str, where: str) -> Comment:
    """Interpret the comment line of a frame.

    Raises:
        ImportingError: where the line names its columns, and they lack species or positions, or where numbers are
            none.
    """
    entries = {key.lower(): "".join(value) for key, *value in ENTRY.findall(line)}
    if not entries:
        entries = {key.lower(): value for key, value in COLON.findall(line)}
    try:
        box = _read_box(entries)
        return _assemble(entries, _read_columns(entries, where), box, where)
    except (ValueError, OverflowError) as error:
        if isinstance(error, ImportingError):
            raise
        raise ImportingError(f"the comment line must hold numbers: got {error} ({where})") from None


def _assemble(entries: Mapping[str, str], columns: Columns, box: Box | None, where: str) -> Comment:
    species = _require(columns, SPECIES, 1, where)
    positions = _require(columns, POSITIONS, 3, where)
    if positions <= species < positions + 3:  # z: a coordinate here, no atomic number
        raise _missing_column(SPECIES, columns, where)
    ids = next((columns.starts[name] for name in IDS if name in columns.starts), None)
    images = next((name for name in IMAGES if columns.widths.get(name) == 3), None)
    step = next((int(entries[name]) for name in STEPS if name in entries), None)
    time = float(entries["time"]) if "time" in entries else None
    interval = _read_timestep(entries)
    if time is None and step is not None and interval:
        time = step * interval
    is_named = any(key in entries for key in ("properties", "columns"))
    first_image = None if images is None else columns.starts[images]
    return Comment(box, species, positions, ids, first_image, columns.total if is_named else None, step, time)


def _require(columns: Columns, accepted: tuple[str, ...], width: int, where: str) -> int:
    name = next((name for name in accepted if name in columns.starts), None)
    if name is None:
        raise _missing_column(accepted, columns, where)
    if columns.widths[name] != width:
        raise ImportingError(
            f"{name} has {columns.widths[name]} columns, {width} are needed: only liquids in three dimensions are "
            f"read ({where})"
        )
    return columns.starts[name]


def _missing_column(accepted: tuple[str, ...], columns: Columns, where: str) -> ImportingError:
    return ImportingError(f"needs a column {' or '.join(accepted[:3])}: got {list(columns.starts)} ({where})")


def _read_columns(entries: Mapping[str, str], where: str) -> Columns:
    if "lattice" in entries or "properties" in entries:
        return _parse_properties(entries.get("properties", ""), where)
    if "columns" not in entries:
        return Columns({"species": 0, "pos": 1}, {"species": 1, "pos": 3}, 4)
    names = entries["columns"].lower().split(",")
    dimensions = len(entries["cell"].split(",")) if "cell" in entries else 3
    each = [dimensions if name in WIDE else 1 for name in names]
    starts = {name: sum(each[:column]) for column, name in enumerate(names)}
    widths = dict(zip(names, each, strict=True))
    for triple in TRIPLES:
        if triple[0] in starts:
            first = names.index(triple[0])
            widths[triple[0]] = sum(name == axis for name, axis in zip(names[first:], triple, strict=False))
    return Columns(starts, widths, sum(each))


def _parse_properties(properties: str, where: str) -> Columns:
    fields = properties.split(":")
    if len(fields) < 3 or len(fields) % 3 or not all(width.isdigit() for width in fields[2::3]):
        raise ImportingError(
            'an extended XYZ file names its columns, as in "Properties=species:S:1:pos:R:3": '
            f"got {properties!r} ({where})"
        )
    names, widths = [name.lower() for name in fields[::3]], list(map(int, fields[2::3]))
    starts = [sum(widths[:column]) for column in range(len(widths))]
    return Columns(dict(zip(names, starts, strict=True)), dict(zip(names, widths, strict=True)), sum(widths))


def _read_box(entries: Mapping[str, str]) -> Box | None:
    """The box; boxes of atooms and RUMD are centred at 0."""
    if "lattice" in entries:
        return _read_lattice(entries)
    lengths = entries.get("cell") or entries.get("boxlengths")
    if "sim_box" in entries:
        name, _, lengths = entries["sim_box"].partition(",")
        if name != "RectangularSimulationBox":
            raise ValueError(f"{name}, the box must be a cube")
    if lengths is None:
        return None
    edges = np.array(lengths.split(","), np.float64)
    edges = np.append(edges, np.zeros(3 - len(edges))) if len(edges) < 3 else edges
    return cubic_box(edges, -edges / 2)


def _read_lattice(entries: Mapping[str, str]) -> Box:
    vectors: NDArray[np.float64] = np.array(entries["lattice"].split(), np.float64)
    if vectors.size != 9:
        raise ValueError(f"Lattice of {vectors.size} numbers, not 9")
    flags = [word[0].upper() in "T1" for word in entries.get("pbc", "T T T").replace(",", " ").split()]
    if len(flags) not in {1, 3}:
        raise ValueError(f"pbc of {len(flags)} words, not 3")
    flags = flags if len(flags) == 3 else 3 * flags
    origin = np.array(entries["origin"].split(), np.float64) if "origin" in entries else np.zeros(3)
    return Box(vectors.reshape(3, 3), origin, (flags[0], flags[1], flags[2]))


def _read_timestep(entries: Mapping[str, str]) -> float | None:
    """Of atooms and RUMD: `dt`, or the second word of `integrator`."""
    if "dt" in entries:
        return float(entries["dt"])
    words = entries.get("integrator", "").split(",")
    return float(words[1]) if len(words) > 1 else None
