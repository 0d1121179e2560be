"""The structure around every particle of a configuration, such as a trajectory's middle frame, as columns of a table."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from glassdyn.features.inherent import Quench
from glassdyn.features.neighbour_averages import average_generations
from glassdyn.features.radial import radial_descriptors, smooth_descriptors
from glassdyn.liquid.box import wrap
from glassdyn.liquid.neighbours import find_neighbours
from glassdyn.params import STRICT, Describe
from glassdyn.storage import tables
from glassdyn.storage.trajectory import Trajectory, TrajectoryError

__all__ = [
    "DescriptorSpec",
    "compute_descriptors",
    "describe_midframe",
    "parameters",
    "schema",
    "spec_from_metadata",
]


@dataclass(frozen=True, config=STRICT)
class DescriptorSpec:
    """What to compute for every particle.

    Attributes:
        edges: of the bins of the radial distributions, units of sigma_AA.
        extras: descriptors beside them.
        quench: how to reach the inherent structure.
    """

    edges: tuple[float, ...]
    extras: Describe
    quench: Quench


def schema(description: DescriptorSpec) -> pa.Schema:
    """Columns of the structure table: the thesis's, then `smooth`, `averaged_<n>` and `inherent` if asked for."""
    extras = description.extras
    names = ["smooth"] * (extras.smooth > 0)
    names += [f"averaged_{generation}" for generation in range(1, extras.generations + 1)]
    names += ["inherent"] * extras.inherent
    return tables.features_schema(len(description.edges) - 1, names)


def parameters(trajectory: Trajectory, description: DescriptorSpec) -> dict[str, Any]:
    """What determines the table, to be stored with it."""
    return {
        **asdict(description),
        "frames": trajectory.frames,
        "frame": trajectory.middle,
        "box_length": trajectory.box_length,
    }


def spec_from_metadata(stored: Mapping[str, Any]) -> DescriptorSpec:
    """The description among the parameters of a table.

    Raises:
        ValueError: where there is none.
    """
    told = {field: stored.get(field) for field in DescriptorSpec.__dataclass_fields__}
    found: DescriptorSpec = TypeAdapter(DescriptorSpec).validate_json(json.dumps(told))
    return found


def describe_midframe(trajectory: Trajectory, description: DescriptorSpec) -> dict[str, NDArray[Any]]:
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
        }
        return columns | compute_descriptors(positions, *liquid, description)
    except ValueError as error:
        raise TrajectoryError(f"{error} ({trajectory.path}, frame {trajectory.middle})") from None


def compute_descriptors(
    positions: NDArray[np.float64],
    species: NDArray[np.uint8],
    box_length: float,
    description: DescriptorSpec,
) -> dict[str, NDArray[np.float32]]:
    """The thesis's descriptors, and those beside them that are asked for, of any configuration.

    Args:
        positions: (N, 3), wrapped or not, units of sigma_AA.
        species: (N,) 0 for A, 1 for B.
        box_length: L, at least twice the last edge.
        description: what to compute.

    Returns:
        (N, 2 bins) columns, in the order of `schema`.

    Raises:
        ValueError: where the box is too small, a position not finite, or no inherent structure is reached.
    """
    extras, edges = description.extras, np.array(description.edges)
    descriptors = radial_descriptors(positions, species, box_length, edges)
    columns = {"descriptors": descriptors}
    if extras.smooth > 0:
        columns["smooth"] = smooth_descriptors(positions, species, box_length, edges, extras.smooth)
    if extras.generations > 0:
        pairs = find_neighbours(positions, box_length, extras.r_average)
        found = average_generations(
            descriptors.astype(np.float64), pairs, count=extras.generations, length=extras.r_average
        )
        for generation, rows in enumerate(np.hsplit(found, extras.generations + 1)[1:], start=1):
            columns[f"averaged_{generation}"] = rows.astype(np.float32)
    if extras.inherent:
        quenched = description.quench(positions, species, box_length)
        columns["inherent"] = radial_descriptors(quenched, species, box_length, edges)
    return columns
