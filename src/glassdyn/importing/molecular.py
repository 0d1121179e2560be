"""DCD and XTC trajectories, which hold positions, a box and steps; the species come from a topology.

Lengths are taken as the file has them: simulations in Lennard-Jones units write sigma_AA, and no Angstrom or nm.

Source: MDAnalysis, https://docs.mdanalysis.org, whose low-level readers do the work
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassdyn.importing.source import Box, ImportingError, SourceFrame
from glassdyn.importing.topology import Topology, TopologyReader, require_particles

__all__ = ["Dcd", "Xtc"]


class Dcd:
    """See the module, and `Source`."""

    format = "DCD"
    keeps_order = True

    def __init__(self, path: Path, topology: TopologyReader) -> None:
        self.path, self._read_topology = path, topology

    def count(self) -> int:
        """See `Source`."""
        with self._open() as file:
            return _require_frames(len(file), self.path)

    def read(self, frames: range) -> Iterator[SourceFrame]:
        """See `Source`."""
        topology = self._read_topology()
        with self._open() as file:
            header = file.header
            for number in frames:
                file.seek(number)
                frame = file.read()
                require_particles(topology, len(frame.xyz), self.path)
                box = _unit_cell(np.asarray(frame.unitcell, np.float64)) if file.is_periodic else None
                step = int(header["istart"] + number * max(header["nsavc"], 1))
                yield _assemble(topology, frame.xyz, box, step=step)

    def _open(self) -> AbstractContextManager[Any]:
        from MDAnalysis.lib.formats.libdcd import DCDFile  # noqa: PLC0415 - the other formats need not wait

        return _open(DCDFile, self.path)


class Xtc:
    """See the module, and `Source`."""

    format = "XTC"
    keeps_order = True

    def __init__(self, path: Path, topology: TopologyReader) -> None:
        self.path, self._read_topology = path, topology

    def count(self) -> int:
        """See `Source`."""
        with self._open() as file:
            return _require_frames(len(file), self.path)

    def read(self, frames: range) -> Iterator[SourceFrame]:
        """See `Source`."""
        topology = self._read_topology()
        with self._open() as file:
            for number in range(frames.stop):
                frame = file.read()
                if number not in frames:
                    continue
                require_particles(topology, len(frame.x), self.path)
                vectors = np.asarray(frame.box, np.float64)
                box = Box(vectors, np.zeros(3)) if vectors.any() else None
                yield _assemble(topology, frame.x, box, step=int(frame.step), time=float(frame.time))

    def _open(self) -> AbstractContextManager[Any]:
        from MDAnalysis.lib.formats.libmdaxdr import XTCFile  # noqa: PLC0415 - the other formats need not wait

        return _open(XTCFile, self.path)


@contextmanager
def _open(library_class: Any, path: Path) -> Iterator[Any]:
    try:
        with library_class(str(path)) as file:
            yield file
    except FileNotFoundError:
        raise ImportingError(f"no such file: {path}") from None
    except (OSError, StopIteration, RuntimeError) as error:
        raise ImportingError(f"{path} is truncated or damaged: {error}; copy it anew") from None


def _require_frames(frames: int, path: Path) -> int:
    if not frames:
        raise ImportingError(f"a trajectory holds at least one frame: {path} has none")
    return frames


def _assemble(
    topology: Topology,
    positions: NDArray[np.float32],
    box: Box | None,
    *,
    step: int,
    time: float | None = None,
) -> SourceFrame:
    return SourceFrame(
        positions.astype(np.float64),
        topology.kinds,
        topology.names,
        box,
        ids=topology.ids,
        step=step,
        time=time,
    )


def _unit_cell(cell: NDArray[np.float64]) -> Box | None:
    """The box from A, gamma, B, beta, alpha, C of a DCD file, whose angles are degrees or cosines."""
    length_a, gamma, length_b, beta, alpha, length_c = cell
    if not length_a:
        return None
    cosines = [angle if abs(angle) <= 1 else np.cos(np.radians(angle)) for angle in (gamma, beta, alpha)]
    cosines = [cosine if abs(cosine) > 1e-9 else 0.0 for cosine in cosines]
    vectors = np.diag([length_a, length_b, length_c])
    vectors[1, 0], vectors[2, 0], vectors[2, 1] = np.multiply(cosines, (length_b, length_c, length_c))
    return Box(vectors, np.zeros(3))
