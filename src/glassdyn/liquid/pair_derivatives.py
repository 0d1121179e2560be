"""The pair potential and its derivatives as machine code, for sums over neighbours; `potential` is its reference."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.liquid.compiled import compiled
from glassdyn.liquid.potential import EPSILON, SIGMA
from glassdyn.params import Potential

__all__ = ["PairTable", "pair_derivatives", "tabulate_pairs"]


class PairTable(NamedTuple):
    """Parameters of the pair potential by species X, Y in (A, B).

    Attributes:
        epsilon: (2, 2) depths, units of eps_AA.
        squares: (2, 2) sigma_XY^2, units of sigma_AA^2.
        on: r_on^2, units of sigma_XY^2; r_cut^2 where nothing is smoothed.
        cut: r_cut^2, units of sigma_XY^2.
        shift: energy at the cutoff that is subtracted, units of eps_XY.
        cutoff: longest of all pairs, units of sigma_AA.
    """

    epsilon: NDArray[np.float64]
    squares: NDArray[np.float64]
    on: float
    cut: float
    shift: float
    cutoff: float


def tabulate_pairs(potential: Potential) -> PairTable:
    """The exact potential of the parameters, whatever spline the engine may use."""
    cut, shifts = potential.r_cut**2, potential.truncation == "shift"
    return PairTable(
        epsilon=EPSILON,
        squares=SIGMA**2,
        on=cut if shifts else potential.r_on**2,
        cut=cut,
        shift=4 * (cut**-6 - cut**-3) if shifts else 0.0,
        cutoff=float(potential.r_cut * SIGMA.max()),
    )


@compiled
def pair_derivatives(
    square: float, kind: int, neighbour: int, table: PairTable
) -> tuple[float, float, float]:
    """V, dV/du and d2V/du2 of a pair as functions of u = r^2; zero from the cutoff on.

    In u all terms of the potential of `potential.pair_interaction` are rational. With d = r_j - r_i the force on i is
    2 V_u d, and d2V / dr_i dr_j = -(2 V_u 1 + 4 V_uu d d^T).

    Args:
        square: r^2 > 0, units of sigma_AA^2.
        kind: species of the particle.
        neighbour: species of its neighbour.
        table: see `tabulate_pairs`.
    """
    u = square / table.squares[kind, neighbour]
    if u >= table.cut:
        return 0.0, 0.0, 0.0
    depth = 4 * table.epsilon[kind, neighbour]
    a = 1 / (u * u * u)
    energy = depth * (a * a - a - table.shift / 4)
    slope = depth * (3 * a - 6 * a * a) / u
    curvature = depth * (42 * a * a - 12 * a) / (u * u)
    if u >= table.on:
        cut, on, width = table.cut, table.on, (table.cut - table.on) ** 3
        s = (cut - u) ** 2 * (cut + 2 * u - 3 * on) / width
        s_u = 6 * (cut - u) * (on - u) / width
        s_uu = 6 * (2 * u - on - cut) / width
        curvature = s * curvature + 2 * s_u * slope + s_uu * energy
        slope = s * slope + s_u * energy
        energy = s * energy
    scale = 1 / table.squares[kind, neighbour]
    return energy, slope * scale, curvature * scale * scale
