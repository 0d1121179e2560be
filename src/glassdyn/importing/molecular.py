"""DCD and XTC trajectories, which hold positions, a box and steps; the species come from a topology.

Lengths are taken as the file has them: simulations in Lennard-Jones units write sigma_AA, and no Angstrom or nm.

Source: MDAnalysis, https://docs.mdanalysis.org, whose low-level readers do the work
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.importing.source import Box, ImportingError, Source, SourceFrame
from glassdyn.importing.topology import TopologyReader, require_particles

__all__ = ["open_dcd", "open_xtc"]


class Placement(NamedTuple):
    """What a frame holds of its own: see `SourceFrame`."""

    positions: NDArray[np.float32]
    box: Box | None
    step: int
    time: float | None = None


@dataclass(frozen=True)
class _Trajectory:
    """A `Source` of positions whose species a topology tells.

    Attributes:
        path: of the file.
        format: name of the format.
        read_topology: reads the species.
        open_file: opens the file by a low-level reader of MDAnalysis.
        read_placement: reads from it the frame of this number, at which it stands.
    """

    path: Path
    format: str
    read_topology: TopologyReader
    open_file: Callable[[Path], AbstractContextManager[Any]]
    read_placement: Callable[[Any, int], Placement]
    keeps_order: bool = True

    def count(self) -> int:
        """See `Source`."""
        with self.open_file(self.path) as file:
            frames = len(file)
        if not frames:
            raise ImportingError(f"a trajectory holds at least one frame: {self.path} has none")
        return frames

    def read(self, frames: range) -> Iterator[SourceFrame]:
        """See `Source`."""
        topology = self.read_topology()
        with self.open_file(self.path) as file:
            for number in frames:
                file.seek(number)
                positions, box, step, time = self.read_placement(file, number)
                require_particles(topology, len(positions), self.path)
                yield SourceFrame(
                    positions.astype(np.float64),
                    topology.kinds,
                    topology.names,
                    box,
                    ids=topology.ids,
                    step=step,
                    time=time,
                )


def open_dcd(path: Path, topology: TopologyReader) -> Source:
    """The source of a DCD trajectory."""
    return _Trajectory(path, "DCD", topology, _open_dcd, _read_dcd)


def open_xtc(path: Path, topology: TopologyReader) -> Source:
    """The source of an XTC trajectory."""
    return _Trajectory(path, "XTC", topology, _open_xtc, _read_xtc)


def _open_dcd(path: Path) -> AbstractContextManager[Any]:
    from MDAnalysis.lib.formats.libdcd import DCDFile  # noqa: PLC0415 - the other formats need not wait

    return _open(DCDFile, path)


def _open_xtc(path: Path) -> AbstractContextManager[Any]:
    from MDAnalysis.lib.formats.libmdaxdr import XTCFile  # noqa: PLC0415 - the other formats need not wait

    return _open(XTCFile, path)


def _read_dcd(file: Any, number: int) -> Placement:
    header, frame = file.header, file.read()
    box = _unit_cell(np.asarray(frame.unitcell, np.float64)) if file.is_periodic else None
    return Placement(frame.xyz, box, int(header["istart"] + number * max(header["nsavc"], 1)))


def _read_xtc(file: Any, _number: int) -> Placement:
    frame = file.read()
    vectors = np.asarray(frame.box, np.float64)
    box = Box(vectors, np.zeros(3)) if vectors.any() else None
    return Placement(frame.x, box, int(frame.step), float(frame.time))


@contextmanager
def _open(library_class: Any, path: Path) -> Iterator[Any]:
    try:
        with library_class(str(path)) as file:
            yield file
    except FileNotFoundError:
        raise ImportingError(f"no such file: {path}") from None
    except (OSError, StopIteration, RuntimeError) as error:
        raise ImportingError(f"{path} is truncated or damaged: {error}; copy it anew") from None


@np.errstate(all="ignore")  # a box that is not finite is refused with its frame
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
