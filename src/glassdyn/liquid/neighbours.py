"""Neighbours in the periodic box: cell lists, and pairs closer than a cutoff."""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.liquid.box import minimum_image, wrap
from glassdyn.liquid.compiled import compiled, parallel_for

__all__ = ["Cells", "Pairs", "build_cell_list", "find_neighbours", "nearby_particles", "square_distance"]


Real = TypeVar("Real", float, np.float32)

MAX_PER_CELL = 4096
"""Particles of a cell, averaged over particles. A cell is about a cutoff wide: liquids at density 1.2 have 125 at the
longest cutoff of the thesis, 4.7. With N particles in a point there are N^2 pairs, whose list outgrows memory and patience
long before N = 64000."""


class Pairs(NamedTuple):
    """Ordered pairs of neighbours, sorted by receiver and then by sender.

    Attributes:
        receivers: (E,) int64, the central particle.
        senders: (E,) int64, its neighbour; never the receiver itself.
        vectors: (E, 3) float64, shortest image of sender minus receiver, units of sigma_AA.
    """

    receivers: NDArray[np.int64]
    senders: NDArray[np.int64]
    vectors: NDArray[np.float64]


class Cells(NamedTuple):
    """Particles sorted into a cubic grid of cells, z fastest.

    Attributes:
        box_length: L, units of sigma_AA.
        cutoff: units of sigma_AA.
        side: n, cells along each edge of the box.
        reach: neighbouring cells to search on each side, so that nothing within the cutoff is missed.
        starts: (n^3 + 1,) int64, cell c holds the sorted particles starts[c] ... starts[c + 1] - 1.
        order: (N,) int64, the sorted particles' indices; increasing within a cell.
        positions: (3, N) float64, wrapped and sorted, units of sigma_AA.
    """

    box_length: float
    cutoff: float
    side: int
    reach: int
    starts: NDArray[np.int64]
    order: NDArray[np.int64]
    positions: NDArray[np.float64]


def build_cell_list(
    positions: NDArray[np.float64], box_length: float, cutoff: float, cells_per_cutoff: int = 1
) -> Cells:
    """Sort particles into cells of about cutoff / cells_per_cutoff, at least one cell.

    Args:
        positions: (N, 3), wrapped or not, units of sigma_AA.
        box_length: L, at least two cutoffs: with less, two images of a particle could be neighbours.
        cutoff: units of sigma_AA.
        cells_per_cutoff: with more there are fewer pairs to test and more cells to visit.

    Raises:
        GlassdynError: where the box is too small or a position is not finite.
    """
    if not 0 < 2 * cutoff <= box_length:
        raise GlassdynError(
            f"the box must hold two cutoffs, 0 < 2 cutoff <= L: got cutoff {cutoff} in L = {box_length:.4f}; "
            "take more particles or a shorter range"
        )
    if not np.isfinite(positions).all():
        lost = np.flatnonzero(~np.isfinite(positions).all(axis=1))
        raise GlassdynError(f"positions must be finite: particle {lost[0]} is not, {len(lost)} in all")
    wrapped = wrap(positions, box_length)
    # enough cells for cells_per_cutoff, not many more than there are particles
    finest = max(1, round(len(positions) ** (1 / 3)))
    side = max(1, min(int(box_length / cutoff * cells_per_cutoff), finest))
    # the margin covers the rounding of cell numbers: a cell too many costs time only
    reach = int(np.ceil(cutoff * side / box_length + 1e-9))
    triples = np.minimum((wrapped * (side / box_length)).astype(np.int64), side - 1)  # (N, 3)
    cells = (triples[:, 0] * side + triples[:, 1]) * side + triples[:, 2]  # (N,)
    # NumPy's stable sort is a radix sort for 16 bits, which holds the cells of a thesis sample
    order = np.argsort(cells.astype(np.min_scalar_type(side**3)), kind="stable")
    starts = np.searchsorted(cells[order], np.arange(side**3 + 1))
    _require_spread(np.diff(starts), box_length)
    columns = np.ascontiguousarray(wrapped[order].T)
    return Cells(float(box_length), float(cutoff), side, reach, starts, order, columns)


def _require_spread(counts: NDArray[np.int64], box_length: float) -> None:
    """Refuse cells so full that pairs of particles are too many to look at."""
    crowding = float((counts.astype(np.float64) ** 2).sum() / max(counts.sum(), 1))
    if crowding > MAX_PER_CELL:
        raise GlassdynError(
            f"particles are spread over the box, {MAX_PER_CELL} in the cell of a particle at most: got {crowding:.0f} on "
            f"average, in L = {box_length:.4f}; do many lie in one point, or is the range too long?"
        )


