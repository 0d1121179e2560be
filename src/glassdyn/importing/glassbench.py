"""GlassBench: configurations, propensities at ten times, and what published methods predict for every particle.

An archive T<temperature>.tar.gz, or the folder in it, holds {train,test}/N<particles>T<temperature>_<k>.npz with

    types, initial_positions              (N,) 0 for A and 1 for B; (N, 3) wrapped, units of sigma_AA
    initial_positions_inherent, _cage     (N, 3) in the nearest energy minimum, at mean positions in cages (of some k)
    md_prop, bb_prop                      (T, N) propensity, units of sigma_AA, and share of unbroken bonds
    BOTAN, CAGE, GlassMLP, SE3, ...       (T, N), or (N,) for all times: predictions and local fields, in test/ alone

File k becomes the one sample of copy k - 1. Nothing says how long a box is: N and the density do.

Source: Jung et al., Nat. Rev. Phys. (2025), https://doi.org/10.1038/s42254-024-00791-4; data:
https://doi.org/10.5281/zenodo.10118191 (CC-BY-4.0).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.importing.archives import read_members
from glassdyn.importing.npy_stream import open_stream, read_array
from glassdyn.importing.source import ImportingError
from glassdyn.liquid.box import compute_box_length
from glassdyn.liquid.configuration import Configuration

__all__ = [
    "METHODS",
    "STRUCTURES",
    "Member",
    "Structure",
    "find_source",
    "read_structure",
    "read_structures",
    "read_temperature",
]

METHODS = ("BOTAN", "CAGE", "GlassMLP", "SE3", "EPOT", "DEN", "PSI6", "SBO", "SBO_CG")
"""Arrays of published predictions, then of local fields."""

STRUCTURES = 500
"""In each archive: 400 to learn from, 100 to test."""

REQUIRED = ("types", "initial_positions", "md_prop", "bb_prop")

NAME = re.compile(
    r"(?:.*/)?(?P<part>train|test)/N\d+T(?P<temperature>\d{1,3}\.\d{1,6})_(?P<number>\d{1,6})\.npz"
)

Values = NDArray[np.float64]


class Member(NamedTuple):
    """What the name of a file says.

    Attributes:
        name: below the archive or folder.
        number: k, from 1.
        is_test: whether the published methods predict it, and did not learn from it.
        temperature: units of eps_AA / k_B.
    """

    name: str
    number: int
    is_test: bool
    temperature: float


class Structure(NamedTuple):
    """One configuration, and all that is published of it.

    Attributes:
        configuration: of the liquid.
        inherent: (N, 3) positions in its nearest energy minimum, units of sigma_AA; None where there are none.
        cage: (N, 3) mean positions over short runs, units of sigma_AA; None where there are none.
        propensities: (T, N) units of sigma_AA.
        bonds: (T, N) share of the neighbours that a particle keeps.
        methods: name -> (T, N), predictions in the units of their authors; not finite where there are none.
    """

    configuration: Configuration
    inherent: Values | None
    cage: Values | None
    propensities: Values
    bonds: Values
    methods: Mapping[str, Values]


def find_source(path: Path) -> Path:
    """The archive, or the folder with train/ and test/, at a path or directly below it.

    Raises:
        ImportingError: where there is none, or more than one.
    """
    if path.is_file():
        return path
    folders = [path, *sorted(path.glob("T*/"))] if path.is_dir() else []
    sources = [folder for folder in folders if (folder / "train").is_dir() or (folder / "test").is_dir()]
    sources += sorted(path.glob("*.tar.gz"))
    if len(sources) != 1:
        raise ImportingError(
            "GlassBench is one archive, such as T0.44.tar.gz, or its folder with train/ and test/: got "
            f"{', '.join(map(str, sources)) or 'none'} in {path}; put one there"
        )
    return sources[0]


def read_temperature(source: Path) -> float:
    """The temperature of a set, from the name of its first file; errors as `read_structures`."""
    for name, _ in _read_files(source):
        return _member(name).temperature
    raise _empty(source)


def read_structures(source: Path, *, times: int, density: float) -> Iterator[tuple[Member, Structure]]:
    """Read the structures of an archive or a folder, one in memory at a time, in the order in which they lie there.

    Args:
        source: see `find_source`.
        times: T.
        density: particles per sigma_AA^3.

    Raises:
        ImportingError: for a damaged file, arrays that make no sense, two temperatures, or a number that comes twice.
    """
    names: dict[int, str] = {}
    temperature = None
    for name, stream in _read_files(source):
        member = _member(name)
        if member.number in names:
            raise ImportingError(
                f"a structure has a number of its own: got {names[member.number]} and {name} in {source}"
            )
        names[member.number] = name
        if member.temperature != (temperature := temperature or member.temperature):
            raise ImportingError(f"a set has one temperature: got {temperature} and {name} in {source}")
        yield member, read_structure(stream, f"{source}, {name}", times=times, density=density)
    if not names:
        raise _empty(source)


def _empty(source: Path) -> ImportingError:
    return ImportingError(
        f"GlassBench holds files such as train/N4096T0.44_1.npz: {source} has none; is it the right file?"
    )


def _read_files(source: Path) -> Iterator[tuple[str, BinaryIO]]:
    return read_members(source, _is_structure) if source.is_file() else _read_folder(source)


def _is_structure(name: str) -> bool:
    return NAME.fullmatch(name) is not None


def _read_folder(folder: Path) -> Iterator[tuple[str, BinaryIO]]:
    for path in sorted(folder.glob("t*/*.npz")):
        name = path.relative_to(folder).as_posix()
        if _is_structure(name):
            with path.open("rb") as file:
                yield name, file


def _member(name: str) -> Member:
    match = NAME.fullmatch(name)
    if match is None or int(match["number"]) < 1:
        raise ImportingError(f"structures are numbered from 1, as in train/N4096T0.44_1.npz: got {name}")
    return Member(name, int(match["number"]), match["part"] == "test", float(match["temperature"]))


def read_structure(stream: BinaryIO, where: str, *, times: int, density: float) -> Structure:
    """Read one structure; nothing in its file is executed. Arguments and errors as `read_structures`."""
    with open_stream(stream, where) as members:
        absent = [key for key in REQUIRED if key not in members]
        _require(not absent, where, f"arrays {', '.join(REQUIRED)}: it lacks {', '.join(absent)}")
        optional = ("initial_positions_inherent", "initial_positions_cage", *METHODS)
        arrays = {
            key: read_array(members[key], f"{where}, {key}")
            for key in (*REQUIRED, *optional)
            if key in members
        }
    words = [key for key, values in arrays.items() if values.dtype.kind not in "biuf"]
    _require(not words, where, f"numbers: {', '.join(words)} has others")
    species = arrays["types"]
    _require(species.ndim == 1 and species.size > 0, where, f"types (N,): got {species.shape}")
    _require(set(np.unique(species)) <= {0, 1}, where, f"types 0 and 1: got {np.unique(species)[:4]}")
    return _assemble(arrays, species.astype(np.uint8), times, density, where)


def _assemble(
    arrays: Mapping[str, NDArray[Any]], species: NDArray[np.uint8], times: int, density: float, where: str
) -> Structure:
    particles = len(species)
    box_length = compute_box_length(particles, density)
    positions, inherent, cage = (
        _finite(arrays, key, (particles, 3), where)
        for key in ("initial_positions", "initial_positions_inherent", "initial_positions_cage")
    )
    propensities, bonds = (_finite(arrays, key, (times, particles), where) for key in ("md_prop", "bb_prop"))
    methods = {
        name: _expand(arrays[name], species, times, f"{where}, {name}") for name in METHODS if name in arrays
    }
    # those that are required are there
    configuration = Configuration(np.asarray(positions), species, box_length)
    return Structure(configuration, inherent, cage, np.asarray(propensities), np.asarray(bonds), methods)


def _finite(arrays: Mapping[str, NDArray[Any]], key: str, shape: Sequence[int], where: str) -> Values | None:
    if key not in arrays:
        return None
    values: Values = arrays[key].astype(np.float64)
    _require(values.shape == tuple(shape), where, f"{key} of the shape {tuple(shape)}: got {values.shape}")
    _require(bool(np.isfinite(values).all()), where, f"finite numbers: {key} has others")
    return values


def _expand(values: NDArray[Any], species: NDArray[np.uint8], times: int, where: str) -> Values:
    """(T, N) predictions, whether they are stated once or for each time, of all particles or of A particles alone."""
    is_a = species == 0
    rows = np.atleast_2d(values.astype(np.float64))
    _require(
        rows.shape in {(count, width) for count in (1, times) for width in (len(is_a), int(is_a.sum()))},
        where,
        f"a prediction of every particle, (T, N) or (N,), for {times} times and {len(is_a)} particles: got "
        f"{values.shape}",
    )
    expanded = np.full((times, len(is_a)), np.nan)
    expanded[:, ... if rows.shape[1] == len(is_a) else is_a] = rows
    _require(bool(np.isfinite(expanded[:, is_a]).all()), where, "finite predictions of A particles")
    return expanded


def _require(holds: bool, where: str, rule: str) -> None:
    if not holds:
        raise ImportingError(f"a file of GlassBench holds {rule} ({where})")
