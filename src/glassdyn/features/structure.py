"""The structure around every particle of a trajectory's middle frame, as a table."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from glassdyn import tables
from glassdyn.features.averages import generations
from glassdyn.features.descriptors import radial_descriptors, smooth_descriptors
from glassdyn.features.inherent import Quench
from glassdyn.geometry import wrap
from glassdyn.neighbours import neighbours
from glassdyn.params import Describe
from glassdyn.trajectory import Trajectory, TrajectoryError

__all__ = ["Description", "described", "parameters", "schema"]


@dataclass(frozen=True)
class Description:
    """What to compute for every particle.

    Attributes:
        edges: (bins + 1,) of the radial distributions, units of sigma_AA.
        extras: descriptors beside them.
        quench: how to reach the inherent structure.
    """

    edges: NDArray[np.float64]
    extras: Describe
    quench: Quench


def schema(description: Description) -> pa.Schema:
    """Columns of the structure table: the thesis's, then `smooth`, `averaged_<n>` and `inherent` if asked for."""
    extras = description.extras
    names = ["smooth"] * (extras.smooth > 0)
    names += [f"averaged_{generation}" for generation in range(1, extras.generations + 1)]
    names += ["inherent"] * extras.inherent
    return tables.structure_schema(len(description.edges) - 1, names)


def parameters(trajectory: Trajectory, description: Description) -> dict[str, Any]:
    """What determines the table, to be stored with it."""
    return {
        "edges": description.edges.tolist(),
        "frames": trajectory.frames,
        "frame": trajectory.middle,
        "box_length": trajectory.box_length,
        **asdict(description.extras),
        "quench": asdict(description.quench),
    }


def described(trajectory: Trajectory, description: Description) -> dict[str, NDArray[Any]]:
    """Describe the structure around every particle of a trajectory's middle frame.

    Args:
        trajectory: its box holds two of the last edge.
        description: what to compute.

    Returns:
        The columns of the structure table.

    Raises:
        TrajectoryError: where the box is too small or a particle is lost.
    """
    positions = trajectory.frame(trajectory.middle)
    liquid = trajectory.species, trajectory.box_length
    try:
        columns = {
            "particle": np.arange(trajectory.particles),
            "type": trajectory.species,
            **dict(zip("xyz", wrap(positions, trajectory.box_length).T, strict=True)),
            "descriptors": radial_descriptors(positions, *liquid, description.edges),
        }
        return columns | _extra(positions, *liquid, description, columns["descriptors"])
    except ValueError as error:
        raise TrajectoryError(f"{error} ({trajectory.path}, frame {trajectory.middle})") from None


def _extra(
    positions: NDArray[np.float64],
    species: NDArray[np.uint8],
    box_length: float,
    description: Description,
    descriptors: NDArray[np.float32],
) -> dict[str, NDArray[np.float32]]:
    """Columns beside the thesis's, as far as they are asked for."""
    extras, edges, columns = description.extras, description.edges, {}
    if extras.smooth > 0:
        columns["smooth"] = smooth_descriptors(positions, species, box_length, edges, extras.smooth)
    if extras.generations > 0:
        pairs = neighbours(positions, box_length, extras.r_average)
        found = generations(
            descriptors.astype(np.float64), pairs, count=extras.generations, length=extras.r_average
        )
        for generation, rows in enumerate(np.hsplit(found, extras.generations + 1)[1:], start=1):
            columns[f"averaged_{generation}"] = rows.astype(np.float32)
    if extras.inherent:
        quenched = description.quench(positions, species, box_length)
        columns["inherent"] = radial_descriptors(quenched, species, box_length, edges)
    return columns
