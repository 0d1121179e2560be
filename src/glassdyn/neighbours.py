"""Who is near whom in the periodic box: cell lists and pairs of neighbours."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.compiled import compiled, share
from glassdyn.geometry import minimum_image, wrap

__all__ = ["Cells", "Pairs", "cell_list", "neighbours"]


class Pairs(NamedTuple):
    """Ordered pairs of neighbours, sorted by receiver and then by sender.

    Attributes:
        receivers: (E,) int64, the particle that sees.
        senders: (E,) int64, the particle that is seen; never the receiver itself.
        vectors: (E, 3) float64, shortest image of sender minus receiver, units of sigma_AA.
    """

    receivers: NDArray[np.int64]
    senders: NDArray[np.int64]
    vectors: NDArray[np.float64]


class Cells(NamedTuple):
    """Particles sorted into a cubic grid of cells, z fastest.

    Attributes:
        box_length: L, units of sigma_AA.
        side: n, cells along each edge of the box.
        reach: cells to look at on each side, so that nothing within the cutoff is missed.
        starts: (n^3 + 1,) int64, cell c holds the sorted particles starts[c] ... starts[c + 1] - 1.
        order: (N,) int64, the sorted particles' indices; increasing within a cell.
        positions: (3, N) float64, wrapped and sorted, units of sigma_AA.
    """

    box_length: float
    side: int
    reach: int
    starts: NDArray[np.int64]
    order: NDArray[np.int64]
    positions: NDArray[np.float64]


def cell_list(
    positions: NDArray[np.float64], box_length: float, cutoff: float, cells_per_cutoff: int = 1
) -> Cells:
    """Sort particles into cells of about cutoff / cells_per_cutoff, at least one cell.

    Args:
        positions: (N, 3), wrapped or not, units of sigma_AA.
        box_length: L, at least two cutoffs: with less, two images of a particle could be neighbours.
        cutoff: units of sigma_AA.
        cells_per_cutoff: more cells leave fewer pairs to try and more cells to visit.

    Raises:
        ValueError: where the box is too small or a position is not finite.
    """
    if not 0 < 2 * cutoff <= box_length:
        raise ValueError(
            f"the box must hold two cutoffs, 0 < 2 cutoff <= L: got cutoff {cutoff} in L = {box_length:.4f}; "
            "take more particles or a shorter range"
        )
    if not np.isfinite(positions).all():
        lost = np.flatnonzero(~np.isfinite(positions).all(axis=1))
        raise ValueError(f"positions must be finite: particle {lost[0]} is not, {len(lost)} in all")
    wrapped = wrap(positions, box_length)
    # enough cells for cells_per_cutoff, not many more than there are particles
    finest = max(1, round(len(positions) ** (1 / 3)))
    side = max(1, min(int(box_length / cutoff * cells_per_cutoff), finest))
    # the margin covers the rounding of cell numbers: a cell too many costs time only
    reach = int(np.ceil(cutoff * side / box_length + 1e-9))
    triples = np.minimum((wrapped * (side / box_length)).astype(np.int64), side - 1)  # (N, 3)
    cells = (triples[:, 0] * side + triples[:, 1]) * side + triples[:, 2]  # (N,)
    order = np.argsort(cells, kind="stable")
    starts = np.searchsorted(cells[order], np.arange(side**3 + 1))
    return Cells(float(box_length), side, reach, starts, order, np.ascontiguousarray(wrapped[order].T))


def neighbours(positions: NDArray[np.float64], box_length: float, cutoff: float) -> Pairs:
    """Every ordered pair closer than the cutoff, by a cell list; exact in float64.

    |r_j - r_i| < cutoff, over shortest images; two directed edges for each pair (thesis 2.4).

    Args:
        positions: (N, 3), wrapped or not, units of sigma_AA.
        box_length: L, at least two cutoffs.
        cutoff: units of sigma_AA.

    Raises:
        ValueError: see `cell_list`.
    """
    cells = cell_list(positions, box_length, cutoff)
    particles = len(positions)
    counts = np.zeros(particles + 1, np.int64)
    places = np.argsort(cells.order)  # where in the sorted positions a particle stands
    share(particles, lambda first, last: _count(first, last, cells, places, cutoff, counts))
    offsets = np.cumsum(counts)
    receivers = np.repeat(np.arange(particles), counts[1:])
    senders = np.empty(len(receivers), np.int64)
    share(particles, lambda first, last: _fill(first, last, cells, places, cutoff, offsets, senders))
    wrapped = wrap(positions, box_length)
    vectors = minimum_image(wrapped[senders] - wrapped[receivers], box_length)
    return Pairs(receivers, senders, vectors)


@compiled
def _visit(here: int, cells: Cells, cutoff: float, found: NDArray[np.int64]) -> int:
    """Write the neighbours of the sorted particle `here` as far as `found` reaches; return their number."""
    side, box_length = cells.side, cells.box_length
    x, y, z = cells.positions[:, here]
    span = min(2 * cells.reach + 1, side)  # each cell once, also where the reach is all around the box
    first_x = min(int(x * side / box_length), side - 1) - cells.reach
    first_y = min(int(y * side / box_length), side - 1) - cells.reach
    first_z = min(int(z * side / box_length), side - 1) - cells.reach
    number = 0
    for cell_x in range(first_x, first_x + span):
        for cell_y in range(first_y, first_y + span):
            for cell_z in range(first_z, first_z + span):
                cell = ((cell_x % side) * side + cell_y % side) * side + cell_z % side
                for other in range(cells.starts[cell], cells.starts[cell + 1]):
                    dx = abs(cells.positions[0, other] - x)
                    dy = abs(cells.positions[1, other] - y)
                    dz = abs(cells.positions[2, other] - z)
                    dx = min(dx, box_length - dx)
                    dy = min(dy, box_length - dy)
                    dz = min(dz, box_length - dz)
                    if dx * dx + dy * dy + dz * dz < cutoff * cutoff and other != here:
                        if number < len(found):
                            found[number] = cells.order[other]
                        number += 1
    return number


@compiled
def _count(
    first: int,
    last: int,
    cells: Cells,
    places: NDArray[np.int64],
    cutoff: float,
    counts: NDArray[np.int64],
) -> None:
    nothing = np.empty(0, np.int64)
    for particle in range(first, last):
        counts[particle + 1] = _visit(places[particle], cells, cutoff, nothing)


@compiled
def _fill(
    first: int,
    last: int,
    cells: Cells,
    places: NDArray[np.int64],
    cutoff: float,
    offsets: NDArray[np.int64],
    senders: NDArray[np.int64],
) -> None:
    for particle in range(first, last):
        found = senders[offsets[particle] : offsets[particle + 1]]
        _visit(places[particle], cells, cutoff, found)
        found.sort()
