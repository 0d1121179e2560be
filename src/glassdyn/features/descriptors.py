"""The radial distribution around every particle, by species of the neighbour (thesis 2.6).

G_Y,a(i) = 1 / (4 pi r_a^2) #{ j of species Y, j != i : r_ij in [r_a, r_a+1) }

Counts are exact: squared distances are compared with squared edges in float64. Smooth descriptors give each
neighbour to all bins, by a Gaussian of its distance, and fade where neighbours cease to count.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.compiled import compiled, share
from glassdyn.errors import Refusal
from glassdyn.neighbours import Cells, around, cell_list, square_distance
from glassdyn.params import Descriptors

__all__ = ["bin_edges", "radial_descriptors", "smooth_descriptors"]

CELLS_PER_CUTOFF = 2
"""Measured best at the density of a liquid: more cells leave fewer pairs to try and more cells to visit."""


REACH = 7.0
"""Widths beyond which a Gaussian is nothing: 2e-11."""


class Bins(NamedTuple):
    """A table that finds the bin of a squared distance without a square root.

    Attributes:
        squares: (bins + 1,) squared edges.
        first: (M,) for each of M equal ranges of the squared distance the bin of its lower end, counted
            from 1; 0 is what lies below the first edge. A range holds one edge at most.
        per_square: ranges per unit of squared distance.
        areas: (bins,) 4 pi r_a^2.
    """

    squares: NDArray[np.float64]
    first: NDArray[np.uint32]
    per_square: float
    areas: NDArray[np.float64]


class Room(NamedTuple):
    """Memory for the particles around a cell, and for those of them that are near a particle of it.

    Attributes:
        found: (N,) int64, sorted particles around the cell.
        positions: (3, N) theirs.
        kinds: (N,) uint32, where the counts of their species begin.
        squares: (N,) squared distances from the particle to all of them.
        near_squares: (N,) to those that are near.
        near_kinds: (N,) uint32, of those that are near.
    """

    found: NDArray[np.int64]
    positions: NDArray[np.float64]
    kinds: NDArray[np.uint32]
    squares: NDArray[np.float64]
    near_squares: NDArray[np.float64]
    near_kinds: NDArray[np.uint32]


def bin_edges(descriptors: Descriptors) -> NDArray[np.float64]:
    """(bins + 1,) edges r_min + a (r_max - r_min) / bins, rounded to 1e-10: 0.85 is the float 0.85."""
    return np.linspace(descriptors.r_min, descriptors.r_max, descriptors.bins + 1).round(10)


def radial_descriptors(
    positions: NDArray[np.float64],
    species: NDArray[np.uint8],
    box_length: float,
    edges: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Count the neighbours of every particle in spherical shells, per area of the shell's inner sphere.

    Args:
        positions: (N, 3), wrapped or not, units of sigma_AA.
        species: (N,) 0 for A, 1 for B.
        box_length: L, at least twice the last edge.
        edges: (bins + 1,) increasing, above 0, units of sigma_AA; they need not be equally spaced.

    Returns:
        (N, 2 bins): the bins of A, then those of B; units of sigma_AA^-2.

    Raises:
        Refusal: where the box is too small, a position not finite, a species another, or the edges do not
            increase.
    """
    table, bins = _table(edges), len(edges) - 1
    cells = cell_list(positions, box_length, float(edges[-1]), CELLS_PER_CUTOFF)
    kinds = _kinds(species, cells, bins + 1)
    descriptors = np.empty((len(positions), 2 * bins), np.float32)
    share(cells.side**3, lambda first, last: _histogram(first, last, cells, kinds, table, descriptors))
    return descriptors


def smooth_descriptors(
    positions: NDArray[np.float64],
    species: NDArray[np.uint8],
    box_length: float,
    edges: NDArray[np.float64],
    width: float,
) -> NDArray[np.float32]:
    """Sum a Gaussian of every neighbour's distance at the bins' centres c_a.

    S_Y,a(i) = sum over j of species Y, j != i, of f(r_ij) exp(-(r_ij - c_a)^2 / 2 width^2)

    f(r) = (1 + cos(pi r / r_max)) / 2 below the last edge r_max, and 0 from there on: no neighbour comes or goes
    with a jump, in a box of any size.

    Args:
        positions: (N, 3), wrapped or not, units of sigma_AA.
        species: (N,) 0 for A, 1 for B.
        box_length: L, at least twice the last edge.
        edges: (bins + 1,) increasing, above 0, units of sigma_AA.
        width: of the Gaussian, units of sigma_AA.

    Returns:
        (N, 2 bins): the bins of A, then those of B.

    Raises:
        Refusal: as `radial_descriptors`.

    Source: Behler, Parrinello, Phys. Rev. Lett. 98, 146401 (2007), equations 4 and 5; Boattini, Smallenburg, Filion, Phys. Rev.
    Lett. 127, 088007 (2021).
    """
    table = _table(edges)
    cells = cell_list(positions, box_length, float(edges[-1]), CELLS_PER_CUTOFF)
    kinds = _kinds(species, cells, len(edges) - 1)
    found = np.empty((len(positions), 2 * len(edges) - 2), np.float32)
    share(cells.side**3, lambda first, last: _gaussians(first, last, cells, kinds, table, width, found))
    return found


