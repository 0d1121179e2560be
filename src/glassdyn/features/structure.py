"""Structure tables: from a trajectory's middle frame, and reduced to principal components."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn import tables
from glassdyn.features.descriptors import radial_descriptors
from glassdyn.features.pca import Pca, PcaError, add, nothing, principal_components, project
from glassdyn.geometry import wrap
from glassdyn.trajectory import Trajectory, TrajectoryError

__all__ = ["described", "explained", "fit", "reduced", "rows_of"]


def described(
    trajectory: Trajectory, edges: NDArray[np.float64]
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Describe the structure around every particle of a trajectory's middle frame.

    Args:
        trajectory: its box holds two of the last edge.
        edges: (bins + 1,) of the radial distributions, units of sigma_AA.

    Returns:
        The columns of the structure table, and what determines them: edges, frame, box_length.

    Raises:
        TrajectoryError: where the box is too small or a particle is lost.
    """
    positions = trajectory.frame(trajectory.middle)
    try:
        found = radial_descriptors(positions, trajectory.species, trajectory.box_length, edges)
    except ValueError as error:
        raise TrajectoryError(f"{error} ({trajectory.path}, frame {trajectory.middle})") from None
    columns = {
        "particle": np.arange(trajectory.particles),
        "type": trajectory.species,
        **dict(zip("xyz", wrap(positions, trajectory.box_length).T, strict=True)),
        "descriptors": found,
    }
    parameters = {"edges": edges.tolist(), "frame": trajectory.middle, "box_length": trajectory.box_length}
    return columns, parameters


def rows_of(path: Path, edges: Sequence[float]) -> NDArray[np.float32]:
    """(N, 1 + 2 bins) rows (T, G_A, G_B) of a structure table with these edges (thesis 2.7)."""
    table = tables.read(path, ["type", "descriptors"], {"edges": edges})
    return np.column_stack([table["type"].to_numpy().astype(np.float32), table["descriptors"].to_numpy()])


def fit(training: Sequence[Path], components: int) -> tuple[Pca, dict[str, Any]]:
    """Principal components of training samples, read one at a time.

    Args:
        training: their structure tables.
        components: how many to keep.

    Returns:
        The components, and what they were fitted on: samples, rows, edges.

    Raises:
        PcaError: without a training sample.
        TableError: where tables have different edges.
    """
    if not training:
        raise PcaError("principal components need a training sample: none of split.train is there")
    edges = tables.parameters(training[0])["edges"]
    moments = nothing(2 * len(edges) - 1)
    for path in training:
        moments = add(moments, rows_of(path, edges))
    about = {"samples": [path.stem for path in training], "rows": moments.rows, "edges": edges}
    return principal_components(moments, components), about


def reduced(pca: Pca, path: Path, edges: Sequence[float]) -> dict[str, NDArray[Any]]:
    """Columns of the PCA table of a sample, whose descriptors have these edges."""
    rows = rows_of(path, edges)
    return {"particle": np.arange(len(rows)), "components": project(pca, rows)}


def explained(pca: Pca) -> pl.DataFrame:
    """Variance that each component explains: columns component (from 1), variance, fraction, cumulative."""
    fraction = pca.variances / pca.variances.sum()
    return pl.DataFrame(
        {
            "component": np.arange(1, len(fraction) + 1),
            "variance": pca.variances,
            "fraction": fraction,
            "cumulative": fraction.cumsum(),
        }
    )
