"""The radial distribution around every particle, by species of the neighbour (thesis 2.6).

G_Y,a(i) = 1 / (4 pi r_a^2) #{ j of species Y, j != i : r_ij in [r_a, r_a+1) }

Counts are exact: squared distances are compared with squared edges in float64. They are computed in float32
first, twice as many at a time, which tells the bin of all but those within rounding of an edge; only these are
computed again. Smooth descriptors give each neighbour to all bins, by a Gaussian of its distance, and fade where
neighbours cease to count.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.liquid.compiled import compiled, parallel_for
from glassdyn.liquid.neighbours import Cells, build_cell_list, nearby_particles, square_distance
from glassdyn.params import Descriptors

__all__ = ["bin_edges", "radial_descriptors", "smooth_descriptors"]

CELLS_PER_CUTOFF = 2
"""Measured best at the density of a liquid: more cells leave fewer pairs to try and more cells to visit."""

RANGES = 8192
"""Of squared distance below the last edge, in the table that finds a bin: few hold an edge, and all fit the cache."""

REACH = 7.0
"""Widths beyond which a Gaussian is nothing: 2e-11."""


class Bins(NamedTuple):
    """A table that finds the bin of a squared distance, known to float32, without a square root or a branch.

    Attributes:
        squares: (bins + 1,) squared edges.
        of_range: (M,) for each of M equal ranges of the squared distance the bin that holds it, counted from 1;
            0 below the first edge, bins + 1 beyond the last, and bins + 2 where an edge is too near to tell.
        per_square: ranges per unit of squared distance.
        areas: (bins,) 4 pi r_a^2.
    """

    squares: NDArray[np.float64]
    of_range: NDArray[np.uint16]
    per_square: np.float32
    areas: NDArray[np.float64]


class Candidates(NamedTuple):
    """Memory for the particles around a cell, side by side.

    Attributes:
        sorted: (N,) int64, their places among the sorted particles.
        positions: (3, N) theirs, float32 or float64.
        kinds: (N,) uint32, where the numbers of their species begin.
    """

    sorted: NDArray[np.int64]
    positions: NDArray[np.floating]
    kinds: NDArray[np.uint32]


def bin_edges(descriptors: Descriptors) -> NDArray[np.float64]:
    """(bins + 1,) edges as given, or r_min + a (r_max - r_min) / bins, rounded to 1e-10: 0.85 is the float 0.85."""
    if descriptors.edges:
        return np.array(descriptors.edges)
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
    bins = len(edges) - 1
    _require_edges(edges)
    cells = build_cell_list(positions, box_length, float(edges[-1]), CELLS_PER_CUTOFF)
    kinds, table = _kinds(species, cells, bins + 3), _table(edges, box_length)
    descriptors = np.empty((len(positions), 2 * bins), np.float32)
    parallel_for(cells.side**3, lambda first, last: _histogram(first, last, cells, kinds, table, descriptors))
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
    _require_edges(edges)
    cells = build_cell_list(positions, box_length, float(edges[-1]), CELLS_PER_CUTOFF)
    kinds = _kinds(species, cells, len(edges) - 1)
    found = np.empty((len(positions), 2 * len(edges) - 2), np.float32)
    parallel_for(
        cells.side**3, lambda first, last: _gaussians(first, last, cells, kinds, edges, width, found)
    )
    return found


def _kinds(species: NDArray[np.uint8], cells: Cells, width: int) -> NDArray[np.uint32]:
    """(N,) where the numbers of each sorted particle's species begin, `width` for each species."""
    strange = np.unique(species[(species != 0) & (species != 1)])
    if len(strange):
        raise GlassdynError(f"species are 0 for A and 1 for B: got {strange[:5].tolist()} too; renumber them")
    return species[cells.order].astype(np.uint32) * np.uint32(width)


