"""Neighbours of every particle counted in spherical shells, by species, as fast as memory brings them.

Counts are exact: squared distances are compared with squared edges in float64. They are computed in float32
first, twice as many at a time, which decides the bin of all but those within rounding of an edge; only these are
computed again.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.liquid.compiled import compiled, parallel_for
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.neighbours import Cells, build_cell_list, nearby_particles, square_distance

__all__ = [
    "Candidates",
    "cells_of_range",
    "count_neighbours",
    "empty_candidates",
    "gather_candidates",
    "species_offsets",
    "square_between",
]

CELLS_PER_CUTOFF = 2
"""Measured best at the density of a liquid: more cells leave fewer pairs to try and more cells to visit."""

RANGES = 8192
"""Of squared distance below the last edge, in the table that looks up a bin: few hold an edge, and all fit the cache."""


class Bins(NamedTuple):
    """A table to look up the bin of a squared distance, known to float32, without a square root or a branch.

    Attributes:
        squares: (bins + 1,) squared edges.
        of_range: (M,) for each of M equal ranges of the squared distance the bin that holds it, counted from 1;
            0 below the first edge, bins + 1 beyond the last, and bins + 2 where an edge is too near to decide.
        per_square: ranges per unit of squared distance.
    """

    squares: NDArray[np.float64]
    of_range: NDArray[np.uint16]
    per_square: np.float32


class Candidates(NamedTuple):
    """Memory for the particles near a cell, side by side.

    Attributes:
        sorted: (N,) int64, their places among the sorted particles.
        positions: (3, N) theirs, float32 or float64.
        offsets: (N,) uint32, where the numbers of their species begin.
    """

    sorted: NDArray[np.int64]
    positions: NDArray[np.floating]
    offsets: NDArray[np.uint32]


class Scratch(NamedTuple):
    """Memory of one thread for the neighbours of one particle.

    Attributes:
        ranges: (N,) int32, range of each candidate's squared distance.
        near: (N,) uint32, candidates within the last range.
        doubtful: (N,) uint32, those whose bin float32 cannot decide.
        counts: (2 (bins + 3),) int32, per species: below the first edge, the bins, beyond the last, in doubt.
    """

    ranges: NDArray[np.int32]
    near: NDArray[np.uint32]
    doubtful: NDArray[np.uint32]
    counts: NDArray[np.int32]


def count_neighbours(configuration: Configuration, edges: NDArray[np.float64]) -> NDArray[np.float32]:
    """Count the neighbours of every particle by species and shell: #{ j of species Y, j != i : r_ij in [r_a, r_a+1) }.

    Args:
        configuration: its box holds two of the last edge.
        edges: (bins + 1,) increasing, above 0, units of sigma_AA; they need not be equally spaced.

    Returns:
        (N, 2, bins) whole numbers, the shells of A before those of B; in float32, to be divided in place.

    Raises:
        GlassdynError: where the box is too small, a position not finite, a species neither 0 nor 1, or the edges do
            not increase.
    """
    cells, bins = cells_of_range(configuration, edges), len(edges) - 1
    offsets, table = (
        species_offsets(configuration.species, cells, bins + 3),
        _tabulate(edges, cells.box_length),
    )
    counts = np.empty((len(cells.order), 2, bins), np.float32)
    parallel_for(cells.side**3, lambda first, last: _count_cells(first, last, cells, offsets, table, counts))
    return counts


def cells_of_range(configuration: Configuration, edges: NDArray[np.float64]) -> Cells:
    """Sort particles into cells for neighbours up to the last edge; errors as `count_neighbours`."""
    if not (edges[0] > 0 and (np.diff(edges) > 0).all()):
        raise GlassdynError(f"bin edges must increase and lie above 0: got {edges}")
    most = np.iinfo(np.uint16).max - 2
    if len(edges) > most:
        raise GlassdynError(
            f"descriptors have at most {most - 1} bins for each species: got {len(edges) - 1}"
        )
    positions, _, box_length = configuration
    return build_cell_list(positions, box_length, float(edges[-1]), CELLS_PER_CUTOFF)


def species_offsets(species: NDArray[np.uint8], cells: Cells, width: int) -> NDArray[np.uint32]:
    """(N,) where the numbers of each sorted particle's species begin, `width` for each species.

    Raises:
        GlassdynError: for a species other than 0 and 1.
    """
    unknown = np.unique(species[(species != 0) & (species != 1)])
    if len(unknown):
        raise GlassdynError(f"species are 0 for A and 1 for B: got {unknown[:5].tolist()} too; renumber them")
    return species[cells.order].astype(np.uint32) * np.uint32(width)


def _tabulate(edges: NDArray[np.float64], box_length: float) -> Bins:
    """Tell ranges of the squared distance that rounding to float32 cannot carry over an edge from those that it can.

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
    return Bins(squares, of_range, np.float32(per_square))


