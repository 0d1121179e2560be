"""Fields of the neighbours of every particle summed in spherical shells, by species: the column `shells`.

A shell is a triangle of the distance, so that a neighbour goes from one to the next without a jump.
"""

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

__all__ = ["centre_by_species", "count_shells", "sum_shells"]


def sum_shells(
    configuration: Configuration, values: NDArray[np.float64], *, radius: float, width: float
) -> NDArray[np.float64]:
    """Sum values over the neighbours of every particle in triangular shells.

    S_Y,c,k(i) = sum over j of species Y, j != i, r_ij < radius, of x_c(j) max(0, 1 - |r_ij - k width| / width),
    k = 1 ... `count_shells`

    Args:
        configuration: its box holds two radii.
        values: (N, C) x.
        radius: of the last shell, units of sigma_AA.
        width: from one shell to the next, units of sigma_AA.

    Returns:
        (N, 2 C K): A's before B's, for each all shells of the first value, then of the next.

    Raises:
        GlassdynError: where the box is too small, a position is not finite, or a species neither 0 nor 1.
    """
    positions, species, box_length = configuration
    cells = build_cell_list(positions, box_length, radius, CELLS_PER_CUTOFF)
    kinds, ordered = species_offsets(species, cells, 1), np.ascontiguousarray(values[cells.order])
    sums = np.zeros((len(values), 2, values.shape[1], count_shells(radius, width)))
    parallel_for(
        cells.side**3, lambda first, last: _sum_cells(first, last, cells, kinds, ordered, width, sums)
    )
    return sums.reshape(len(values), -1)


def count_shells(radius: float, width: float) -> int:
    """K: shells at width, 2 width, ... as far as the radius."""
    return int(radius / width + 1e-9)


def centre_by_species(values: NDArray[np.float64], species: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(N, C) values less their mean over the configuration's particles of the same species.

    A sum over neighbours then tells how these differ from others, not once more how many there are.
    """
    centred = values.copy()
    for kind in np.unique(species):
        centred[species == kind] -= values[species == kind].mean(axis=0)
    return centred


@compiled
def _sum_cells(
    begin: int,
    end: int,
    cells: Cells,
    kinds: NDArray[np.uint32],
    values: NDArray[np.float64],
    width: float,
    sums: NDArray[np.float64],
) -> None:
    """Sums of the particles in the cells begin ... end - 1."""
    candidates, limit = empty_candidates(np.empty((3, len(kinds)))), cells.cutoff * cells.cutoff
    for cell in range(begin, end):
        number = gather_candidates(cell, cells, kinds, candidates)
        for particle in range(cells.starts[cell], cells.starts[cell + 1]):
            row = sums[cells.order[particle]]
            for k in range(number):
                sender = candidates.sorted[k]
                square = square_between(particle, sender, cells)
                if square < limit and sender != particle:
                    _add_neighbour(np.sqrt(square) / width, values[sender], row[candidates.offsets[k]])


@compiled
def _add_neighbour(place: float, values: NDArray[np.float64], sums: NDArray[np.float64]) -> None:
    """Divide the (C,) values of a neighbour between the two shells, k = 1 first, on both sides of its place."""
    inner = int(place)
    share = place - inner
    for column in range(len(values)):
        if 0 < inner <= sums.shape[1]:
            sums[column, inner - 1] += (1 - share) * values[column]
        if inner < sums.shape[1]:
            sums[column, inner] += share * values[column]
