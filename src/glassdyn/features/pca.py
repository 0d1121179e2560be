"""Principal components of type and descriptors that the training samples define (thesis 2.2).

The covariance of the rows v = (T, G_A, G_B) needs their moments only, gathered in one pass. Its eigenvectors are the
components.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.features.columns import stack
from glassdyn.features.moments import ROWS, Moments, empty, update
from glassdyn.storage import tables
from glassdyn.storage.tensor_file import TensorFileError, read_arrays, write_arrays

__all__ = [
    "PcaError",
    "PrincipalComponents",
    "explained_variance",
    "fit",
    "load",
    "principal_components",
    "project",
    "project_table",
    "save",
]

FORMAT = "glassdyn pca 2"


class PcaError(GlassdynError):
    """Components that cannot be computed."""


class PrincipalComponents(NamedTuple):
    """The directions that explain most of the variance.

    Attributes:
        mean: (F,) float64.
        components: (K, F) float64, orthonormal rows by decreasing variance; the entry of largest
            modulus of each row is positive.
        variances: (F,) float64, of all F components, with the divisor n - 1.
    """

    mean: NDArray[np.float64]
    components: NDArray[np.float64]
    variances: NDArray[np.float64]


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


def project(pca: PrincipalComponents, rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """(n, K) coordinates of (n, F) rows along the components: (v - mean) . components."""
    projected = np.empty((len(rows), len(pca.components)), np.float32)
    for start in range(0, len(rows), ROWS):
        projected[start : start + ROWS] = (rows[start : start + ROWS] - pca.mean) @ pca.components.T
    return projected


def project_table(pca: PrincipalComponents, path: Path, edges: Sequence[float]) -> dict[str, NDArray[Any]]:
    """Columns of the PCA table of a sample, whose structure table must have these edges."""
    rows = _read_rows(path, edges)
    return {"particle": np.arange(len(rows)), "components": project(pca, rows)}


def _read_rows(path: Path, edges: Sequence[float]) -> NDArray[np.float32]:
    """(N, 1 + 2 bins) rows (T, G_A, G_B) of a structure table with these edges (thesis 2.7)."""
    names = ["type", "descriptors"]
    table = tables.read(path, names, {"edges": edges})
    return stack({name: table[name].to_numpy() for name in names}, names)


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


def save(path: Path, pca: PrincipalComponents, metadata: Mapping[str, object]) -> None:
    """Write the components, with what they were fitted on."""
    write_arrays(path, {"format": FORMAT, **metadata}, pca._asdict())


def load(path: Path) -> tuple[PrincipalComponents, dict[str, Any]]:
    """Read components and what they were fitted on.

    Raises:
        TensorFileError: for a file that is absent, damaged or something else.
    """
    metadata, arrays = read_arrays(path, FORMAT)
    try:
        return PrincipalComponents(**arrays), metadata
    except TypeError as error:
        raise TensorFileError(f"{path} does not hold all of the components: {error}; make it anew") from None
