"""Reading a trajectory: some frames, or some particles' whole series, never all of it at once.

A file is H5MD 1.1 (de Buyl, Colberg, Hoefling, Comput. Phys. Commun. 185, 1546 (2014)); it is written by
`recorder`. Simulations import that module and not this one: a change here reruns none of them.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from glassdyn.liquid.configuration import Configuration
from glassdyn.storage.h5md import BLOCK, WIDTH
from glassdyn.storage.trajectory_writer import TrajectoryError, TrajectoryWriter, sample_name

__all__ = [
    "Trajectory",
    "TrajectoryError",
    "TrajectoryWriter",
    "copy_of",
    "open_trajectory",
    "sample_name",
    "sample_names",
    "sample_of",
]

NAME = re.compile(r"copy(\d{2,})-sample(\d{2,})")
CACHE = 8 * 1024**2

DIGITS = 10
"""Of the time between frames: more than a timestep has, fewer than rounding leaves of differences of times."""

LATE = 0.01
"""Part of an interval by which the time of a frame may be off: single precision, in files of others."""

WIDEST = 2**30
"""Bytes of a row of chunks at the most, which is read as a whole, or again and again for each of its parts."""


def copy_of(name: str) -> int:
    """The copy that a sample belongs to: 2 for "copy02-sample05"."""
    return _numbers(name)[0]


def sample_of(name: str) -> int:
    """The number of a sample within its copy: 5 for "copy02-sample05"."""
    return _numbers(name)[1]


def sample_names(folder: Path) -> list[str]:
    """The samples whose files lie in a folder, by copy and sample.

    Raises:
        TrajectoryError: where there is none.
    """
    found = {path.stem for path in folder.glob("copy*-sample*") if NAME.fullmatch(path.stem)}
    if not found:
        raise TrajectoryError(f"needs at least one sample: found no copy<c>-sample<s> file in {folder}")
    return sorted(found, key=_numbers)


def _numbers(name: str) -> tuple[int, int]:
    match = NAME.fullmatch(name)
    if match is None:
        raise TrajectoryError(f'a sample is named like "copy02-sample05": got {name!r}')
    return int(match[1]), int(match[2])


class Trajectory:
    """An open trajectory; made by `open_trajectory`.

    Attributes:
        path: the file.
        frames: T.
        particles: N.
        box_length: L, units of sigma_AA, exact.
        species: (N,) 0 for A, 1 for B.
        steps: (T,) of the simulation.
        times: (T,) float64, units of tau.
    """

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path = path
        group = _member(path, file, "particles/all")
        self._values = _member(path, group, "position/value")
        self.frames, self.particles = _shape(path, self._values)
        self.box_length = _box_length(path, group)
        self.species = _species(path, group, self.particles)
        self.steps = _series(path, group, "position/step", self.frames).astype(np.int64)
        self.times = _series(path, group, "position/time", self.frames).astype(np.float64)

    @property
    def middle(self) -> int:
        """The frame in the middle, (T - 1) // 2: the snapshot."""
        return (self.frames - 1) // 2

    @cached_property
    def interval(self) -> float:
        """Time from one frame to the next, units of tau, to ten digits.

        Times count from the start of a simulation, and the last digits of their differences tell how long ago
        that was: without rounding, two samples of one liquid would have different intervals.

        Raises:
            TrajectoryError: where there is one frame only, or frames are not equally spaced, in steps or in time.
        """
        if self.frames == 1:
            raise TrajectoryError(f"frames must be equally spaced: got one frame only ({self.path})")
        gaps = np.diff(self.steps)
        if gaps[0] <= 0 or (gaps != gaps[0]).any():
            raise TrajectoryError(
                f"frames must be equally spaced: got gaps of {np.unique(gaps)[:5].tolist()} steps ({self.path})"
            )
        interval = float(f"{(self.times[-1] - self.times[0]) / len(gaps):.{DIGITS}g}")
        with np.errstate(invalid="ignore"):  # infinities; comparisons with NaN are false
            off = np.abs(self.times - self.times[0] - interval * np.arange(self.frames))
            sound = interval > 0 and (off <= LATE * interval).all()
        if not sound:
            passed = np.diff(self.times)
            raise TrajectoryError(
                "times must grow by one interval from frame to frame, as steps do: got "
                f"{passed.min():g} to {passed.max():g} tau; correct particles/all/position/time ({self.path})"
            )
        return interval

    @cached_property
    def observables(self) -> dict[str, NDArray[np.float64]]:
        """(T,) numbers recorded with the frames, by name; empty where there are none."""
        recorded = self._values.file.get("observables", {})
        return {
            name: _series(self.path, recorded, f"{name}/value", self.frames).astype(np.float64)
            for name in recorded
        }

    def frame(self, index: int) -> NDArray[np.float64]:
        """(N, 3) positions of one frame, unwrapped, units of sigma_AA.

        It costs as much as its whole block of frames: many frames are read by `window`, over `frame_blocks`.
        """
        positions: NDArray[np.float64] = self.window(index, index + 1)[0].astype(np.float64)
        return positions

    def configuration(self, index: int) -> Configuration:
        """The liquid at one frame, its positions unwrapped; see `frame`."""
        return Configuration(self.frame(index), self.species, self.box_length)

    def window(self, first: int, last: int) -> NDArray[np.float32]:
        """(last - first, N, 3) positions of the frames first, ..., last - 1, unwrapped."""
        return self._read(slice(first, last), slice(None))

    def series(self, start: int, stop: int) -> NDArray[np.float32]:
        """(T, stop - start, 3) positions of the particles start, ..., stop - 1, unwrapped."""
        return self._read(slice(None), slice(start, stop))

    def particle_blocks(self, max_bytes: int) -> Iterator[slice]:
        """Slices of particles for `series`, each of at most `max_bytes`, or of one chunk's width.

        Raises:
            TrajectoryError: where a chunk's width is more than memory is made for.
        """
        yield from self._blocks(1, max_bytes)

    def frame_blocks(self, max_bytes: int) -> Iterator[slice]:
        """Slices of frames for `window`, each of at most `max_bytes`, or of one chunk's length; errors alike."""
        yield from self._blocks(0, max_bytes)

    def _blocks(self, axis: int, max_bytes: int) -> Iterator[slice]:
        length, chunks = self._values.shape[axis], self._values.chunks
        chunk = int(chunks[axis]) if chunks else 1
        row_bytes = self._values.nbytes // length
        if min(chunk, length) * row_bytes > max(WIDEST, max_bytes):
            fitting = [BLOCK, WIDTH, 3]
            fitting[axis] = max(min(fitting[axis], max_bytes // row_bytes), 1)
            raise TrajectoryError(
                f"chunks hold some frames of some particles, at most {WIDEST / 1e9:.2f} GB in a row of them: got "
                f"chunks of {chunks} in positions of {self._values.shape}; rewrite the file by `h5repack -l "
                f"particles/all/position/value:CHUNK={'x'.join(map(str, fitting))} {self.path} <new file>`"
            )
        step = max(max_bytes // (row_bytes * chunk), 1) * chunk
        for start in range(0, length, step):
            yield slice(start, min(start + step, length))

    def _read(self, frames: slice, particles: slice) -> NDArray[np.float32]:
        try:
            read: NDArray[np.float32] = self._values[frames, particles]
        except (OSError, RuntimeError) as error:
            raise TrajectoryError(
                f"{self.path} is damaged: frames {frames.start}:{frames.stop}, particles "
                f"{particles.start}:{particles.stop} cannot be read ({error}); remove it and run again"
            ) from None
        return read


@contextmanager
def open_trajectory(path: Path) -> Iterator[Trajectory]:
    """Open a trajectory for reading.

    Raises:
        TrajectoryError: for a file that is missing, truncated, damaged, not HDF5, or not H5MD with the
            groups that a trajectory has, a cubic box and two species.
    """
    try:
        file = h5py.File(path, "r", rdcc_nbytes=CACHE, locking=False)  # it never changes
    except OSError as error:
        raise TrajectoryError(_why_unreadable(path, error)) from None
    with file:
        version = file["h5md"].attrs.get("version") if "h5md" in file else None
        if version is None or list(version)[:1] != [1]:
            raise TrajectoryError(
                f"a trajectory is an H5MD 1.1 file, with /h5md and its version: got {version} in {path}"
            )
        yield Trajectory(path, file)


def _why_unreadable(path: Path, error: OSError) -> str:
    if not path.exists():
        return f"no such trajectory: {path}"
    if "truncated" in str(error):
        return f"{path} is truncated: its writer or its copy was cut off; remove it and run again ({error})"
    return f"a trajectory is an HDF5 file: {path} is not, or its head is damaged ({error})"


def _member(path: Path, group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    try:
        return group[name]
    except (KeyError, OSError, RuntimeError) as error:
        raise TrajectoryError(
            f"a trajectory has {group.name.rstrip('/')}/{name}: {path} has none that can be read ({error})"
        ) from None


def _shape(path: Path, values: h5py.Dataset) -> tuple[int, int]:
    if values.ndim != 3 or values.shape[2] != 3 or 0 in values.shape or values.dtype.kind != "f":
        raise TrajectoryError(
            "positions have the shape (T, N, 3), with at least one frame and one particle: "
            f"got {values.shape} of {values.dtype} ({path})"
        )
    return int(values.shape[0]), int(values.shape[1])


def _series(path: Path, group: h5py.Group, name: str, length: int) -> NDArray[np.generic]:
    values: NDArray[np.generic] = np.asarray(_contents(path, _member(path, group, name)))
    if values.shape != (length,):
        raise TrajectoryError(f"{name} must have {length} entries: got the shape {values.shape} ({path})")
    return values


def _species(path: Path, group: h5py.Group, particles: int) -> NDArray[np.uint8]:
    species = _series(path, group, "species", particles)
    strange = np.unique(species[(species != 0) & (species != 1)])
    if len(strange):
        raise TrajectoryError(
            f"species are 0 for A and 1 for B: got {strange[:5].tolist()} too ({path}); renumber "
            "particles/all/species"
        )
    return species.astype(np.uint8)


def _box_length(path: Path, group: h5py.Group) -> float:
    edges = _member(path, group, "box/edges")
    if isinstance(edges, h5py.Group):
        edges = _member(path, edges, "value")
    lengths = np.unique(np.asarray(_contents(path, edges)))
    if len(lengths) != 1:
        raise TrajectoryError(
            f"the box must be a cube that does not change: got edges {lengths.tolist()} ({path})"
        )
    return float(lengths[0])


def _contents(path: Path, dataset: h5py.Dataset) -> NDArray[np.generic]:
    try:
        contents: NDArray[np.generic] = dataset[()]
    except (OSError, RuntimeError) as error:
        raise TrajectoryError(f"{path} is damaged at {dataset.name} ({error})") from None
    return contents
