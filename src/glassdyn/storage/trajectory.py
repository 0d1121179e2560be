"""Reading a trajectory: some frames, or some particles' whole series, never all of it at once.

A file is H5MD 1.1 (de Buyl, Colberg, Hoefling, Comput. Phys. Commun. 185, 1546 (2014)), written by
`trajectory_writer`. Equilibrations and recordings import that module and not this one: a change here reruns none
of them.
"""

import math
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from glassdyn.liquid.configuration import Configuration
from glassdyn.storage.chunk_reader import ChunkError, ChunkReader
from glassdyn.storage.h5md import BLOCK, WIDTH
from glassdyn.storage.hdf5 import StorageError, open_file, require_stored
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
"""Of the time between frames: more than a timestep has, fewer than differences of rounded times have."""

TIME_TOLERANCE = 0.01
"""Error of the time of a frame, in intervals: other programs write times in single precision."""

ROUNDING = 1e-9
"""Part of L by which stated edges may differ."""

CONVERT = "convert the file of another program by `glassdyn import FILE OUT.h5`"
"""The way out where a file is H5MD and no trajectory of the form that is read here."""

MAX_ROW_BYTES = 2**30
"""Bytes of a row of chunks at most: it is read as a whole, or again for each of its parts."""


def copy_of(name: str) -> int:
    """The copy that a sample belongs to: 2 for "copy02-sample05"."""
    return _parse_name(name)[0]


def sample_of(name: str) -> int:
    """The number of a sample within its copy: 5 for "copy02-sample05"."""
    return _parse_name(name)[1]


def sample_names(folder: Path) -> list[str]:
    """The samples whose files lie in a folder, by copy and sample.

    Raises:
        TrajectoryError: where there is none.
    """
    names = {path.stem for path in folder.glob("copy*-sample*") if NAME.fullmatch(path.stem)}
    if not names:
        raise TrajectoryError(f"needs at least one sample: found no copy<c>-sample<s> file in {folder}")
    return sorted(names, key=_parse_name)


def _parse_name(name: str) -> tuple[int, int]:
    match = NAME.fullmatch(name)
    if match is None:
        raise TrajectoryError(f'a sample is named like "copy02-sample05": got {name!r}')
    return int(match[1]), int(match[2])


