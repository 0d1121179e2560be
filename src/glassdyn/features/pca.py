"""Principal components of type and descriptors, from moments gathered in one pass.

The covariance of the rows v = (T, G_A, G_B) needs their number, mean and scatter only; samples add up
by Chan, Golub and LeVeque's rule (1979), so no two of them are held at once. Its eigenvectors are the
components.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialise

from glassdyn.files import replacing

__all__ = ["Moments", "Pca", "PcaError", "add", "load", "nothing", "principal_components", "project", "save"]

FORMAT = "glassdyn.pca.1"
ROWS = 16384
"""Rows turned to float64 at a time."""


class PcaError(ValueError):
    """Components that cannot be computed or read."""


class Moments(NamedTuple):
    """What the rows seen so far come to.

    Attributes:
        rows: their number.
        mean: (F,) float64.
        scatter: (F, F) float64, sum of (v - mean)(v - mean)^T.
    """

    rows: int
    mean: NDArray[np.float64]
    scatter: NDArray[np.float64]


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


def nothing(features: int) -> Moments:
    """Moments of no row."""
    return Moments(0, np.zeros(features), np.zeros((features, features)))


def add(moments: Moments, rows: NDArray[np.floating]) -> Moments:
    """Moments of the rows seen so far and of (n, F) rows more."""
    for start in range(0, len(rows), ROWS):
        block = rows[start : start + ROWS].astype(np.float64)
        mean = block.mean(axis=0)
        block -= mean
        moments = _merge(moments, Moments(len(block), mean, block.T @ block))
    return moments


def _merge(one: Moments, other: Moments) -> Moments:
    count = one.rows + other.rows
    shift = other.mean - one.mean
    mean = one.mean + shift * (other.rows / count)
    cross = np.outer(shift, shift) * (one.rows * other.rows / count)
    return Moments(count, mean, one.scatter + other.scatter + cross)


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
    with replacing(path) as part:
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
