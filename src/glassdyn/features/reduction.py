"""Structure tables reduced to principal components that the training samples define."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.features.moments import empty, update
from glassdyn.features.pca import Pca, PcaError, principal_components, project
from glassdyn.storage import tables

__all__ = ["explained_variance", "fit", "project_table", "rows_of"]


def rows_of(path: Path, edges: Sequence[float]) -> NDArray[np.float32]:
    """(N, 1 + 2 bins) rows (T, G_A, G_B) of a structure table with these edges (thesis 2.7)."""
    table = tables.read(path, ["type", "descriptors"], {"edges": edges})
    return np.column_stack([table["type"].to_numpy().astype(np.float32), table["descriptors"].to_numpy()])


def fit(
    training: Sequence[Path], components: int, advance: Callable[[float], None] = lambda _tables: None
) -> tuple[Pca, dict[str, Any]]:
    """Principal components of training samples, read one at a time.

    Args:
        training: their structure tables.
        components: how many to keep.
        advance: told of every table read.

    Returns:
        The components, and what they were fitted on: samples, rows, edges.

    Raises:
        PcaError: without a training sample.
        TableError: where tables have different edges.
    """
    if not training:
        raise PcaError("principal components need a training sample: none of split.train is there")
    edges = tables.read_parameters(training[0])["edges"]
    moments = empty(2 * len(edges) - 1)
    for path in training:
        moments = update(moments, rows_of(path, edges))
        advance(1)
    about = {"samples": [path.stem for path in training], "rows": moments.rows, "edges": edges}
    return principal_components(moments, components), about


def project_table(pca: Pca, path: Path, edges: Sequence[float]) -> dict[str, NDArray[Any]]:
    """Columns of the PCA table of a sample, whose descriptors have these edges."""
    rows = rows_of(path, edges)
    return {"particle": np.arange(len(rows)), "components": project(pca, rows)}


def explained_variance(pca: Pca) -> pl.DataFrame:
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
