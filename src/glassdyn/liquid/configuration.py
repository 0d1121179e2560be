"""A configuration of the liquid: positions, species and the box."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Configuration"]


class Configuration(NamedTuple):
    """Positions and species of all particles, in a cubic periodic box.

    Attributes:
        positions: (N, 3) float64, wrapped or not, units of sigma_AA.
        species: (N,) uint8, 0 for A, 1 for B.
        box_length: L of the cubic periodic box, units of sigma_AA.
    """

    positions: NDArray[np.float64]
    species: NDArray[np.uint8]
    box_length: float
