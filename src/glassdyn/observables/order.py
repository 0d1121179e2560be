"""Crystalline order around particles: coherent bond orientations, by sixfold spherical harmonics."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import sph_harm_y

from glassdyn.liquid.neighbours import Pairs, find_neighbours

__all__ = ["bond_orders", "coherent_bonds", "solid_fraction"]

DEGREE = 6

COHERENT = 0.7
"""Bonds whose ends have orientations correlated above this are coherent."""


def bond_orders(pairs: Pairs, particles: int) -> NDArray[np.complex128]:
    """q_6m(i) = mean over the neighbours j of Y_6m(r_ij), m = 0 ... 6 (Steinhardt et al. 1983).

    Negative m add no information: q_6,-m = (-1)^m conj(q_6m).

    Args:
        pairs: neighbours, every pair in both directions, (E,).
        particles: N.

    Returns:
        (N, 7); zero for a particle without neighbours.
    """
    x, y, z = pairs.vectors.T
    polar, azimuth = np.arctan2(np.hypot(x, y), z), np.arctan2(y, x)
    orders = np.zeros((particles, DEGREE + 1), np.complex128)
    for m in range(DEGREE + 1):
        harmonics = sph_harm_y(DEGREE, m, polar, azimuth)  # (E,)
        orders[:, m].real = np.bincount(pairs.receivers, weights=harmonics.real, minlength=particles)
        orders[:, m].imag = np.bincount(pairs.receivers, weights=harmonics.imag, minlength=particles)
    bonds = np.bincount(pairs.receivers, minlength=particles)
    return orders / np.maximum(bonds, 1)[:, None]


def coherent_bonds(pairs: Pairs, particles: int) -> NDArray[np.int64]:
    """(N,) number of neighbours j with Re q_6(i) . q_6(j)* / (|q_6(i)| |q_6(j)|) > COHERENT.

    Source: ten Wolde, Ruiz-Montero and Frenkel, J. Chem. Phys. 104, 9932 (1996).
    """
    orders = bond_orders(pairs, particles)
    weights = np.array([1.0] + [2.0] * DEGREE)  # m and -m give the same
    lengths = np.sqrt((weights * np.abs(orders) ** 2).sum(axis=1))
    unit = orders / np.where(lengths > 0, lengths, 1.0)[:, None]
    products = (weights * (unit[pairs.receivers] * unit[pairs.senders].conj()).real).sum(axis=1)
    return np.bincount(pairs.receivers[products > COHERENT], minlength=particles)


def solid_fraction(
    positions: NDArray[np.float64], box_length: float, *, cutoff: float = 1.4, bonds: int = 7
) -> float:
    """Fraction of particles, of either species, with at least `bonds` coherent bonds.

    Some percent in the liquid, nearly all in a crystal.

    Args:
        positions: (N, 3), units of sigma_AA.
        box_length: L, units of sigma_AA.
        cutoff: of neighbours; the default is the first minimum of g_AA(r), units of sigma_AA.
        bonds: coherent ones that make a particle solid-like.
    """
    pairs = find_neighbours(positions, box_length, cutoff)
    return float((coherent_bonds(pairs, len(positions)) >= bonds).mean())
