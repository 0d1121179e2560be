"""Potential energy of every particle, and the force on it, in the exact potential of the simulation."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.features.shell_counts import (
    CELLS_PER_CUTOFF,
    empty_candidates,
    gather_candidates,
    species_offsets,
)
from glassdyn.liquid.compiled import compiled, parallel_for
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.neighbours import Cells, build_cell_list
from glassdyn.liquid.pair_derivatives import PairTable, pair_derivatives, tabulate_pairs
from glassdyn.params import Potential

__all__ = ["ParticleEnergies", "particle_energies", "shortest_image"]


class ParticleEnergies(NamedTuple):
    """Energies and forces by particle.

    Attributes:
        energies: (N,) float64 half the energies of each particle's pairs, which sum to U, units of eps_AA.
        forces: (N, 3) float64, units of eps_AA / sigma_AA.
    """

    energies: NDArray[np.float64]
    forces: NDArray[np.float64]


def particle_energies(configuration: Configuration, potential: Potential) -> ParticleEnergies:
    """Share the energy of every pair equally between its particles.

    e_i = 1/2 sum_j V(r_ij),  F_i = sum_j V'(r_ij) (r_j - r_i) / r_ij

    Args:
        configuration: its box holds two cutoffs.
        potential: exact, whatever spline the engine uses.

    Raises:
        GlassdynError: where the box is too small, a position is not finite, or a species neither 0 nor 1.
    """
    table = tabulate_pairs(potential)
    positions, species, box_length = configuration
    cells = build_cell_list(positions, box_length, table.cutoff, CELLS_PER_CUTOFF)
    kinds = species_offsets(species, cells, 1)
    result = ParticleEnergies(np.empty(len(species)), np.empty((len(species), 3)))
    parallel_for(cells.side**3, lambda first, last: _sum_pairs(first, last, cells, kinds, table, result))
    return result


@compiled
def _sum_pairs(
    begin: int, end: int, cells: Cells, kinds: NDArray[np.uint32], table: PairTable, result: ParticleEnergies
) -> None:
    """Energies and forces of the particles in the cells begin ... end - 1."""
    candidates, vector = empty_candidates(np.empty((3, len(kinds)))), np.empty(3)
    for cell in range(begin, end):
        number = gather_candidates(cell, cells, kinds, candidates)
        for particle in range(cells.starts[cell], cells.starts[cell + 1]):
            energy, force = 0.0, np.zeros(3)
            for k in range(number):
                square = shortest_image(particle, candidates.sorted[k], cells, vector)
                if square > 0:  # at 0 it is the particle itself
                    terms = pair_derivatives(square, kinds[particle], candidates.offsets[k], table)
                    energy += terms[0] / 2
                    force += 2 * terms[1] * vector
            result.energies[cells.order[particle]] = energy
            result.forces[cells.order[particle]] = force


@compiled
def shortest_image(i: int, j: int, cells: Cells, vector: NDArray[np.float64]) -> float:
    """Write the shortest image of r_j - r_i of two sorted particles; return its square."""
    square, box_length = 0.0, cells.box_length
    for axis in range(3):
        d = cells.positions[axis, j] - cells.positions[axis, i]
        vector[axis] = d - box_length * np.rint(d / box_length)
        square += vector[axis] * vector[axis]
    return square
