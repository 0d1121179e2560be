"""Two-body excess entropy of every particle: how far its surroundings are from those of an ideal gas."""

import numpy as np
from numpy.typing import NDArray

from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.neighbours import Pairs, find_neighbours

__all__ = ["two_body_entropy"]

Values = NDArray[np.float64]

REACH = 3.0
"""Upper limit of the integral, units of sigma_AA."""

WIDTH = 0.1
"""Of the Gaussian that stands for each neighbour, units of sigma_AA."""

STEP = 0.05
"""Of the integral, units of sigma_AA."""


def two_body_entropy(configuration: Configuration, reach: float = REACH) -> Values:
    """(N,) s2 of every particle, units of k_B; the lower, the more ordered.

    s2_i = -2 pi sum_Y rho_Y int_0^R (g_iY ln g_iY - g_iY + 1) r^2 dr
    g_iY(r) = sum over j of species Y of exp(-(r - r_ij)^2 / 2 w^2) / (sqrt(2 pi) w 4 pi r^2 rho_Y)

    w = `WIDTH`; rho_Y: number of particles of species Y over the volume.

    Args:
        configuration: in a box that does not hold two of R + 4 w, the integral ends where it does.
        reach: R, units of sigma_AA.

    Source: Piaggi & Parrinello, J. Chem. Phys. 147, 114112 (2017); Tong & Tanaka, Phys. Rev. X 8, 011041 (2018), for
    mixtures.
    """
    positions, species, box_length = configuration
    reach = min(reach, box_length / 2 - 4 * WIDTH)
    pairs = find_neighbours(positions, box_length, reach + 4 * WIDTH)
    radii = STEP * np.arange(1.0, int(reach / STEP + 1e-9) + 1)  # (R,)
    total = np.zeros(len(species))
    for kind in np.unique(species):
        density = np.count_nonzero(species == kind) / box_length**3
        members = species[pairs.senders] == kind
        smooth = _smooth_distribution(pairs, members, radii, density, len(species))  # (R, N)
        with np.errstate(divide="ignore", invalid="ignore"):
            logarithms = np.where(smooth > 0, smooth * np.log(smooth), 0.0)
        total += density * STEP * ((logarithms - smooth + 1) * radii[:, None] ** 2).sum(axis=0)
    return -2 * np.pi * total


def _smooth_distribution(
    pairs: Pairs, members: NDArray[np.bool_], radii: Values, density: float, particles: int
) -> Values:
    """(R, N) g_iY(r) of those pairs whose sender is of species Y."""
    receivers, distances = pairs.receivers[members], np.linalg.norm(pairs.vectors[members], axis=1)
    distribution = np.zeros((len(radii), particles))
    for k, r in enumerate(radii):
        near = np.abs(distances - r) < 7 * WIDTH
        weights = np.exp(-((distances[near] - r) ** 2) / (2 * WIDTH**2))
        scale = np.sqrt(2 * np.pi) * WIDTH * 4 * np.pi * r**2 * density
        distribution[k] = np.bincount(receivers[near], weights, particles) / scale
    return distribution