class Trajectory:
    """An open trajectory; see `open_trajectory`.

    Attributes:
        path: the file.
        frames: T.
        particles: N.
        box_length: L, units of sigma_AA, exact.
        species: (N,) 0 for A, 1 for B.
        steps: (T,) of the simulation.
        times: (T,) float64, units of tau.
        ids: (N,) int64 of the particles in the file that they come from; None where rows are the particles.
    """

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path = path
        group = _open_child(path, file, "particles/all")
        self._values = _open_child(path, group, "position/value")
        self.frames, self.particles = _check_shape(path, self._values)
        self.box_length = _read_box_length(path, group)
        self.species = _read_species(path, group, self.particles)
        self.ids = _read_series(path, group, "id", self.particles).astype(np.int64) if "id" in group else None
        self.steps = _read_series(path, group, "position/step", self.frames).astype(np.int64)
        self.times = _read_series(path, group, "position/time", self.frames).astype(np.float64)

    @property
    def middle(self) -> int:
        """The frame in the middle, (T - 1) // 2: the snapshot."""
        return (self.frames - 1) // 2

    @property
    def is_chunked(self) -> bool:
        """Whether few particles can be read without the others."""
        return self._values.chunks is not None

    @cached_property
    def interval(self) -> float:
        """Time from one frame to the next, units of tau, to ten digits.

        Times count from the start of a simulation, and rounding errors of their differences grow with them: without
        rounding to fewer digits, two samples of one liquid would have different intervals.

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
            errors = np.abs(self.times - self.times[0] - interval * np.arange(self.frames))
            is_regular = interval > 0 and (errors <= TIME_TOLERANCE * interval).all()
        if not is_regular:
            intervals = np.diff(self.times)
            raise TrajectoryError(
                "times must grow by one interval from frame to frame, as steps do: got "
                f"{intervals.min():g} to {intervals.max():g} tau; correct particles/all/position/time ({self.path})"
            )
        return interval

    @cached_property
    def observables(self) -> dict[str, NDArray[np.float64]]:
        """(T,) numbers recorded with the frames, by name; empty where there are none."""
        group = self._values.file.get("observables", {})
        return {
            name: _read_series(self.path, group, f"{name}/value", self.frames).astype(np.float64)
            for name in group
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

    def tracks(self, start: int, stop: int, memory: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """(stop - start, 3, T) positions of the particles start, ..., stop - 1, unwrapped.

        Args:
            start: the first particle.
            stop: the particle behind the last.
            memory: contiguous, of at least as many numbers, to be used for the result; fresh memory costs as much time
                as the decompression.
        """
        shape = stop - start, 3, self.frames
        memory = np.empty(math.prod(shape), np.float32) if memory is None else memory.reshape(-1)
        tracks = memory[: math.prod(shape)].reshape(shape)
        with suppress(ChunkError):  # HDF5 reads it, or knows what is wrong
            self._chunks.read_tracks(slice(start, stop), tracks)
            return tracks
        height = max(BLOCK, self._values.chunks[0] if self._values.chunks else 1)
        for first in range(0, self.frames, height):
            frames = slice(first, min(first + height, self.frames))
            tracks[..., frames] = self._read_by_hdf5(frames, slice(start, stop)).transpose(1, 2, 0)
        return tracks

    def particle_blocks(self, max_bytes: int) -> Iterator[slice]:
        """Slices of particles for `series`, each of at most `max_bytes`, or of one chunk's width.

        Raises:
            TrajectoryError: where a row of chunks has more than `MAX_ROW_BYTES`.
        """
        yield from self._blocks(1, max_bytes)

    def frame_blocks(self, max_bytes: int) -> Iterator[slice]:
        """Slices of frames for `window`, each of at most `max_bytes`, or of one chunk's length; errors alike."""
        yield from self._blocks(0, max_bytes)

    @cached_property
    def _chunks(self) -> ChunkReader:
        return ChunkReader(self._values)

    def _blocks(self, axis: int, max_bytes: int) -> Iterator[slice]:
        length, chunks = self._values.shape[axis], self._values.chunks
        chunk = int(chunks[axis]) if chunks else 1
        row_bytes = self._values.nbytes // length
        if min(chunk, length) * row_bytes > max(MAX_ROW_BYTES, max_bytes):
            better = [BLOCK, WIDTH, 3]
            better[axis] = max(min(better[axis], max_bytes // row_bytes), 1)
            raise TrajectoryError(
                f"chunks hold some frames of some particles, at most {MAX_ROW_BYTES / 1e9:.2f} GB in a row of them: got "
                f"chunks of {chunks} in positions of {self._values.shape}; rewrite the file by `h5repack -l "
                f"particles/all/position/value:CHUNK={'x'.join(map(str, better))} {self.path} <new file>`"
            )
        step = max(max_bytes // (row_bytes * chunk), 1) * chunk
        for start in range(0, length, step):
            yield slice(start, min(start + step, length))

    def _read(self, frames: slice, particles: slice) -> NDArray[np.float32]:
        shape = len(range(self.frames)[frames]), len(range(self.particles)[particles]), 3
        positions = np.empty(shape, np.float32)
        with suppress(ChunkError):  # HDF5 reads it, or knows what is wrong
            self._chunks.read(frames, particles, positions)
            return positions
        return self._read_by_hdf5(frames, particles)

    def _read_by_hdf5(self, frames: slice, particles: slice) -> NDArray[np.float32]:
        try:
            positions: NDArray[np.float32] = self._values[frames, particles].astype(np.float32, copy=False)
        except (OSError, RuntimeError) as error:
            raise TrajectoryError(
                f"{self.path} is damaged: frames {frames.start}:{frames.stop}, particles "
                f"{particles.start}:{particles.stop} cannot be read ({error}); remove it and run again"
            ) from None
        return positions


@contextmanager
def open_trajectory(path: Path) -> Iterator[Trajectory]:
    """Open a trajectory for reading.

    Raises:
        TrajectoryError: for a file that is missing, truncated, damaged, not HDF5, or not H5MD with the
            groups that a trajectory has, a cubic box and two species; for data in other files, or nowhere.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open_file(path, cache_bytes=CACHE))
        except StorageError as error:
            raise TrajectoryError(str(error)) from None
        except (OSError, RuntimeError, KeyError) as error:
            raise TrajectoryError(_explain_unreadable(path, error)) from None
        version = file["h5md"].attrs.get("version") if "h5md" in file else None
        if version is None or list(version)[:1] != [1]:
            raise TrajectoryError(
                f"a trajectory is an H5MD 1.1 file, with /h5md and its version: got {version} in {path}"
            )
        yield Trajectory(path, file)


def _explain_unreadable(path: Path, error: Exception) -> str:
    if not path.exists():
        return f"no such trajectory: {path}"
    if "truncated" in str(error):
        return f"{path} is truncated: its writer or its copy was cut off; remove it and run again ({error})"
    return f"a trajectory is an HDF5 file: {path} is not, or its head is damaged ({error})"


def _open_child(path: Path, group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    try:
        return group[name]
    except (KeyError, OSError, RuntimeError) as error:
        raise TrajectoryError(
            f"a trajectory has {group.name.rstrip('/')}/{name}: {path} has none that can be read ({error}); {CONVERT}"
        ) from None


def _check_shape(path: Path, values: h5py.Dataset) -> tuple[int, int]:
    if values.ndim != 3 or values.shape[2] != 3 or 0 in values.shape or values.dtype.kind != "f":
        raise TrajectoryError(
            "positions have the shape (T, N, 3), with at least one frame and one particle: "
            f"got {values.shape} of {values.dtype} ({path})"
        )
    _require_stored(values)
    return int(values.shape[0]), int(values.shape[1])


def _read_series(path: Path, group: h5py.Group, name: str, length: int) -> NDArray[np.generic]:
    dataset = _open_child(path, group, name)
    if dataset.shape != (length,):
        raise TrajectoryError(f"{name} must have {length} entries: got the shape {dataset.shape} ({path})")
    return _read_dataset(path, dataset)


def _read_species(path: Path, group: h5py.Group, particles: int) -> NDArray[np.uint8]:
    for name in ("species", "id"):
        if isinstance(group.get(name), h5py.Group):
            raise TrajectoryError(f"{name} must be the same in every frame: got a group ({path}); {CONVERT}")
    species = _read_series(path, group, "species", particles)
    unknown = np.unique(species[(species != 0) & (species != 1)])
    if len(unknown):
        raise TrajectoryError(
            f"species are 0 for A and 1 for B: got {unknown[:5].tolist()} too ({path}); renumber "
            f"particles/all/species: {CONVERT}"
        )
    return species.astype(np.uint8)


def _read_box_length(path: Path, group: h5py.Group) -> float:
    edges = _open_child(path, group, "box/edges")
    if isinstance(edges, h5py.Group):
        edges = _open_child(path, edges, "value")
    _refuse_open(path, group)
    lengths = np.unique(np.asarray(_read_dataset(path, edges), np.float64))
    if not (lengths[0] > 0 and lengths[-1] - lengths[0] <= ROUNDING * lengths[0]):
        raise TrajectoryError(
            f"the box must be a cube that does not change, stated by its edges: got edges {lengths[:5].tolist()} "
            f"({path}); {CONVERT}"
        )
    return float(lengths[0])


def _refuse_open(path: Path, group: h5py.Group) -> None:
    boundary = [str(np.asarray(word).astype(str)) for word in group["box"].attrs.get("boundary", [])]
    if "none" in boundary:
        raise TrajectoryError(f"the box is periodic: got the boundaries {boundary} ({path})")


def _read_dataset(path: Path, dataset: h5py.Dataset) -> NDArray[np.generic]:
    _require_stored(dataset)
    try:
        values: NDArray[np.generic] = np.asarray(dataset[()])
    except (OSError, RuntimeError) as error:
        raise TrajectoryError(f"{path} is damaged at {dataset.name} ({error})") from None
    return values


def _require_stored(dataset: h5py.Dataset) -> None:
    try:
        require_stored(dataset)
    except StorageError as error:
        raise TrajectoryError(str(error)) from None
