"""Writing a trajectory: H5MD 1.1, block by block, so that a killed run can go on.

While a run lasts, its frames lie in *parts*, one HDF5 file per block of `BLOCK` frames, each written
beside its place and renamed into it. At the end the compressed chunks of all parts are copied, as they
are, into one file. HDF5 cannot append safely to a file whose writer was killed; this way nothing is ever
appended to. A part is only ever replaced by a longer version of itself, so that every checkpoint finds
its frames, and the bytes of the file depend on the frames alone and not on where a run was interrupted.
The cost is that the compressed trajectory lies on the disk twice while it is put together.
"""

import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

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


class TrajectoryWriter:
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
        self._content = TrajectoryHeader(
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
                assemble(self._path, part_files(self._parts, self._frames), self._content)
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
        part = part_path(self._parts, (self._frames - 1) // BLOCK)
        filled = self._steps[:length], self._block[:length], self._observed[:length]
        self._pending = self._writer.submit(write_part, part, *filled)

    def _settle(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None

    def _recall(self) -> None:
        if self._frames == 0:
            return
        held = sum(part_length(part) for part in part_files(self._parts, self._frames))
        if held < self._frames:
            raise TrajectoryError(
                f"to go on from frame {self._frames}, {self._parts} must hold as many: got {held}; "
                "remove the folder to start again"
            )
        with h5py.File(part_path(self._parts, (self._frames - 1) // BLOCK)) as part:
            length = (self._frames - 1) % BLOCK + 1
            self._last = int(part["step"][length - 1])
            if length < BLOCK:
                self._steps[:length] = part["step"][:length]
                self._block[:length] = part["value"][:length]
                self._observed[:length] = part["observables"][:length]