def _kinds(species: NDArray[np.uint8], cells: Cells, width: int) -> NDArray[np.uint32]:
    """(N,) where the numbers of each sorted particle's species begin, `width` for each species."""
    strange = np.unique(species[(species != 0) & (species != 1)])
    if len(strange):
        raise Refusal(f"species are 0 for A and 1 for B: got {strange[:5].tolist()} too; renumber them")
    return species[cells.order].astype(np.uint32) * np.uint32(width)


def _table(edges: NDArray[np.float64]) -> Bins:
    if not (edges[0] > 0 and (np.diff(edges) > 0).all()):
        raise Refusal(f"bin edges must increase and lie above 0: got {edges}")
    squares = edges**2
    ranges = int(np.ceil(squares[-1] / (0.9 * np.diff(squares).min())))
    per_square = ranges / squares[-1]
    # a hair below the range's lower end, so that rounding finds too low a bin but never too high a one
    first = np.searchsorted(squares, np.arange(ranges + 1) / per_square * (1 - 1e-12), side="right")
    return Bins(squares, first.astype(np.uint32), per_square, 4 * np.pi * edges[:-1] ** 2)


@compiled
def _histogram(
    begin: int,
    end: int,
    cells: Cells,
    kinds: NDArray[np.uint32],
    table: Bins,
    descriptors: NDArray[np.float32],
) -> None:
    """Descriptors of the particles in the cells begin ... end - 1."""
    bins, room = len(table.areas), _room(len(kinds))
    counts = np.empty(2 * (bins + 1), np.int32)  # per species: below the first edge, then the bins
    squares, firsts, edges, per_square = room.near_squares, table.first, table.squares, table.per_square
    for cell in range(begin, end):
        number = _gather(cell, cells, kinds, room)
        for here in range(cells.starts[cell], cells.starts[cell + 1]):
            counts[:] = 0
            for k in range(_keep(here, cells, number, table, room)):
                square = squares[k]
                a = firsts[np.uint64(square * per_square)]
                counts[room.near_kinds[k] + a + np.uint32(square >= edges[a])] += np.int32(1)
            row = descriptors[cells.order[here]]
            for kind in range(2):
                for a in range(bins):
                    row[kind * bins + a] = counts[kind * (bins + 1) + a + 1] / table.areas[a]


@compiled
def _gaussians(
    begin: int,
    end: int,
    cells: Cells,
    kinds: NDArray[np.uint32],
    table: Bins,
    width: float,
    descriptors: NDArray[np.float32],
) -> None:
    """Smooth descriptors of the particles in the cells begin ... end - 1."""
    sums, room = np.empty(descriptors.shape[1]), _room(len(kinds))
    centres = (np.sqrt(table.squares[1:]) + np.sqrt(table.squares[:-1])) / 2
    last = np.sqrt(table.squares[-1])
    for cell in range(begin, end):
        number = _gather(cell, cells, kinds, room)
        for here in range(cells.starts[cell], cells.starts[cell + 1]):
            sums[:] = 0
            for k in range(_keep(here, cells, number, table, room)):
                if room.near_squares[k] > 0:  # else it is the particle itself
                    distance = np.sqrt(room.near_squares[k])
                    fading = 0.5 + 0.5 * np.cos(np.pi * distance / last)
                    a = np.searchsorted(centres, distance - REACH * width)
                    while a < len(centres) and centres[a] < distance + REACH * width:
                        gaussian = np.exp(-0.5 * ((distance - centres[a]) / width) ** 2)
                        sums[room.near_kinds[k] + a] += fading * gaussian
                        a += 1
            descriptors[cells.order[here]] = sums


@compiled
def _room(particles: int) -> Room:
    return Room(
        np.empty(particles, np.int64),
        np.empty((3, particles)),
        np.empty(particles, np.uint32),
        np.empty(particles),
        np.empty(particles),
        np.empty(particles, np.uint32),
    )


@compiled
def _gather(cell: int, cells: Cells, kinds: NDArray[np.uint32], room: Room) -> int:
    """Copy what lies around a cell that holds particles side by side; return how many there are."""
    if cells.starts[cell] == cells.starts[cell + 1]:
        return 0
    number = around(cell, cells, room.found)
    for k in range(number):
        particle = room.found[k]
        for axis in range(3):
            room.positions[axis, k] = cells.positions[axis, particle]
        room.kinds[k] = kinds[particle]
    return number


@compiled
def _keep(here: int, cells: Cells, number: int, table: Bins, room: Room) -> int:
    """Keep squared distance and kind of all that is nearer than the last edge; return their number."""
    x, y, z = cells.positions[:, here]
    xs, ys, zs = room.positions[0, :number], room.positions[1, :number], room.positions[2, :number]
    kinds, squares = room.kinds[:number], room.squares[:number]
    for k in range(number):  # no branches here, so that the compiler makes vector code of it
        squares[k] = square_distance(xs[k] - x, ys[k] - y, zs[k] - z, cells.box_length)
    cut, near_squares, near_kinds = table.squares[-1], room.near_squares, room.near_kinds
    kept = np.uint64(0)  # unsigned, which spares the test for an index from the end
    for k in range(number):  # nor here: whether a pair is near cannot be predicted
        near_squares[kept] = squares[k]
        near_kinds[kept] = kinds[k]
        kept += np.uint64(squares[k] < cut)
    return int(kept)
