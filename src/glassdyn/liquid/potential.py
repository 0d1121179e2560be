"""The Kob-Andersen mixture: the reference implementation of its potential, in NumPy.

Lennard-Jones units throughout. Engines implement the same potential, and their tests compare them with this
module.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.liquid.box import minimum_image
from glassdyn.liquid.configuration import Configuration
from glassdyn.params import Potential

__all__ = ["EPSILON", "SIGMA", "EnergyAndForces", "assign_species", "energy_and_forces", "pair_interaction"]

EPSILON = np.array([[1.0, 1.5], [1.5, 0.5]])
"""Depths eps_XY for species X, Y in (A, B), units of eps_AA (thesis 2.2)."""

SIGMA = np.array([[1.0, 0.8], [0.8, 0.88]])
"""Diameters sigma_XY for species X, Y in (A, B), units of sigma_AA (thesis 2.3)."""


class EnergyAndForces(NamedTuple):
    """Energy, forces and virial of a configuration.

    Attributes:
        energy: total potential energy U, units of eps_AA.
        forces: (N, 3) float64, units of eps_AA / sigma_AA.
        virial: sum over pairs of r . F, units of eps_AA; P = rho T + virial / (3 L^3).
    """

    energy: float
    forces: NDArray[np.float64]
    virial: float


def assign_species(particles: int) -> NDArray[np.uint8]:
    """(N,) species of an 80:20 mixture: 0 for A, then 1 for the last N // 5, which are B."""
    return (np.arange(particles) >= particles - particles // 5).astype(np.uint8)


def pair_interaction(
    distances: NDArray[np.float64],
    epsilon: NDArray[np.float64],
    sigma: NDArray[np.float64],
    potential: Potential,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Energy and force -dU/dr of pairs.

    V(r) = 4 eps ((sigma/r)^12 - (sigma/r)^6), zero beyond r_c = r_cut sigma. `xplor` multiplies it by
    S(r) = (r_c^2 - r^2)^2 (r_c^2 + 2 r^2 - 3 r_on^2) / (r_c^2 - r_on^2)^3 from r_on sigma to r_c;
    `shift` subtracts V(r_c).

    Args:
        distances: (P,) r, units of sigma_AA.
        epsilon: (P,) depths of the pairs.
        sigma: (P,) diameters of the pairs.
        potential: truncation, r_on and r_cut in units of the pair's sigma.

    Returns:
        (P,) energies and (P,) forces, positive where repulsive.

    Source: HOOMD-blue's documentation of `md.pair.Pair`, mode "xplor"; thesis 2.1.
    """
    attraction = (sigma / distances) ** 6
    energy = 4 * epsilon * (attraction**2 - attraction)
    force = 24 * epsilon * (2 * attraction**2 - attraction) / distances
    cut, on, square = (potential.r_cut * sigma) ** 2, (potential.r_on * sigma) ** 2, distances**2
    if potential.truncation == "shift":
        energy = energy - 4 * epsilon * (potential.r_cut**-12 - potential.r_cut**-6)
    else:
        smooth = (cut - square) ** 2 * (cut + 2 * square - 3 * on) / (cut - on) ** 3
        slope = 12 * distances * (square - on) * (square - cut) / (cut - on) ** 3
        tail = square >= on
        force = np.where(tail, smooth * force - slope * energy, force)
        energy = np.where(tail, smooth * energy, energy)
    inside = square < cut
    return np.where(inside, energy, 0.0), np.where(inside, force, 0.0)


def energy_and_forces(configuration: Configuration, potential: Potential) -> EnergyAndForces:
    """Energy, forces and virial by the double sum over all pairs: slow, obvious, the reference.

    Args:
        configuration: N particles in a box of at least twice the longest cutoff.
        potential: see `pair_interaction`.
    """
    positions, species, box_length = configuration
    forces = np.zeros_like(positions)
    energy = virial = 0.0
    for i in range(len(positions) - 1):
        vectors = minimum_image(positions[i] - positions[i + 1 :], box_length)  # (P, 3)
        distances = np.linalg.norm(vectors, axis=1)
        types = species[i], species[i + 1 :]
        energies, magnitudes = pair_interaction(distances, EPSILON[types], SIGMA[types], potential)
        pair_forces = (magnitudes / distances)[:, None] * vectors
        forces[i] += pair_forces.sum(axis=0)
        forces[i + 1 :] -= pair_forces
        energy += energies.sum()
        virial += (magnitudes * distances).sum()
    return EnergyAndForces(float(energy), forces, float(virial))
