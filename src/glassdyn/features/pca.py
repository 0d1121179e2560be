"""Principal components of type and descriptors, from moments gathered in one pass.

The covariance of the rows v = (T, G_A, G_B) needs their moments only. Its eigenvectors are the components.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialise

from glassdyn.errors import GlassdynError
from glassdyn.features.moments import ROWS, Moments
from glassdyn.jobs.atomic import atomic_write

__all__ = ["Pca", "PcaError", "load", "principal_components", "project", "save"]

FORMAT = "glassdyn.pca.1"


class PcaError(GlassdynError):
    """Components that cannot be computed or read."""


class Pca(NamedTuple):
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


def principal_components(moments: Moments, components: int) -> Pca:
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
    return Pca(moments.mean, rows[:components].copy(), np.maximum(variances[::-1], 0.0))


def project(pca: Pca, rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """(n, K) coordinates of (n, F) rows along the components: (v - mean) . components."""
    projected = np.empty((len(rows), len(pca.components)), np.float32)
    for start in range(0, len(rows), ROWS):
        projected[start : start + ROWS] = (rows[start : start + ROWS] - pca.mean) @ pca.components.T
    return projected


def save(path: Path, pca: Pca, about: Mapping[str, object]) -> None:
    """Write the components as safetensors, with what they were fitted on in the metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # one entry: the library writes several in an order that differs from run to run
    metadata = {"glassdyn": json.dumps({"format": FORMAT, **about}, sort_keys=True)}
    with atomic_write(path) as part:
        part.write_bytes(serialise(pca._asdict(), metadata))


def load(path: Path) -> tuple[Pca, dict[str, object]]:
    """Read components and what they were fitted on.

    Raises:
        PcaError: for a file that is absent, damaged or something else.
    """
    try:
        with safe_open(path, "numpy") as file:
            about = json.loads((file.metadata() or {}).get("glassdyn", "{}"))
            if about.pop("format", None) != FORMAT:
                raise PcaError(f"{path} holds no principal components of this version ({FORMAT})")
            return Pca(*(file.get_tensor(name) for name in Pca._fields)), about
    except (OSError, SafetensorError) as error:
        raise PcaError(f"{path} cannot be read as safetensors: {error}") from None
