"""Principal components of type and descriptors that the training samples define (thesis 2.2).

The covariance of the rows v = (T, G_A, G_B) needs their moments only, gathered in one pass. Its eigenvectors are the
components.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.features.components import PcaError, PrincipalComponents, project
from glassdyn.features.moments import Moments, empty, update
from glassdyn.features.node_features import features_from_tables
from glassdyn.storage import tables

__all__ = ["explained_variance", "fit", "principal_components", "project_table"]


def fit(
    training: Sequence[Path], components: int, advance: Callable[[float], None] = lambda _tables: None
) -> tuple[PrincipalComponents, dict[str, Any]]:
    """Fit principal components to training samples, read one at a time.

    Args:
        training: their structure tables.
        components: how many to keep.
        advance: called with 1 after every table.

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
        moments = update(moments, _read_rows(path, edges))
        advance(1)
    metadata = {"samples": [path.stem for path in training], "rows": moments.rows, "edges": edges}
    return principal_components(moments, components), metadata


def principal_components(moments: Moments, components: int) -> PrincipalComponents:
    """Eigenvectors of the covariance, the largest variances first.

    Args:
        moments: of at least two rows.
        components: K, at most F.

    Raises:
        PcaError: with fewer rows or features than that, or where a feature is not finite.
    """
    features = len(moments.mean)
    if moments.rows < 2 or not 0 < components <= features:
        raise PcaError(
            f"{components} components need at least 2 rows and {components} features: "
            f"got {moments.rows} rows of {features}"
        )
    if not np.isfinite(moments.scatter).all():
        raise PcaError("features must be finite: a descriptor table holds a NaN or an infinity")
    variances, vectors = np.linalg.eigh(moments.scatter / (moments.rows - 1))
    rows = vectors.T[::-1]
    largest = np.abs(rows).argmax(axis=1)
    rows = rows * np.sign(rows[np.arange(features), largest])[:, None]
    return PrincipalComponents(moments.mean, rows[:components].copy(), np.maximum(variances[::-1], 0.0))


def project_table(pca: PrincipalComponents, path: Path, edges: Sequence[float]) -> dict[str, NDArray[Any]]:
    """Columns of the PCA table of a sample, whose structure table must have these edges."""
    rows = _read_rows(path, edges)
    return {"particle": np.arange(len(rows)), "components": project(pca, rows)}


def _read_rows(path: Path, edges: Sequence[float]) -> NDArray[np.float32]:
    """(N, 1 + 2 bins) rows (T, G_A, G_B) of a structure table with these edges (thesis 2.7)."""
    tables.require_parameters(path, {"edges": edges})
    return features_from_tables(path, "full")


def explained_variance(pca: PrincipalComponents) -> pl.DataFrame:
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