def _require_edges(edges: NDArray[np.float64]) -> None:
    if not (edges[0] > 0 and (np.diff(edges) > 0).all()):
        raise GlassdynError(f"bin edges must increase and lie above 0: got {edges}")
    most = np.iinfo(np.uint16).max - 2
    if len(edges) > most:
        raise GlassdynError(
            f"descriptors have at most {most - 1} bins for each species: got {len(edges) - 1}"
        )


def _table(edges: NDArray[np.float64], box_length: float) -> Bins:
    """Ranges of the squared distance that rounding to float32 cannot carry over an edge, and those that it can.

    Coordinates below L differ by 5 L u after three roundings (u = 2^-24), so that r^2 is off by less than
    2 sqrt(3) r 5 L u + 6 r^2 u < 32 r L u, since r <= L / 2; twice that is allowed for.
    """
    squares, last = edges**2, edges[-1]
    doubt = 64 * 2.0**-24 * last * box_length
    per_square = RANGES / squares[-1]
    lower = np.arange(int((squares[-1] + doubt) * per_square) + 2) / per_square  # (M,)
    first = np.searchsorted(squares, lower - doubt, side="right")
    final = np.searchsorted(squares, lower + 1 / per_square + doubt, side="right")
    of_range = np.where(first == final, first, len(edges) + 1).astype(np.uint16)
    return Bins(squares, of_range, np.float32(per_square), 4 * np.pi * edges[:-1] ** 2)


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
    bins, particles = len(table.areas), len(kinds)
    width = bins + 3  # per species: below the first edge, the bins, beyond the last, in doubt
    counts = np.empty(2 * width, np.int32)
    around_it = Candidates(
        np.empty(particles, np.int64), np.empty((3, particles), np.float32), np.empty(particles, np.uint32)
    )
    ranges = np.empty(particles, np.int32)
    near, doubtful = np.empty(particles, np.uint32), np.empty(particles, np.uint32)
    for cell in range(begin, end):
        number = _gather(cell, cells, kinds, around_it)
        for here in range(cells.starts[cell], cells.starts[cell + 1]):
            counts[:] = 0
            _count(here, number, cells, table, around_it, ranges, near, doubtful, counts)
            row = descriptors[cells.order[here]]
            for kind in range(2):
                for a in range(bins):
                    row[kind * bins + a] = counts[kind * width + a + 1] / table.areas[a]


@compiled
def _count(
    here: int,
    number: int,
    cells: Cells,
    table: Bins,
    around_it: Candidates,
    ranges: NDArray[np.int32],
    near: NDArray[np.uint32],
    doubtful: NDArray[np.uint32],
    counts: NDArray[np.int32],
) -> None:
    """Count the surroundings of one sorted particle by species and bin.

    Whether a pair is near and whether its bin is in doubt cannot be predicted, so that nothing branches on it:
    all are written down, and the next overwrites those that do not count.
    """
    _ranges(here, number, cells, table, around_it.positions, ranges)
    kinds, of_range, beyond = around_it.kinds, table.of_range, np.int32(len(table.of_range))
    kept = np.uint64(0)  # unsigned, which spares the test for an index from the end
    for k in range(number):
        near[kept] = k
        kept += np.uint64(ranges[k] < beyond)
    doubts, doubt = np.uint64(0), np.uint16(len(table.areas) + 2)
    for place in range(np.int64(kept)):
        k = near[place]
        a = of_range[np.uint32(ranges[k])]
        counts[kinds[k] + np.uint32(a)] += np.int32(1)
        doubtful[doubts] = k
        doubts += np.uint64(a == doubt)
    for place in range(np.int64(doubts)):
        k = doubtful[place]
        square = _square(here, around_it.sorted[k], cells)
        counts[kinds[k] + np.searchsorted(table.squares, square, side="right")] += np.int32(1)


