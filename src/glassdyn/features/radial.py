"""The radial distribution around every particle, by species of the neighbour (thesis 2.6), and its smooth kin.

Smooth descriptors give each neighbour to all bins, by a Gaussian of its distance, and fade where neighbours cease
to count.
"""

import numpy as np
from numpy.typing import NDArray

from glassdyn.features.shell_counts import (
    cells_of_range,
    count_neighbours,
    empty_candidates,
    gather_candidates,
    species_offsets,
    square_between,
)
from glassdyn.liquid.compiled import compiled, parallel_for
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.neighbours import Cells
from glassdyn.params import Descriptors

__all__ = ["bin_edges", "radial_descriptors", "smooth_descriptors"]

REACH = 7.0
"""Widths beyond which a Gaussian vanishes: 2e-11."""


def bin_edges(descriptors: Descriptors) -> NDArray[np.float64]:
    """(bins + 1,) edges as listed, or r_min + a (r_max - r_min) / bins, rounded to 1e-10: 0.85 is the float 0.85."""
    if descriptors.edges:
        return np.array(descriptors.edges)
    return np.linspace(descriptors.r_min, descriptors.r_max, descriptors.bins + 1).round(10)


def radial_descriptors(configuration: Configuration, edges: NDArray[np.float64]) -> NDArray[np.float32]:
    """Count the neighbours of every particle in spherical shells, per area of the shell's inner sphere (thesis 2.6).

    G_Y,a(i) = 1 / (4 pi r_a^2) #{ j of species Y, j != i : r_ij in [r_a, r_a+1) }

    Args:
        configuration: its box holds two of the last edge.
        edges: (bins + 1,) r_a, increasing, above 0, units of sigma_AA; they need not be equally spaced.

    Returns:
        (N, 2 bins): the bins of A, then those of B; units of sigma_AA^-2.

    Raises:
        GlassdynError: as `count_neighbours`.
    """
    r_a, descriptors = edges[:-1], count_neighbours(configuration, edges)  # (bins,), (N, 2, bins)
    descriptors /= 4 * np.pi * r_a**2
    return descriptors.reshape(len(descriptors), -1)


def smooth_descriptors(
    configuration: Configuration, edges: NDArray[np.float64], width: float
) -> NDArray[np.float32]:
    """Sum a Gaussian of every neighbour's distance at the bins' centres c_a.

    S_Y,a(i) = sum over j of species Y, j != i, of f(r_ij) exp(-(r_ij - c_a)^2 / 2 width^2)

    f(r) = (1 + cos(pi r / r_max)) / 2 below the last edge r_max, and 0 from there on: no neighbour comes or goes
    with a jump, in a box of any size.

    Args:
        configuration: its box holds two of the last edge.
        edges: (bins + 1,) increasing, above 0, units of sigma_AA.
        width: of the Gaussian, units of sigma_AA.

    Returns:
        (N, 2 bins): the bins of A, then those of B.

    Raises:
        GlassdynError: as `count_neighbours`.

    Source: Behler, Parrinello, Phys. Rev. Lett. 98, 146401 (2007), equations 4 and 5; Boattini, Smallenburg, Filion,
    Phys. Rev. Lett. 127, 088007 (2021).
    """
    cells, bins = cells_of_range(configuration, edges), len(edges) - 1
    offsets = species_offsets(configuration.species, cells, bins)
    sums = np.empty((len(cells.order), 2 * bins), np.float32)
    parallel_for(
        cells.side**3, lambda first, last: _smooth_cells(first, last, cells, offsets, edges, width, sums)
    )
    return sums


@compiled
def _smooth_cells(
    begin: int,
    end: int,
    cells: Cells,
    offsets: NDArray[np.uint32],
    edges: NDArray[np.float64],
    width: float,
    descriptors: NDArray[np.float32],
) -> None:
    """Smooth descriptors of the particles in the cells begin ... end - 1."""
    sums, candidates = np.empty(descriptors.shape[1]), empty_candidates(np.empty((3, len(offsets))))
    centres, last = (edges[1:] + edges[:-1]) / 2, edges[-1]
    for cell in range(begin, end):
        number = gather_candidates(cell, cells, offsets, candidates)
        for particle in range(cells.starts[cell], cells.starts[cell + 1]):
            sums[:] = 0
            for k in range(number):
                square = square_between(particle, candidates.sorted[k], cells)
                if 0 < square < last * last:  # at 0 it is the particle itself
                    first = candidates.offsets[k]
                    _add_gaussians(np.sqrt(square), centres, last, width, sums[first : first + len(centres)])
            descriptors[cells.order[particle]] = sums


@compiled
def _add_gaussians(
    distance: float, centres: NDArray[np.float64], last: float, width: float, sums: NDArray[np.float64]
) -> None:
    """f(r) exp(-(r - c_a)^2 / 2 width^2) of one neighbour at all centres within REACH."""
    fading = 0.5 + 0.5 * np.cos(np.pi * distance / last)
    a = np.searchsorted(centres, distance - REACH * width)
    while a < len(centres) and centres[a] < distance + REACH * width:
        gaussian = np.exp(-0.5 * ((distance - centres[a]) / width) ** 2)
        sums[a] += fading * gaussian
        a += 1
