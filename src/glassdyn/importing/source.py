"""The contents of a file of another program, frame by frame, before anything about them is taken for granted."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassdyn.errors import GlassdynError

__all__ = [
    "MAX_PARTICLES",
    "Box",
    "ImportingError",
    "ReadOptions",
    "SingleFrame",
    "Source",
    "SourceFrame",
    "as_integers",
    "cubic_box",
    "number_names",
    "require_sane_size",
]

MAX_PARTICLES = 10**8
"""Of a frame: a header that claims more is damaged, and is refused before memory is taken for it."""


class ImportingError(GlassdynError):
    """A file of another program that cannot be read, or that lacks what is asked of it."""


@dataclass(frozen=True)
class ReadOptions:
    """What a user says about files that do not say it themselves.

    Attributes:
        species: name in the file -> 0 for A, 1 for B; where empty, A and B, or 0 and 1, are taken as they are.
        box_length: L of files without a box, units of sigma_AA.
        timestep: units of tau, of files with steps and no times; between frames where there are no steps either.
        topology: a file with the species of a trajectory that holds positions alone.
        keys: positions, species, box, ids, images, steps or times -> name of the array in a NumPy file.
        unwrapped: the positions are unwrapped, although the file does not say so.
    """

    species: Mapping[str, int] = field(default_factory=dict)
    box_length: float | None = None
    timestep: float | None = None
    topology: Path | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    unwrapped: bool = False


class Box(NamedTuple):
    """The box of a frame, as its file states it.

    Attributes:
        vectors: (3, 3), one vector a row, units of sigma_AA.
        origin: (3,) its corner.
        periodic: of the three directions.
    """

    vectors: NDArray[np.float64]
    origin: NDArray[np.float64]
    periodic: tuple[bool, bool, bool] = (True, True, True)


class SourceFrame(NamedTuple):
    """A frame as its file holds it: rows in the file's order, nothing checked.

    Attributes:
        positions: (N, 3), or (N, 2) in two dimensions.
        kinds: (N,) of each row, an index of `names`.
        names: of the kinds in the file.
        box: None where the file holds none.
        ids: (N,) int64 of the particles; None where rows are the particles.
        images: (N, 3) how many boxes each particle has crossed; None where the file does not say.
        is_unwrapped: the file says that the positions are.
        step: of the simulation; None where the file does not say.
        time: units of tau; None where the file does not say.
        observables: numbers of the whole system.
    """

    positions: NDArray[np.float64]
    kinds: NDArray[np.int64]
    names: tuple[str, ...]
    box: Box | None = None
    ids: NDArray[np.int64] | None = None
    images: NDArray[np.int64] | None = None
    is_unwrapped: bool = False
    step: int | None = None
    time: float | None = None
    observables: Mapping[str, float] = MappingProxyType({})


class Source(Protocol):
    """A file of some format: it is opened when it is read, and some frames of it are in memory at a time."""

    @property
    def path(self) -> Path:
        """Of the file."""

    @property
    def format(self) -> str:
        """Name of the format."""

    @property
    def keeps_order(self) -> bool:
        """Whether the format has the particles in the same order in every frame, where it has no ids."""

    def count(self) -> int:
        """T, the number of frames; at least one.

        Raises:
            ImportingError: for a damaged file.
        """

    def read(self, frames: range) -> Iterator[SourceFrame]:
        """Read the frames of these numbers, which increase.

        Raises:
            ImportingError: for a damaged file.
        """


@dataclass(frozen=True)
class SingleFrame:
    """A `Source` of one frame.

    Attributes:
        path: of the file.
        format: name of the format.
        keeps_order: see `Source`.
        read_frame: reads the file.
    """

    path: Path
    format: str
    keeps_order: bool
    read_frame: Callable[[Path], SourceFrame]

    def count(self) -> int:
        """See `Source`."""
        return 1

    def read(self, frames: range) -> Iterator[SourceFrame]:
        """See `Source`."""
        if 0 in frames:
            yield self.read_frame(self.path)


def cubic_box(lengths: NDArray[np.float64], origin: NDArray[np.float64] | float = 0.0) -> Box:
    """A periodic box with three orthogonal edges.

    Args:
        lengths: (3,).
        origin: (3,) its corner, or the same number for all directions.
    """
    return Box(np.diag(lengths), np.broadcast_to(np.asarray(origin, np.float64), 3))


def as_integers(values: ArrayLike, where: object) -> NDArray[np.int64]:
    """Steps, ids or images as integers.

    Raises:
        ImportingError: where one is none, or has more than 64 bits.
    """
    numbers = np.asarray(values)
    with np.errstate(invalid="ignore"):
        integers: NDArray[np.int64] = numbers.astype(np.int64)
    differs = integers != numbers
    if differs.any():
        raise ImportingError(
            f"steps, ids and images are integers of 64 bits: got {numbers[differs][0]} ({where})"
        )
    return integers


def number_names(numbers: NDArray[np.integer], where: object) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Kinds and their names where a file numbers its species, such as 1 and 2.

    Raises:
        ImportingError: for negative numbers or large ones.
    """
    kinds = np.asarray(numbers).astype(np.int64)
    if len(kinds) and (kinds.min() < 0 or kinds.max() > 1000):
        raise ImportingError(
            f"species are numbered from 0 or 1: got {kinds.min()} to {kinds.max()} ({where}); is the column of "
            "species the right one?"
        )
    return kinds, tuple(map(str, range(int(kinds.max(initial=-1)) + 1)))


def require_sane_size(particles: int, where: object) -> None:
    """Refuse a frame of no particle, or of more than `MAX_PARTICLES`.

    Raises:
        ImportingError: in these cases.
    """
    if not 0 < particles <= MAX_PARTICLES:
        raise ImportingError(
            f"a frame has 1 to {MAX_PARTICLES} particles: got {particles} ({where}); is the file damaged?"
        )
