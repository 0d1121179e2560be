"""A frame of any file, brought into this project's form and checked: rows by id, species 0 and 1, a periodic cube."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.importing.source import Box, ImportingError, ReadOptions, Source, SourceFrame, cubic_box
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.neighbours import find_neighbours

__all__ = [
    "LiquidFrame",
    "Selection",
    "normalise",
    "read_frames",
    "refuse_coincident",
    "refuse_damaged",
    "select_frames",
]

Selection = int | Literal["all"] | None
"""A frame of a file, from 0; every one; or the middle one."""

CUBE = 1e-6
"""Part of L by which a box may differ from a cube: the rounding of other programs."""

FARTHEST = 1e6
"""Place of a particle, units of L; no simulation is long enough for one to come there."""

CLOSEST = 1e-3
"""Distance of two particles, units of sigma_AA, below which they are the same one twice: no liquid has such a pair."""

NAMES = {"A": 0, "B": 1}
NUMBERS = {"0": 0, "1": 1}
"""Names of the species where the user says nothing."""


class LiquidFrame(NamedTuple):
    """A frame of the liquid.

    Attributes:
        path: of the file.
        number: of the frame in its file.
        configuration: rows by increasing id; positions as the file has them, counted from the corner of the box.
        ids: (N,) int64, increasing; None where the file has none, so that rows are the particles.
        images: (N, 3) how many boxes each particle has crossed; None where the file does not say.
        is_unwrapped: the positions are.
        step: of the simulation; None where the file does not say.
        time: units of tau; None where the file does not say.
        observables: numbers of the whole system.
    """

    path: Path
    number: int
    configuration: Configuration
    ids: NDArray[np.int64] | None = None
    images: NDArray[np.int64] | None = None
    is_unwrapped: bool = False
    step: int | None = None
    time: float | None = None
    observables: Mapping[str, float] = MappingProxyType({})

    @property
    def where(self) -> str:
        """The file and the frame, for messages."""
        return f"{self.path}, frame {self.number}"


def select_frames(path: Path, selection: Selection, count: int) -> range:
    """The frames that are asked for, of a file that holds so many.

    Raises:
        ImportingError: where it does not hold the frame.
    """
    if selection == "all":
        return range(count)
    index = (count - 1) // 2 if selection is None else selection
    if not 0 <= index < count:
        raise ImportingError(f"{path} has frames 0 to {count - 1}: got {index} (--frame)")
    return range(index, index + 1)


def read_frames(source: Source, frames: range, options: ReadOptions) -> Iterator[LiquidFrame]:
    """Read frames of a file in this project's form, some of them in memory at a time.

    Raises:
        ImportingError: where a frame breaks a rule; the message names it.
    """
    for number, frame in zip(frames, source.read(frames), strict=True):
        yield normalise(frame, source.path, number, options)


@np.errstate(all="ignore")  # numbers that are not finite are refused
def normalise(frame: SourceFrame, path: Path, number: int, options: ReadOptions) -> LiquidFrame:
    """Bring a frame into this project's form.

    Raises:
        ImportingError: for a box that is no periodic cube, two dimensions, positions and times that are not finite,
            values of more or fewer particles, ids that occur twice, species that are not two or have other names.
    """
    where = f"{path}, frame {number}"
    if frame.positions.shape[1] != 3:
        raise ImportingError(
            f"pos has 2 columns, 3 are needed: only liquids in three dimensions are read ({where})"
        )
    refuse_damaged(frame, where)
    box_length, origin = _measure_box(frame.box, options, where)
    species = _name_species(frame, options.species, where)
    order = _order_of(frame.ids, where)
    positions, images = frame.positions - origin, frame.images
    _require_near(positions, box_length, frame, where)
    if order is not None:
        positions, species = positions[order], species[order]
        images = None if images is None else images[order]
    return LiquidFrame(
        path,
        number,
        Configuration(positions, species, box_length),
        frame.ids if frame.ids is None or order is None else frame.ids[order],
        images,
        frame.is_unwrapped or options.unwrapped,
        frame.step,
        frame.time,
        frame.observables,
    )


def refuse_damaged(frame: SourceFrame, where: str) -> None:
    """Refuse a frame of which no more can be said, not even for `inspect`.

    Raises:
        ImportingError: for values of more or fewer particles, species without a name, and times that are no numbers.
    """
    particles = len(frame.positions)
    for name, values, shape in (
        ("species", frame.kinds, (particles,)),
        ("ids", frame.ids, (particles,)),
        ("images", frame.images, (particles, 3)),
    ):
        if values is not None and values.shape != shape:
            raise ImportingError(
                f"every particle has a row of its own: got {name} of shape {values.shape} where {shape} belongs to "
                f"{particles} positions ({where}); are they those of another frame or file?"
            )
    if len(frame.kinds) and not 0 <= frame.kinds.min() <= frame.kinds.max() < len(frame.names):
        raise ImportingError(
            f"every species has a name: got numbers {frame.kinds.min()} to {frame.kinds.max()} of {len(frame.names)} names "
            f"({where}); is the file damaged?"
        )
    if frame.time is not None and not np.isfinite(frame.time):
        raise ImportingError(f"times are finite: got {frame.time} ({where}); correct the file")
    if frame.step is not None and not -(2**63) <= frame.step < 2**63:
        raise ImportingError(f"steps are integers of 64 bits: got {frame.step} ({where}); correct the file")


def _measure_box(box: Box | None, options: ReadOptions, where: str) -> tuple[float, NDArray[np.float64]]:
    """Edge and corner of the box, from the file or the user."""
    if box is None and options.box_length is None:
        raise ImportingError(
            f"the box is a periodic cube, its edge must be known: {where} has none; say it, as in --box 9.41"
        )
    box = box or cubic_box(np.full(3, options.box_length))
    if not box.vectors.diagonal()[2]:
        raise ImportingError(f"only liquids in three dimensions are read: got a box without height ({where})")
    length = float(box.vectors[0, 0])
    if not all(box.periodic):
        raise ImportingError(
            f"the box is a periodic cube: got boundaries {box.periodic}, of which some are open ({where}); only bulk "
            "liquids are described"
        )
    if not (
        np.isfinite(length) and length > 0 and np.abs(box.vectors - length * np.eye(3)).max() <= CUBE * length
    ):
        raise ImportingError(
            f"the box is a periodic cube: got the vectors {box.vectors.tolist()} ({where}); simulate in a cube, other "
            "boxes are not read"
        )
    if options.box_length is not None and abs(options.box_length - length) > CUBE * length:
        raise ImportingError(
            f"the file states its box, L = {length:g}: got --box {options.box_length:g} ({where})"
        )
    return length, box.origin


def _name_species(frame: SourceFrame, names: Mapping[str, int], where: str) -> NDArray[np.uint8]:
    """Species of the rows, 0 or 1, by their names in the file."""
    counts = np.bincount(frame.kinds, minlength=len(frame.names))
    present = [name for name, count in zip(frame.names, counts, strict=True) if count]
    known = names or _standard_names(present)
    unknown = [name for name in present if name not in known]
    if unknown:
        wanted = " and ".join(names) if names else "A and B, or 0 and 1"
        example = f"{present[0]}=A,{present[1]}=B" if len(present) == 2 else "1=A,2=B"
        raise ImportingError(
            f"species are named {wanted}: got {unknown[:5]} of {present[:8]} ({where}); say which is which, as in "
            f"--species {example}"
        )
    table = np.array([known.get(name, 0) for name in frame.names], np.uint8)
    species: NDArray[np.uint8] = table[frame.kinds]
    return species


def _standard_names(present: list[str]) -> dict[str, int]:
    """Names that need no explanation: 1 without 0 may be the first of two, as in LAMMPS."""
    return NUMBERS if set(present) <= set(NUMBERS) and "0" in present else NAMES


def _order_of(ids: NDArray[np.int64] | None, where: str) -> NDArray[np.intp] | None:
    """The rows by increasing id; None where they are in this order, or there are no ids."""
    if ids is None or (np.diff(ids) > 0).all():
        return None
    order = np.argsort(ids)
    twice = np.flatnonzero(np.diff(ids[order]) == 0)
    if len(twice):
        raise ImportingError(
            f"every particle has an id of its own: got {int(ids[order[twice[0]]])} twice ({where}); is the file "
            "damaged, or the column another?"
        )
    return order


def _require_near(positions: NDArray[np.float64], box_length: float, frame: SourceFrame, where: str) -> None:
    """Refuse places that are not finite, or farther away than `FARTHEST`."""
    places = np.abs(positions) / box_length
    if frame.images is not None:
        places = np.maximum(places, np.abs(frame.images.astype(np.float64)))
    if (places <= FARTHEST).all():
        return
    row = int(np.flatnonzero(~(places <= FARTHEST).all(axis=1))[0])
    particle = f"row {row}" if frame.ids is None else f"the particle with id {frame.ids[row]}"
    images = "" if frame.images is None else f" and images {frame.images[row].tolist()}"
    raise ImportingError(
        f"positions are finite, and within {FARTHEST:g} boxes: got {positions[row].tolist()}{images} for {particle} "
        f"({where}); the simulation has blown up, take an earlier frame (--frame)"
    )


def refuse_coincident(frame: LiquidFrame) -> None:
    """Refuse a frame in which two particles are at one place.

    Raises:
        ImportingError: naming the two, unless so many are that their pairs cannot be listed.
    """
    positions, _, box_length = frame.configuration
    try:
        receivers, senders, _ = find_neighbours(positions, box_length, CLOSEST)
    except GlassdynError as error:
        raise ImportingError(f"no two particles are at one place: {error} ({frame.where})") from None
    if len(receivers):
        rows = (receivers[0], senders[0])
        first, second = (int(row if frame.ids is None else frame.ids[row]) for row in rows)
        label = "rows" if frame.ids is None else "ids"
        raise ImportingError(
            f"no two particles are at one place: got {len(receivers) // 2} pairs closer than {CLOSEST}, the first with the "
            f"{label} {first} and {second} ({frame.where}); is a frame written twice, or are lengths "
            "in another unit?"
        )
