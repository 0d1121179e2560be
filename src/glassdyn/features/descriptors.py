"""The radial distribution around every particle, by species of the neighbour (thesis 2.6).

G_Y,a(i) = 1 / (4 pi r_a^2) #{ j of species Y, j != i : r_ij in [r_a, r_a+1) }

Counts are exact: squared distances are compared with squared edges in float64. Smooth descriptors give each
neighbour to all bins, by a Gaussian of its distance.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.compiled import compiled, share
from glassdyn.neighbours import Cells, cell_list
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


class Around(NamedTuple):
    """Room for the particles around a cell.

    Attributes:
        positions: (3, N) float64.
        kinds: (N,) uint32, where the counts of the particle's species begin.
    """

    positions: NDArray[np.float64]
    kinds: NDArray[np.uint32]


class Near(NamedTuple):
    """Room for the pairs of one particle.

    Attributes:
        candidates: (N,) squared distances of all particles around.
        squares: (N,) of those that are near.
        kinds: (N,) uint32, theirs.
    """

    candidates: NDArray[np.float64]
    squares: NDArray[np.float64]
    kinds: NDArray[np.uint32]


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
        ValueError: where the box is too small, a position not finite, or the edges do not increase.
    """
    table, bins = _table(edges), len(edges) - 1
    cells = cell_list(positions, box_length, float(edges[-1]), CELLS_PER_CUTOFF)
    kinds = species[cells.order].astype(np.uint32) * np.uint32(bins + 1)
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

    S_Y,a(i) = sum over j of species Y, j != i, r_ij below the last edge, of exp(-(r_ij - c_a)^2 / 2 width^2)

    Args:
        positions: (N, 3), wrapped or not, units of sigma_AA.
        species: (N,) 0 for A, 1 for B.
        box_length: L, at least twice the last edge.
        edges: (bins + 1,) increasing, above 0, units of sigma_AA.
        width: of the Gaussian, units of sigma_AA.

    Returns:
        (N, 2 bins): the bins of A, then those of B.

    Raises:
        ValueError: as `radial_descriptors`.

    Source: Behler, Parrinello, Phys. Rev. Lett. 98, 146401 (2007); Boattini, Smallenburg, Filion, Phys. Rev.
    Lett. 127, 088007 (2021).
    """
    table = _table(edges)
    cells = cell_list(positions, box_length, float(edges[-1]), CELLS_PER_CUTOFF)
    kinds = species[cells.order].astype(np.uint32) * np.uint32(len(edges) - 1)
    centres = (edges[1:] + edges[:-1]) / 2
    found = np.empty((len(positions), 2 * len(centres)), np.float32)
    share(
        cells.side**3,
        lambda first, last: _gaussians(first, last, cells, kinds, table, centres, width, found),
    )
    return found


def _table(edges: NDArray[np.float64]) -> Bins:
    if not (edges[0] > 0 and (np.diff(edges) > 0).all()):
        raise ValueError(f"bin edges must increase and lie above 0: got {edges}")
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
    bins = len(table.areas)
    counts = np.empty(2 * (bins + 1), np.int32)  # per species: below the first edge, then the bins
    around = Around(np.empty((3, len(kinds))), np.empty(len(kinds), np.uint32))
    near = Near(np.empty(len(kinds)), np.empty(len(kinds)), np.empty(len(kinds), np.uint32))
    squares, firsts, edges, per_square = near.squares, table.first, table.squares, table.per_square
    for cell in range(begin, end):
        first, last = cells.starts[cell], cells.starts[cell + 1]
        number = _gather(cell, cells, kinds, table.squares[-1], around) if first < last else 0
        for here in range(first, last):
            counts[:] = 0
            kept = _keep(cells.positions[:, here], number, cells.box_length, table, around, near)
            for k in range(kept):
                square = squares[k]
                a = firsts[np.uint64(square * per_square)]
                counts[near.kinds[k] + a + np.uint32(square >= edges[a])] += np.int32(1)
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
    centres: NDArray[np.float64],
    width: float,
    descriptors: NDArray[np.float32],
) -> None:
    """Smooth descriptors of the particles in the cells begin ... end - 1."""
    sums = np.empty(descriptors.shape[1])
    around = Around(np.empty((3, len(kinds))), np.empty(len(kinds), np.uint32))
    near = Near(np.empty(len(kinds)), np.empty(len(kinds)), np.empty(len(kinds), np.uint32))
    for cell in range(begin, end):
        first, last = cells.starts[cell], cells.starts[cell + 1]
        number = _gather(cell, cells, kinds, table.squares[-1], around) if first < last else 0
        for here in range(first, last):
            sums[:] = 0
            kept = _keep(cells.positions[:, here], number, cells.box_length, table, around, near)
            for k in range(kept):
                if near.squares[k] > 0:  # else it is the particle itself
                    distance = np.sqrt(near.squares[k])
                    a = np.searchsorted(centres, distance - REACH * width)
                    while a < len(centres) and centres[a] < distance + REACH * width:
                        sums[near.kinds[k] + a] += np.exp(-0.5 * ((distance - centres[a]) / width) ** 2)
                        a += 1
            descriptors[cells.order[here]] = sums


@compiled
def _gather(cell: int, cells: Cells, kinds: NDArray[np.uint32], cut: float, around: Around) -> int:
    """List the particles in all cells that the square `cut` reaches from a cell; return their number."""
    side, reach = cells.side, cells.reach
    limit = cut * (side / cells.box_length) ** 2 * (1 + 1e-9)
    cell_x, cell_y, cell_z = cell // (side * side), cell // side % side, cell % side
    low, high = -reach, reach
    if 2 * reach + 1 > side:  # every cell once
        low, high = -((side - 1) // 2), side // 2
    number = 0
    for dx in range(low, high + 1):
        for dy in range(low, high + 1):
            left = limit - max(abs(dx) - 1, 0) ** 2 - max(abs(dy) - 1, 0) ** 2
            if left < 0:
                continue
            half = int(np.sqrt(left)) + 1
            first, last = cell_z + max(low, -half), cell_z + min(high, half)
            row = ((cell_x + dx) % side * side + (cell_y + dy) % side) * side
            if first < 0:
                number = _append(row + first + side, row + side - 1, number, cells, kinds, around)
            if last >= side:
                number = _append(row, row + last - side, number, cells, kinds, around)
            number = _append(row + max(first, 0), row + min(last, side - 1), number, cells, kinds, around)
    return number


@compiled
def _append(
    first: int, last: int, number: int, cells: Cells, kinds: NDArray[np.uint32], around: Around
) -> int:
    """Append the particles of the cells first ... last, which lie in one row; return the new number."""
    for particle in range(cells.starts[first], cells.starts[last + 1]):
        for axis in range(3):
            around.positions[axis, number] = cells.positions[axis, particle]
        around.kinds[number] = kinds[particle]
        number += 1
    return number


@compiled
def _keep(
    position: NDArray[np.float64],
    number: int,
    box_length: float,
    table: Bins,
    around: Around,
    near: Near,
) -> int:
    """Keep squared distance and kind of all that is nearer than the last edge; return their number."""
    x, y, z = position
    xs, ys, zs = around.positions[0, :number], around.positions[1, :number], around.positions[2, :number]
    kinds, squares = around.kinds[:number], near.candidates[:number]
    for k in range(number):  # no branches here, so that the compiler makes vector code of it
        dx = abs(xs[k] - x)
        dy = abs(ys[k] - y)
        dz = abs(zs[k] - z)
        dx = min(dx, box_length - dx)
        dy = min(dy, box_length - dy)
        dz = min(dz, box_length - dz)
        squares[k] = dx * dx + dy * dy + dz * dz
    cut = table.squares[-1]
    near_squares, near_kinds = near.squares, near.kinds
    kept = np.uint64(0)  # unsigned, which spares the test for an index from the end
    for k in range(number):  # nor here: whether a pair is near cannot be predicted
        near_squares[kept] = squares[k]
        near_kinds[kept] = kinds[k]
        kept += np.uint64(squares[k] < cut)
    return int(kept)