def find_neighbours(positions: NDArray[np.float64], box_length: float, cutoff: float) -> Pairs:
    """Every ordered pair closer than the cutoff, by a cell list; exact in float64.

    |r_j - r_i| < cutoff, over shortest images; two directed edges for each pair (thesis 2.4).

    Args:
        positions: (N, 3), wrapped or not, units of sigma_AA.
        box_length: L, at least two cutoffs.
        cutoff: units of sigma_AA.

    Raises:
        GlassdynError: see `build_cell_list`.
    """
    cells = build_cell_list(positions, box_length, cutoff)
    counts = np.zeros(len(positions) + 1, np.int64)
    parallel_for(cells.side**3, lambda first, last: _count_neighbours(first, last, cells, counts))
    offsets = np.cumsum(counts)
    receivers = np.repeat(np.arange(len(positions)), counts[1:])
    senders = np.empty(len(receivers), np.int64)
    parallel_for(cells.side**3, lambda first, last: _list_neighbours(first, last, cells, offsets, senders))
    wrapped = wrap(positions, box_length)
    vectors = minimum_image(wrapped[senders] - wrapped[receivers], box_length)
    return Pairs(receivers, senders, vectors)


@compiled
def nearby_particles(cell: int, cells: Cells, particles: NDArray[np.int64]) -> int:
    """List the sorted particles in all cells within the cutoff of a cell, each once.

    Args:
        cell: its number.
        cells: the cell list.
        particles: (N,) output, their indices.

    Returns:
        Their number; those of the cell itself are among them.
    """
    side, reach = cells.side, cells.reach
    limit = (cells.cutoff * side / cells.box_length) ** 2 * (1 + 1e-9)
    cell_x, cell_y, cell_z = cell // (side * side), cell // side % side, cell % side
    low, high = -reach, reach
    if 2 * reach + 1 > side:  # every cell once, also where the reach spans the whole box
        low, high = -((side - 1) // 2), side // 2
    number = 0
    for dx in range(low, high + 1):
        for dy in range(low, high + 1):
            row = ((cell_x + dx) % side * side + (cell_y + dy) % side) * side
            for dz in range(low, high + 1):
                gap = max(abs(dx) - 1, 0) ** 2 + max(abs(dy) - 1, 0) ** 2 + max(abs(dz) - 1, 0) ** 2
                if gap < limit:
                    nearby = row + (cell_z + dz) % side
                    for particle in range(cells.starts[nearby], cells.starts[nearby + 1]):
                        particles[number] = particle
                        number += 1
    return number


@compiled
def square_distance(dx: Real, dy: Real, dz: Real, box_length: Real) -> Real:
    """|r|^2 of the shortest image of a difference of positions in the box, to the last bit as `minimum_image`."""
    dx, dy, dz = abs(dx), abs(dy), abs(dz)
    dx, dy, dz = min(dx, box_length - dx), min(dy, box_length - dy), min(dz, box_length - dz)
    return dx * dx + dy * dy + dz * dz


@compiled
def _count_neighbours(begin: int, end: int, cells: Cells, counts: NDArray[np.int64]) -> None:
    """Neighbours of particle i, to counts[i + 1], for the particles of the cells begin ... end - 1."""
    candidates = np.empty(len(cells.order), np.int64)
    empty = np.empty(0, np.int64)
    for cell in range(begin, end):
        number = nearby_particles(cell, cells, candidates)
        for particle in range(cells.starts[cell], cells.starts[cell + 1]):
            counts[cells.order[particle] + 1] = _write_neighbours(particle, candidates[:number], cells, empty)


@compiled
def _list_neighbours(
    begin: int, end: int, cells: Cells, offsets: NDArray[np.int64], senders: NDArray[np.int64]
) -> None:
    """Neighbours of particle i, increasing, from offsets[i] on, for the same particles."""
    candidates = np.empty(len(cells.order), np.int64)
    for cell in range(begin, end):
        number = nearby_particles(cell, cells, candidates)
        for particle in range(cells.starts[cell], cells.starts[cell + 1]):
            receiver = cells.order[particle]
            neighbours = senders[offsets[receiver] : offsets[receiver + 1]]
            _write_neighbours(particle, candidates[:number], cells, neighbours)
            neighbours.sort()


@compiled
def _write_neighbours(
    particle: int, candidates: NDArray[np.int64], cells: Cells, senders: NDArray[np.int64]
) -> int:
    """Write the neighbours of a sorted particle as far as `senders` has space; return their number."""
    xs, ys, zs = cells.positions[0], cells.positions[1], cells.positions[2]
    cut, number = cells.cutoff * cells.cutoff, 0
    for sender in candidates:
        dx, dy, dz = xs[sender] - xs[particle], ys[sender] - ys[particle], zs[sender] - zs[particle]
        if square_distance(dx, dy, dz, cells.box_length) < cut and sender != particle:
            if number < len(senders):
                senders[number] = cells.order[sender]
            number += 1
    return number
