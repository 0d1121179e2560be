"""Writing a trajectory: H5MD 1.1, block by block, so that a killed run can go on.

While a run lasts, its frames lie in *parts*, one HDF5 file per block of `BLOCK` frames, each written
beside its place and renamed into it. At the end the compressed chunks of all parts are copied, as they
are, into one file. HDF5 cannot append safely to a file whose writer was killed; this way nothing is ever
appended to. A part is only ever replaced by a longer version of itself, so that every checkpoint finds
its frames, and the bytes of the file depend on the frames alone and not on where a run was interrupted.
The cost is that the compressed trajectory lies on the disk twice while it is put together.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from glassdyn.files import replacing

__all__ = ["BLOCK", "THERMODYNAMICS", "WIDTH", "Recorder", "TrajectoryError", "sample_name"]

BLOCK = 128
"""Frames of a block and of a chunk: 98 MB of positions at N = 64000."""

WIDTH = 128
"""Particles of a chunk: with `BLOCK`, 197 kB, which a filter takes in one go."""

THERMODYNAMICS = ("potential_energy", "kinetic_energy", "pressure")
"""Observables of a simulation: U and K of the whole system, units of eps_AA, and P, eps_AA / sigma_AA^3."""

LAYOUT = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}


def sample_name(copy: int, sample: int) -> str:
    """The name of a sample in files and tables: "copy02-sample05"; both counted from 0."""
    return f"copy{copy:02}-sample{sample:02}"


class TrajectoryError(ValueError):
    """A trajectory, or a frame for one, that breaks a rule."""


@dataclass(frozen=True)
class Content:
    """What a trajectory holds besides its frames.

    Attributes:
        species: (N,) 0 for A, 1 for B.
        box_length: L, units of sigma_AA.
        timestep: units of tau.
        metadata: numbers and words about the run.
        observables: names of the numbers recorded with every frame.
    """

    species: NDArray[np.uint8]
    box_length: float
    timestep: float
    metadata: Mapping[str, Any]
    observables: tuple[str, ...]


class Recorder:
    """Takes the frames of a trajectory one by one and writes them as H5MD.

    Memory: two blocks of `BLOCK` frames, whatever the length. A block is compressed and written by a
    thread while the next one fills.

    Args:
        path: the file, which appears when the recorder is closed without an error.
        species: (N,) 0 for A, 1 for B.
        box_length: L, units of sigma_AA; kept exactly.
        timestep: units of tau; time = step * timestep.
        parts: folder of the parts, which its owner keeps until the whole job is done; if None, one
            beside `path`, which goes when the file is there.
        frames: to go on from, of those already in `parts`: 0 starts anew.
        metadata: numbers and words kept in the file, at /parameters/run.
        observables: names of numbers given with every frame, such as "potential_energy"; kept at
            /observables/<name>.

    Raises:
        TrajectoryError: where `parts` holds fewer than `frames` frames.
    """

    def __init__(
        self,
        path: Path,
        *,
        species: NDArray[np.uint8],
        box_length: float,
        timestep: float,
        parts: Path | None = None,
        frames: int = 0,
        metadata: Mapping[str, Any] | None = None,
        observables: Sequence[str] = (),
    ) -> None:
        self._path = path
        self._keep = parts is not None
        self._parts = path.with_name(f"{path.name}.parts") if parts is None else parts
        self._content = Content(
            np.asarray(species, np.uint8), box_length, timestep, metadata or {}, tuple(observables)
        )
        self._frames = frames
        self._steps = np.empty(BLOCK, np.int64)
        self._observed = np.empty((BLOCK, len(self._content.observables)))
        self._block = np.empty((BLOCK, len(species), 3), np.float32)
        self._writer = ThreadPoolExecutor(1, "recorder")
        self._pending: Future[None] | None = None
        self._last = -1
        self._recall()

    @property
    def frames(self) -> int:
        """T, the frames so far."""
        return self._frames

    def append(
        self, step: int, positions: NDArray[np.float64], observables: Mapping[str, float] | None = None
    ) -> None:
        """Add a frame.

        Args:
            step: of the simulation; larger than that of the frame before.
            positions: (N, 3), unwrapped, units of sigma_AA; kept in single precision.
            observables: a number for each of the recorder's names; kept in double precision.

        Raises:
            TrajectoryError: for positions that are not finite or of another shape, a step that does
                not increase, or observables other than those named.
        """
        self._check(step, positions)
        slot = self._frames % BLOCK
        self._steps[slot], self._block[slot] = step, positions
        self._observed[slot] = self._numbers(observables or {}, step)
        self._last, self._frames = step, self._frames + 1
        if slot == BLOCK - 1:
            self._store(BLOCK)
            self._steps, self._block = np.empty_like(self._steps), np.empty_like(self._block)
            self._observed = np.empty_like(self._observed)

    def flush(self) -> int:
        """Bring all frames to the disk, and return their number: what a checkpoint notes.

        A later recorder on the same parts can go on from any number of frames up to this one.
        """
        if self._frames % BLOCK:
            self._store(self._frames % BLOCK)
        self._settle()
        return self._frames

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
                assemble(self._path, _part_files(self._parts, self._frames), self._content)
                if not self._keep:
                    shutil.rmtree(self._parts, ignore_errors=True)
        finally:
            self._writer.shutdown()

    def _check(self, step: int, positions: NDArray[np.float64]) -> None:
        if positions.shape != self._block.shape[1:]:
            raise TrajectoryError(
                f"a frame has the shape (N, 3) = {self._block.shape[1:]}: got {positions.shape} at step {step}"
            )
        if not np.isfinite(positions).all():
            lost = np.flatnonzero(~np.isfinite(positions).all(axis=1))
            raise TrajectoryError(
                f"positions must be finite: got {positions[lost[0]].tolist()} for particle {lost[0]} and "
                f"{len(lost)} in all, at step {step}; the run has blown up, try a shorter timestep "
                "(params.yaml: simulation.timestep)"
            )
        if step <= self._last:
            raise TrajectoryError(f"steps increase from frame to frame: got {step} after {self._last}")

    def _numbers(self, observables: Mapping[str, float], step: int) -> list[float]:
        if set(observables) != set(self._content.observables):
            raise TrajectoryError(
                f"every frame comes with the numbers {sorted(self._content.observables)}: "
                f"got {sorted(observables)} at step {step}"
            )
        return [observables[name] for name in self._content.observables]

    def _store(self, length: int) -> None:
        self._settle()
        self._parts.mkdir(parents=True, exist_ok=True)
        part = _part(self._parts, (self._frames - 1) // BLOCK)
        filled = self._steps[:length], self._block[:length], self._observed[:length]
        self._pending = self._writer.submit(write_part, part, *filled)

    def _settle(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None

    def _recall(self) -> None:
        if self._frames == 0:
            return
        held = sum(_length(part) for part in _part_files(self._parts, self._frames))
        if held < self._frames:
            raise TrajectoryError(
                f"to go on from frame {self._frames}, {self._parts} must hold as many: got {held}; "
                "remove the folder to start again"
            )
        with h5py.File(_part(self._parts, (self._frames - 1) // BLOCK)) as part:
            length = (self._frames - 1) % BLOCK + 1
            self._last = int(part["step"][length - 1])
            if length < BLOCK:
                self._steps[:length] = part["step"][:length]
                self._block[:length] = part["value"][:length]
                self._observed[:length] = part["observables"][:length]


def write_part(
    path: Path, steps: NDArray[np.int64], block: NDArray[np.float32], observed: NDArray[np.float64]
) -> None:
    """Write one block of frames, atomically.

    Args:
        path: the part.
        steps: (T,).
        block: (T, N, 3), T <= `BLOCK`.
        observed: (T, number of observables).
    """
    with replacing(path) as beside, _create(beside) as file:
        file.create_dataset("step", data=steps, track_times=False)
        file.create_dataset("observables", data=observed, track_times=False)
        _positions(file, len(steps), block.shape[1])[:] = block


def assemble(path: Path, parts: list[Path], content: Content) -> None:
    """Put the parts of a trajectory together as one H5MD file, atomically.

    Compressed chunks are copied as they are: the speed is the disk's.

    Raises:
        TrajectoryError: where there is no frame.
    """
    lengths = [_length(part) for part in parts]
    if not sum(lengths):
        raise TrajectoryError(f"a trajectory has at least one frame: got none for {path}")
    with replacing(path) as beside, _create(beside) as file:
        _describe(file, content)
        position = _group(file, "particles/all/position")
        value = _positions(position, sum(lengths), len(content.species), "value")
        steps = np.empty(sum(lengths), np.int64)
        observed = np.empty((sum(lengths), len(content.observables)))
        for block, part in enumerate(parts):
            first = block * BLOCK
            with h5py.File(part) as source:
                steps[first : first + lengths[block]] = source["step"][:]
                observed[first : first + lengths[block]] = source["observables"][:]
                _copy_chunks(source["value"], value, first)
        position.create_dataset("step", data=steps, track_times=False)
        position.create_dataset("time", data=steps * content.timestep, track_times=False)
        _describe_box(file, content, position)
        for name, values in zip(content.observables, observed.T, strict=True):
            group = _group(file, f"observables/{name}")
            group.create_dataset("value", data=values, track_times=False)
            group["step"], group["time"] = position["step"], position["time"]


def _copy_chunks(source: h5py.Dataset, target: h5py.Dataset, first: int) -> None:
    for particle in range(0, source.shape[1], source.chunks[1]):
        filters, chunk = source.id.read_direct_chunk((0, particle, 0))
        target.id.write_direct_chunk((first, particle, 0), chunk, filters)


def _describe(file: h5py.File, content: Content) -> None:
    h5md = _group(file, "h5md")
    h5md.attrs["version"] = np.array([1, 1], np.int32)
    _group(h5md, "author").attrs["name"] = "glassdyn"
    creator = _group(h5md, "creator")
    creator.attrs["name"], creator.attrs["version"] = "glassdyn", "1"
    run = _group(file, "parameters/run")
    for key, entry in sorted({**content.metadata, "timestep": content.timestep}.items()):
        run.attrs[key] = entry
    particles = _group(file, "particles/all")
    particles.create_dataset("species", data=content.species, track_times=False)


def _describe_box(file: h5py.File, content: Content, position: h5py.Group) -> None:
    """The cubic box, at every frame, because MDAnalysis reads no other form."""
    box = _group(file, "particles/all/box")
    box.attrs["dimension"] = 3
    box.attrs.create("boundary", ["periodic"] * 3, dtype=h5py.string_dtype("ascii", 8))
    edges = _group(box, "edges")
    frames = len(position["step"])
    edges.create_dataset("value", data=np.full((frames, 3), content.box_length), track_times=False, **LAYOUT)
    edges["step"], edges["time"] = position["step"], position["time"]


def _positions(group: h5py.Group, frames: int, particles: int, name: str = "value") -> h5py.Dataset:
    return group.create_dataset(
        name,
        shape=(frames, particles, 3),
        maxshape=(None, particles, 3),
        dtype=np.float32,
        chunks=(BLOCK, min(WIDTH, particles), 3),
        track_times=False,
        **LAYOUT,
    )


@contextmanager
def _create(path: Path) -> Iterator[h5py.File]:
    """A new file whose bytes depend on its content alone, with checksums on what describes it."""
    with h5py.File(path, "x", libver=("v110", "v110")) as file:
        yield file


def _group(parent: h5py.Group, name: str) -> h5py.Group:
    """A group without the time of its creation."""
    for step in name.split("/"):
        if step not in parent:
            properties = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
            properties.set_obj_track_times(False)
            h5py.h5g.create(parent.id, step.encode(), gcpl=properties)
        parent = parent[step]
    return parent


def _part(folder: Path, block: int) -> Path:
    return folder / f"block{block:06}.h5"


def _part_files(folder: Path, frames: int) -> list[Path]:
    return [part for block in range(-(-frames // BLOCK)) if (part := _part(folder, block)).exists()]


def _length(part: Path) -> int:
    with h5py.File(part) as file:
        return len(file["step"])
