"""The snapshot of a sample: the middle frame of its trajectory, as a Parquet table of a few megabytes.

Features, models and predictions are computed from snapshots, without the trajectories.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from glassdyn.liquid.box import wrap
from glassdyn.liquid.configuration import Configuration
from glassdyn.storage import tables

__all__ = ["read_ids", "read_snapshot", "read_snapshot_metadata", "write_snapshot"]

SCHEMA = pa.schema(
    [("particle", pa.uint32()), ("type", pa.uint8()), *((axis, pa.float64()) for axis in "xyz")]
)
"""Columns of `data/snapshots/`."""


ID = pa.field("id", pa.int64())
"""A further column of snapshots from files of other programs, whose particles have ids."""


def write_snapshot(
    path: Path,
    configuration: Configuration,
    metadata: Mapping[str, Any],
    *,
    ids: NDArray[np.int64] | None = None,
) -> None:
    """Write a snapshot, its positions wrapped; the file is there whole or not at all.

    Args:
        path: the table.
        configuration: the middle frame.
        metadata: its origin: the number of `frames` of the trajectory, the index of its middle `frame`, and the
            `temperature` of the liquid, units of eps_AA / k_B. The box length is added.
        ids: (N,) of the particles in the file that they come from; None where they are numbered alone.
    """
    positions, species, box_length = configuration
    columns = {
        "particle": np.arange(len(species)),
        "type": species,
        **dict(zip("xyz", wrap(positions, box_length).T, strict=True)),
    }
    schema = SCHEMA
    if ids is not None:
        schema, columns = SCHEMA.append(ID), {**columns, "id": ids}
    tables.write(path, schema, [columns], {**metadata, "box_length": box_length})


def read_snapshot(path: Path) -> Configuration:
    """Read a snapshot; its positions are wrapped.

    Raises:
        TableError: for a file that is absent, damaged, or no snapshot.
    """
    table, metadata = tables.read(path, ["type", "x", "y", "z"]), tables.read_parameters(path)
    if "box_length" not in metadata:
        raise tables.TableError(
            f"a snapshot states its box_length: {path} has {sorted(metadata)}; make it anew"
        )
    return Configuration(
        table.select("x", "y", "z").to_numpy(), table["type"].to_numpy(), float(metadata["box_length"])
    )


def read_ids(path: Path) -> NDArray[np.int64] | None:
    """Read the ids of the particles, (N,), None where a snapshot has none; errors as `read_snapshot`."""
    if ID.name not in tables.column_names(path):
        return None
    ids: NDArray[np.int64] = tables.read(path, [ID.name])[ID.name].to_numpy()
    return ids


def read_snapshot_metadata(path: Path) -> dict[str, Any]:
    """Read the origin of a snapshot: frames, frame, temperature, box_length; errors as `read_snapshot`."""
    return tables.read_parameters(path)
