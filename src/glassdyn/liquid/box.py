"""The cubic periodic box: its length, wrapping and minimum images.

Simulations import this module and not `neighbours`, so that a change there reruns none of them.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["compute_box_length", "minimum_image", "wrap"]


def compute_box_length(particles: int, density: float) -> float:
    """L = (N / rho)^(1/3), units of sigma_AA, of a cube with N particles at rho per sigma_AA^3."""
    return float((particles / density) ** (1 / 3))


def wrap(positions: NDArray[np.float64], box_length: float) -> NDArray[np.float64]:
    """Bring positions into the box [0, L)^3.

    Args:
        positions: (..., 3), units of sigma_AA.
        box_length: L, units of sigma_AA.

    Returns:
        (..., 3), each coordinate in [0, L); L itself, which rounding can give for tiny negatives,
        becomes 0.
    """
    wrapped = positions - box_length * np.floor(positions / box_length)
    wrapped[(wrapped >= box_length) | (wrapped < 0)] = 0.0
    return wrapped


def minimum_image(vectors: NDArray[np.float64], box_length: float) -> NDArray[np.float64]:
    """Shortest periodic image of every vector: v - L round(v / L).

    Args:
        vectors: (..., 3) differences of positions, units of sigma_AA.
        box_length: L, units of sigma_AA.

    Returns:
        (..., 3), each coordinate in [-L/2, L/2].
    """
    return vectors - box_length * np.rint(vectors / box_length)
