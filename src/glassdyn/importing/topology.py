"""Species and ids of the particles of trajectories that hold positions alone."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.importing.number_table import encode_names
from glassdyn.importing.source import ImportingError, Source

__all__ = ["Topology", "TopologyReader", "read_foreign_topology", "read_topology", "require_particles"]


class Topology(NamedTuple):
    """The particles of a trajectory, in its order.

    Attributes:
        kinds: (N,) indices of `names`.
        names: of the kinds.
        ids: (N,) in increasing order; None where rows are the particles.
    """

    kinds: NDArray[np.int64]
    names: tuple[str, ...]
    ids: NDArray[np.int64] | None


TopologyReader = Callable[[], Topology]
"""Reads it when it is needed."""


def read_topology(source: Source) -> Topology:
    """Take the particles of the first frame of a file, in the order of their ids, which binary trajectories have.

    Raises:
        ImportingError: for a file without ids whose rows stand in any order.
    """
    frame = next(source.read(range(1)))
    if frame.ids is None and not source.keeps_order:
        raise ImportingError(
            f"a topology states the order of the particles: {source.path} ({source.format}) has no ids, and its rows "
            "stand in any order; name a file with ids, such as a data file of LAMMPS (--topology system.data)"
        )
    if frame.ids is None:
        return Topology(frame.kinds, frame.names, None)
    order = np.argsort(frame.ids)
    return Topology(frame.kinds[order], frame.names, frame.ids[order])


def read_foreign_topology(path: Path) -> Topology:
    """Take the types of atoms from a topology of any format that MDAnalysis reads, such as PSF, PDB, GRO.

    Raises:
        ImportingError: for another file.
    """
    import MDAnalysis  # noqa: PLC0415 - it takes a second that the other formats need not wait

    try:
        atoms = MDAnalysis.Universe(str(path)).atoms
        words = atoms.types if hasattr(atoms, "types") else atoms.names
    except Exception as error:  # noqa: BLE001 - its parsers raise whatever they like
        raise ImportingError(
            f"a topology is a file with the species of the particles, such as a data file of LAMMPS: {path} cannot be "
            f"read ({error})"
        ) from None
    kinds, names = encode_names([str(word) for word in words])
    return Topology(kinds, names, None)


def require_particles(topology: Topology, particles: int, path: Path) -> None:
    """Refuse a topology of another number of particles than the trajectory.

    Raises:
        ImportingError: in that case.
    """
    if len(topology.kinds) != particles:
        raise ImportingError(
            f"a topology holds the particles of the trajectory: got {len(topology.kinds)} species and "
            f"{particles} positions ({path}); choose the right file (--topology)"
        )