@compiled
def _count_cells(
    begin: int,
    end: int,
    cells: Cells,
    offsets: NDArray[np.uint32],
    table: Bins,
    counts: NDArray[np.float32],
) -> None:
    """Counts of the particles in the cells begin ... end - 1."""
    particles, bins = len(offsets), counts.shape[2]
    width = bins + 3
    candidates = empty_candidates(np.empty((3, particles), np.float32))
    scratch = Scratch(
        np.empty(particles, np.int32),
        np.empty(particles, np.uint32),
        np.empty(particles, np.uint32),
        np.empty(2 * width, np.int32),
    )
    for cell in range(begin, end):
        number = gather_candidates(cell, cells, offsets, candidates)
        for particle in range(cells.starts[cell], cells.starts[cell + 1]):
            _find_ranges(particle, number, cells, table, candidates.positions, scratch.ranges)
            _count(particle, number, cells, table, candidates, scratch)
            row = counts[cells.order[particle]]
            for kind in range(2):
                row[kind] = scratch.counts[kind * width + 1 : kind * width + 1 + bins]


@compiled
def _find_ranges(
    particle: int,
    number: int,
    cells: Cells,
    table: Bins,
    positions: NDArray[np.float32],
    ranges: NDArray[np.int32],
) -> None:
    """Range of every candidate's squared distance from the particle, or M where it is beyond the last."""
    x = np.float32(cells.positions[0, particle])
    y = np.float32(cells.positions[1, particle])
    z = np.float32(cells.positions[2, particle])
    box_length, beyond = np.float32(cells.box_length), np.float32(len(table.of_range))
    xs, ys, zs = positions[0, :number], positions[1, :number], positions[2, :number]  # contiguous
    for k in range(number):  # no branches here, so that the compiler makes vector code of it
        square = square_distance(xs[k] - x, ys[k] - y, zs[k] - z, box_length)
        ranges[k] = np.int32(min(square * table.per_square, beyond))


@compiled
def _count(
    particle: int,
    number: int,
    cells: Cells,
    table: Bins,
    candidates: Candidates,
    scratch: Scratch,
) -> None:
    """Count the candidates by species and bin.

    Whether a pair is near and whether its bin is in doubt cannot be predicted, so that nothing branches on it:
    all are written down, and the next overwrites those that do not count.
    """
    ranges, near, doubtful, counts = scratch.ranges, scratch.near, scratch.doubtful, scratch.counts
    offsets, of_range, beyond = candidates.offsets, table.of_range, np.int32(len(table.of_range))
    counts[:] = 0
    filled = np.uint64(0)  # unsigned, which spares the test for an index from the end
    for k in range(number):
        near[filled] = k
        filled += np.uint64(ranges[k] < beyond)
    doubts, doubt = np.uint64(0), np.uint16(len(table.squares) + 1)
    for place in range(np.int64(filled)):
        k = near[place]
        a = of_range[np.uint32(ranges[k])]
        counts[offsets[k] + np.uint32(a)] += np.int32(1)
        doubtful[doubts] = k
        doubts += np.uint64(a == doubt)
    for place in range(np.int64(doubts)):
        k = doubtful[place]
        square = square_between(particle, candidates.sorted[k], cells)
        counts[offsets[k] + np.searchsorted(table.squares, square, side="right")] += np.int32(1)


@compiled
def square_between(i: int, j: int, cells: Cells) -> float:
    """|r_ij|^2 of two sorted particles."""
    a, b = cells.positions[:, i], cells.positions[:, j]
    return float(square_distance(b[0] - a[0], b[1] - a[1], b[2] - a[2], cells.box_length))


@compiled
def empty_candidates(positions: NDArray[np.floating]) -> Candidates:
    """Memory for candidates, in the precision of the (3, N) positions to be filled."""
    particles = positions.shape[1]
    return Candidates(np.empty(particles, np.int64), positions, np.empty(particles, np.uint32))


@compiled
def gather_candidates(cell: int, cells: Cells, offsets: NDArray[np.uint32], candidates: Candidates) -> int:
    """Copy the particles that are nearer than the cutoff to a cell that holds particles; return their number."""
    if cells.starts[cell] == cells.starts[cell + 1]:
        return 0
    side, width = cells.side, cells.box_length / cells.side
    x, y, z = cell // (side * side) * width, cell // side % side * width, cell % side * width
    limit = cells.cutoff * cells.cutoff * (1 + 1e-9)
    xs, ys, zs = cells.positions[0], cells.positions[1], cells.positions[2]
    to_xs, to_ys, to_zs = candidates.positions[0], candidates.positions[1], candidates.positions[2]
    filled = np.uint64(0)
    for k in range(nearby_particles(cell, cells, candidates.sorted)):
        particle = np.uint64(candidates.sorted[k])
        dx = _distance_to_interval(xs[particle] - x, width, cells.box_length)
        dy = _distance_to_interval(ys[particle] - y, width, cells.box_length)
        dz = _distance_to_interval(zs[particle] - z, width, cells.box_length)
        candidates.sorted[filled] = particle
        candidates.offsets[filled] = offsets[particle]
        to_xs[filled], to_ys[filled], to_zs[filled] = xs[particle], ys[particle], zs[particle]
        filled += np.uint64(dx * dx + dy * dy + dz * dz < limit)
    return int(np.int64(filled))


@compiled
def _distance_to_interval(offset: float, width: float, box_length: float) -> float:
    """How far a coordinate, measured from the lower end of an interval, is outside of it in the periodic box."""
    from_centre = abs(offset - width / 2)
    return max(min(from_centre, box_length - from_centre) - width / 2, 0.0)