@compiled
def _ranges(
    here: int,
    number: int,
    cells: Cells,
    table: Bins,
    positions: NDArray[np.float32],
    ranges: NDArray[np.int32],
) -> None:
    """Range of the squared distance of all from the particle, or M where it is beyond the last."""
    x = np.float32(cells.positions[0, here])
    y = np.float32(cells.positions[1, here])
    z = np.float32(cells.positions[2, here])
    box_length, beyond = np.float32(cells.box_length), np.float32(len(table.of_range))
    xs, ys, zs = positions[0, :number], positions[1, :number], positions[2, :number]
    for k in range(number):  # no branches here, so that the compiler makes vector code of it
        square = square_distance(xs[k] - x, ys[k] - y, zs[k] - z, box_length)
        ranges[k] = np.int32(min(square * table.per_square, beyond))


@compiled
def _square(here: int, other: int, cells: Cells) -> float:
    """|r|^2 of two sorted particles."""
    a, b = cells.positions[:, here], cells.positions[:, other]
    return float(square_distance(b[0] - a[0], b[1] - a[1], b[2] - a[2], cells.box_length))


@compiled
def _gaussians(
    begin: int,
    end: int,
    cells: Cells,
    kinds: NDArray[np.uint32],
    edges: NDArray[np.float64],
    width: float,
    descriptors: NDArray[np.float32],
) -> None:
    """Smooth descriptors of the particles in the cells begin ... end - 1."""
    particles, sums = len(kinds), np.empty(descriptors.shape[1])
    around_it = Candidates(
        np.empty(particles, np.int64), np.empty((3, particles)), np.empty(particles, np.uint32)
    )
    centres, last = (edges[1:] + edges[:-1]) / 2, edges[-1]
    for cell in range(begin, end):
        number = _gather(cell, cells, kinds, around_it)
        for here in range(cells.starts[cell], cells.starts[cell + 1]):
            sums[:] = 0
            for k in range(number):
                square = _square(here, around_it.sorted[k], cells)
                if 0 < square < last * last:  # at 0 it is the particle itself
                    distance = np.sqrt(square)
                    fading = 0.5 + 0.5 * np.cos(np.pi * distance / last)
                    a = np.searchsorted(centres, distance - REACH * width)
                    while a < len(centres) and centres[a] < distance + REACH * width:
                        gaussian = np.exp(-0.5 * ((distance - centres[a]) / width) ** 2)
                        sums[around_it.kinds[k] + a] += fading * gaussian
                        a += 1
            descriptors[cells.order[here]] = sums


@compiled
def _gather(cell: int, cells: Cells, kinds: NDArray[np.uint32], around_it: Candidates) -> int:
    """Copy what is nearer than the cutoff to a cell that holds particles; return how many there are."""
    if cells.starts[cell] == cells.starts[cell + 1]:
        return 0
    side, width = cells.side, cells.box_length / cells.side
    x, y, z = cell // (side * side) * width, cell // side % side * width, cell % side * width
    limit = cells.cutoff * cells.cutoff * (1 + 1e-9)
    xs, ys, zs = cells.positions[0], cells.positions[1], cells.positions[2]
    to_xs, to_ys, to_zs = around_it.positions[0], around_it.positions[1], around_it.positions[2]
    kept = np.uint64(0)
    for k in range(nearby_particles(cell, cells, around_it.sorted)):
        other = np.uint64(around_it.sorted[k])
        dx = _outside(xs[other] - x, width, cells.box_length)
        dy = _outside(ys[other] - y, width, cells.box_length)
        dz = _outside(zs[other] - z, width, cells.box_length)
        around_it.sorted[kept] = other
        around_it.kinds[kept] = kinds[other]
        to_xs[kept], to_ys[kept], to_zs[kept] = xs[other], ys[other], zs[other]
        kept += np.uint64(dx * dx + dy * dy + dz * dz < limit)
    return int(np.int64(kept))


@compiled
def _outside(offset: float, width: float, box_length: float) -> float:
    """How far a coordinate, told from the lower end of an interval, is outside of it in the periodic box."""
    from_centre = abs(offset - width / 2)
    return max(min(from_centre, box_length - from_centre) - width / 2, 0.0)
