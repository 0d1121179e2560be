"""Fields of particles averaged over neighbourhoods of several sizes: the column `local`.

Linear regression on energies in the inherent structure, averaged like this, predicts propensities as well as deep
networks do on positions.

Source: Jung, Biroli, Berthier, Phys. Rev. Lett. 130, 238202 (2023).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glassdyn.features.shell_counts import (
    CELLS_PER_CUTOFF,
    empty_candidates,
    gather_candidates,
    species_offsets,
    square_between,
)
from glassdyn.liquid.compiled import compiled, parallel_for
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.neighbours import Cells, build_cell_list

__all__ = ["average_neighbourhoods"]

REACH = 4.0
"""Lengths beyond which a neighbour no longer counts."""


def average_neighbourhoods(
    configuration: Configuration, values: NDArray[np.float64], lengths: Sequence[float], reach: float
) -> NDArray[np.float64]:
    """Average values over the particles around each, itself included, for every length.

    x_bar_i(l) = sum_j w_ij x_j / sum_j w_ij,  w_ij = exp(-r_ij / l) where r_ij < min(REACH l, reach), w_ii = 1

    Args:
        configuration: its box holds two of `reach`.
        values: (N, C) x.
        lengths: (K,) l, units of sigma_AA.
        reach: longest distance of a neighbour, units of sigma_AA.

    Returns:
        (N, K C) float64, the averages over the first length first.

    Raises:
        GlassdynError: where the box is too small, a position is not finite, or a species neither 0 nor 1.
    """
    positions, species, box_length = configuration
    ranges = np.minimum(REACH * np.array(lengths), reach)  # (K,)
    cells = build_cell_list(positions, box_length, float(ranges.max()), CELLS_PER_CUTOFF)
    kinds, ordered = species_offsets(species, cells, 1), np.ascontiguousarray(values[cells.order])
    averages = np.empty((len(values), len(lengths), values.shape[1]))
    scales = np.stack((np.array(lengths), ranges), axis=1)  # (K, 2)
    parallel_for(
        cells.side**3,
        lambda first, last: _average_cells(first, last, cells, kinds, ordered, scales, averages),
    )
    return averages.reshape(len(values), -1)


@compiled
def _average_cells(
    begin: int,
    end: int,
    cells: Cells,
    kinds: NDArray[np.uint32],
    values: NDArray[np.float64],
    scales: NDArray[np.float64],
    averages: NDArray[np.float64],
) -> None:
    """Averages around the particles in the cells begin ... end - 1."""
    candidates = empty_candidates(np.empty((3, len(kinds))))
    totals, sums = np.empty(len(scales)), np.empty(averages.shape[1:])
    limit = cells.cutoff * cells.cutoff
    for cell in range(begin, end):
        number = gather_candidates(cell, cells, kinds, candidates)
        for particle in range(cells.starts[cell], cells.starts[cell + 1]):
            totals[:], sums[:] = 0, 0
            for k in range(number):
                square = square_between(particle, candidates.sorted[k], cells)
                if square < limit:
                    _add_neighbour(np.sqrt(square), values[candidates.sorted[k]], scales, totals, sums)
            averages[cells.order[particle]] = sums / totals.reshape(-1, 1)


@compiled
def _add_neighbour(
    distance: float,
    values: NDArray[np.float64],
    scales: NDArray[np.float64],
    totals: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """Add the values of a neighbour to the sums of all lengths that reach it."""
    for length in range(len(scales)):
        if distance < scales[length, 1]:
            weight = np.exp(-distance / scales[length, 0])
            totals[length] += weight
            for column in range(len(values)):
                sums[length, column] += weight * values[column]
