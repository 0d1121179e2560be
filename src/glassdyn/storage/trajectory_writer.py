"""Writing a trajectory: H5MD 1.1, block by block, so that a killed run can be resumed.

During a run its frames lie in *parts*, one HDF5 file per block of `BLOCK` frames, each written to a temporary
file and renamed. At the end the compressed chunks of all parts are copied, as they are, into one file. HDF5
cannot append safely to a file whose writer was killed; this way nothing is ever appended to. A part is only
ever replaced by a longer version of itself, so that every checkpoint has its frames, and the bytes of the file
depend on the frames alone and not on where a run was interrupted. The cost is that the compressed trajectory
lies on the disk twice while it is assembled.
"""

import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from glassdyn.storage.h5md import (
    BLOCK,
    TrajectoryError,
    TrajectoryHeader,
    assemble,
    part_files,
    part_length,
    part_path,
    write_part,
)

__all__ = ["THERMODYNAMICS", "TrajectoryError", "TrajectoryWriter", "sample_name"]

THERMODYNAMICS = ("potential_energy", "kinetic_energy", "pressure")
"""Observables of a simulation: U and K of the whole system, units of eps_AA, and P, eps_AA / sigma_AA^3."""


def sample_name(copy: int, sample: int) -> str:
    """The name of a sample in files and tables: "copy02-sample05"; both counted from 0."""
    return f"copy{copy:02}-sample{sample:02}"


class Block(NamedTuple):
    """Memory for `BLOCK` frames.

    Attributes:
        steps: (T,) of the simulation.
        positions: (T, N, 3) float32, units of sigma_AA.
        observables: (T, number of observables).
    """

    steps: NDArray[np.int64]
    positions: NDArray[np.float32]
    observables: NDArray[np.float64]

    @classmethod
    def allocate(cls, frames: int, particles: int, observables: int) -> Self:
        """Memory without values."""
        return cls(
            np.empty(frames, np.int64),
            np.empty((frames, particles, 3), np.float32),
            np.empty((frames, observables)),
        )


class TrajectoryWriter:
    """Takes the frames of a trajectory one by one and writes them as H5MD.

    Memory: two blocks of `BLOCK` frames, whatever the length. A block is compressed and written by a
    pool of threads while the next one fills.

    Args:
        path: the file, which appears when the writer is closed without an error.
        species: (N,) 0 for A, 1 for B.
        box_length: L, units of sigma_AA; stored exactly.
        timestep: units of tau; time = step * timestep.
        parts: folder of the parts, which the caller keeps until the whole job is done; if None, one
            beside `path`, which is removed when the file is complete.
        frames: number of frames to resume from, of those already in `parts`: 0 starts anew.
        metadata: numbers and strings stored in the file, at /parameters/run.
        observables: names of numbers that come with every frame, such as "potential_energy"; stored at
            /observables/<name>.
        ids: (N,) of the particles in the file that they come from, increasing; stored where there are any.

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
        ids: NDArray[np.int64] | None = None,
    ) -> None:
        self._path = path
        self._keep_parts = parts is not None
        self._parts = path.with_name(f"{path.name}.parts") if parts is None else parts
        self._header = TrajectoryHeader(
            np.asarray(species, np.uint8), box_length, timestep, metadata or {}, tuple(observables), ids
        )
        self._frames = frames
        shape = BLOCK, len(species), len(self._header.observables)
        self._block, self._spare = Block.allocate(*shape), Block.allocate(*shape)
        self._thread = ThreadPoolExecutor(1, "trajectory-writer")
        self._pending: Future[None] | None = None
        self._last_step = -1
        self._resume()

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
            positions: (N, 3), unwrapped, units of sigma_AA; stored in single precision.
            observables: a number for each of the writer's names; stored in double precision.

        Raises:
            TrajectoryError: for positions that are not finite or of another shape, a step that does
                not increase, or observables other than those named.
        """
        slot = self._frames % BLOCK
        self._check_frame(step, positions)
        with np.errstate(over="ignore"):  # infinities are refused
            self._block.steps[slot], self._block.positions[slot] = step, positions
        self._check_finite(step, self._block.positions[slot])
        self._block.observables[slot] = self._order_observables(observables or {}, step)
        self._last_step, self._frames = step, self._frames + 1
        if slot == BLOCK - 1:
            self._write_block(BLOCK)
            self._block, self._spare = self._spare, self._block

    def flush(self) -> int:
        """Write all frames to the disk and return their number, for a checkpoint.

        A later writer on the same parts can resume from any number of frames up to this one.
        """
        if self._frames % BLOCK:
            self._write_block(self._frames % BLOCK)
        self._wait()
        return self._frames

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
                assemble(self._path, part_files(self._parts, self._frames), self._header)
                if not self._keep_parts:
                    shutil.rmtree(self._parts, ignore_errors=True)
        finally:
            self._thread.shutdown()

    def _check_frame(self, step: int, positions: NDArray[np.float64]) -> None:
        shape = self._block.positions.shape[1:]
        if positions.shape != shape:
            raise TrajectoryError(
                f"a frame has the shape (N, 3) = {shape}: got {positions.shape} at step {step}"
            )
        if step <= self._last_step:
            raise TrajectoryError(f"steps increase from frame to frame: got {step} after {self._last_step}")

    def _check_finite(self, step: int, positions: NDArray[np.float32]) -> None:
        finite = np.isfinite(positions)
        if not finite.all():
            lost = np.flatnonzero(~finite.all(axis=1))
            raise TrajectoryError(
                f"positions must be finite: got {positions[lost[0]].tolist()} for particle {lost[0]} and "
                f"{len(lost)} in all, at step {step}; the run has blown up, try a shorter timestep "
                "(params.yaml: simulation.timestep)"
            )

    def _order_observables(self, observables: Mapping[str, float], step: int) -> list[float]:
        if set(observables) != set(self._header.observables):
            raise TrajectoryError(
                f"every frame comes with the numbers {sorted(self._header.observables)}: "
                f"got {sorted(observables)} at step {step}"
            )
        return [observables[name] for name in self._header.observables]

    def _write_block(self, length: int) -> None:
        self._wait()
        self._parts.mkdir(parents=True, exist_ok=True)
        part = part_path(self._parts, (self._frames - 1) // BLOCK)
        steps, positions, observables = self._block
        self._pending = self._thread.submit(
            write_part, part, steps[:length], positions[:length], observables[:length]
        )

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None

    def _resume(self) -> None:
        if self._frames == 0:
            return
        present = sum(part_length(part) for part in part_files(self._parts, self._frames))
        if present < self._frames:
            raise TrajectoryError(
                f"to resume from frame {self._frames}, {self._parts} must hold as many: got {present}; "
                "remove the folder to start again"
            )
        with h5py.File(part_path(self._parts, (self._frames - 1) // BLOCK)) as part:
            length = (self._frames - 1) % BLOCK + 1
            self._last_step = int(part["step"][length - 1])
            if length < BLOCK:
                self._block.steps[:length] = part["step"][:length]
                self._block.positions[:length] = part["value"][:length]
                self._block.observables[:length] = part["observables"][:length]
