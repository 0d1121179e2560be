"""Principal components as a projection of rows, and the file that holds them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialise

from glassdyn.errors import GlassdynError
from glassdyn.features.moments import ROWS
from glassdyn.jobs.atomic import atomic_write

__all__ = ["PcaError", "PrincipalComponents", "load_components", "project", "save_components"]

FORMAT = "glassdyn.pca.1"


class PcaError(GlassdynError):
    """Components that cannot be computed or read."""


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


def project(pca: PrincipalComponents, rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """(n, K) coordinates of (n, F) rows along the components: (v - mean) . components."""
    projected = np.empty((len(rows), len(pca.components)), np.float32)
    for start in range(0, len(rows), ROWS):
        projected[start : start + ROWS] = (rows[start : start + ROWS] - pca.mean) @ pca.components.T
    return projected


def save_components(path: Path, pca: PrincipalComponents, metadata: Mapping[str, object]) -> None:
    """Write the components as safetensors, with what they were fitted on in the metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # one entry: the library writes several in an order that differs from run to run
    entry = {"glassdyn": json.dumps({"format": FORMAT, **metadata}, sort_keys=True)}
    with atomic_write(path) as beside:
        beside.write_bytes(serialise(pca._asdict(), entry))


def load_components(path: Path) -> tuple[PrincipalComponents, dict[str, Any]]:
    """Read components and what they were fitted on.

    Raises:
        PcaError: for a file that is absent, damaged or something else.
    """
    try:
        with safe_open(path, "numpy") as file:
            metadata = json.loads((file.metadata() or {}).get("glassdyn", "{}"))
            if metadata.pop("format", None) != FORMAT:
                raise PcaError(f"{path} holds no principal components of this version ({FORMAT})")
            return PrincipalComponents(*map(file.get_tensor, PrincipalComponents._fields)), metadata
    except (OSError, SafetensorError) as error:
        raise PcaError(f"{path} cannot be read as safetensors: {error}") from None
