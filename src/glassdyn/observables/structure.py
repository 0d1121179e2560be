"""The structure of the liquid as a whole: partial g_XY(r) and S_XY(q)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.liquid.compiled import compiled, parallel_for
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.neighbours import Cells, build_cell_list, square_distance

__all__ = [
    "PAIRS",
    "WaveVectors",
    "choose_wave_vectors",
    "first_maximum",
    "pair_counts",
    "radial_distribution",
    "structure_factors",
    "total_structure_factor",
]

PAIRS = ("AA", "AB", "BB")
"""Order of the pairs of species in every result."""


class WaveVectors(NamedTuple):
    """Wave vectors 2 pi n / L of a periodic box, by shells of nearly equal length.

    Attributes:
        numbers: (Q, 3) int64, n; of n and -n only one.
        shells: (Q,) int64, shell of each, 0 ... S - 1.
        lengths: (S,) mean length of the vectors of each shell, units of 1 / sigma_AA, increasing.
    """

    numbers: NDArray[np.int64]
    shells: NDArray[np.int64]
    lengths: NDArray[np.float64]


def pair_counts(configuration: Configuration, edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count unordered pairs by species and distance.

    Args:
        configuration: its box holds two of the last edge.
        edges: (B + 1,) evenly spaced, the first of them 0.

    Returns:
        (3, B) for the PAIRS.
    """
    positions, species, box_length = configuration
    cells = build_cell_list(positions, box_length, edges[-1], 2)
    kinds = species[cells.order].astype(np.int64)
    pieces: list[NDArray[np.int64]] = []

    def work(first: int, last: int) -> None:
        counts = np.zeros((len(PAIRS), len(edges) - 1), np.int64)
        _count_pairs(first, last, cells, kinds, edges[1], counts)
        pieces.append(counts)

    parallel_for(len(positions), work)
    total: NDArray[np.int64] = np.sum(pieces, axis=0)
    return total


@compiled
def _count_pairs(
    first: int, last: int, cells: Cells, kinds: NDArray[np.int64], width: float, counts: NDArray[np.int64]
) -> None:
    """Pairs of the sorted particles first ... last - 1 with later ones."""
    side, reach = cells.side, cells.reach
    span = min(2 * reach + 1, side)
    corner = np.empty(3, np.int64)
    for particle in range(first, last):
        for axis in range(3):
            place = int(cells.positions[axis, particle] * side / cells.box_length)
            corner[axis] = min(place, side - 1) - reach
        for cell_x in range(corner[0], corner[0] + span):
            for cell_y in range(corner[1], corner[1] + span):
                row = ((cell_x % side) * side + cell_y % side) * side
                for cell_z in range(corner[2], corner[2] + span):
                    _count_pairs_with_cell(particle, row + cell_z % side, cells, kinds, width, counts)


@compiled
def _count_pairs_with_cell(
    particle: int,
    cell: int,
    cells: Cells,
    kinds: NDArray[np.int64],
    width: float,
    counts: NDArray[np.int64],
) -> None:
    xs, ys, zs, box_length = cells.positions[0], cells.positions[1], cells.positions[2], cells.box_length
    x, y, z = xs[particle], ys[particle], zs[particle]
    squared_range = (width * counts.shape[1]) ** 2
    for partner in range(max(cells.starts[cell], particle + 1), cells.starts[cell + 1]):
        square = square_distance(xs[partner] - x, ys[partner] - y, zs[partner] - z, box_length)
        if square < squared_range:
            bin_ = min(int(np.sqrt(square) / width), counts.shape[1] - 1)
            counts[kinds[particle] + kinds[partner], bin_] += 1


def radial_distribution(
    counts: NDArray[np.float64], species: NDArray[np.uint8], box_length: float, edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """g_XY(r): pairs counted over pairs expected of particles placed independently (thesis 1.2).

    Args:
        counts: (3, B) mean number of pairs in one configuration, for the PAIRS.
        species: (N,).
        box_length: L, units of sigma_AA.
        edges: (B + 1,) of the bins, units of sigma_AA.

    Returns:
        (3, B) g_AA, g_AB, g_BB, each 1 for an ideal gas.
    """
    a, b = np.bincount(species, minlength=2)
    pairs = np.array([a * (a - 1) / 2, a * b, b * (b - 1) / 2])
    shells = 4 / 3 * np.pi * np.diff(edges**3) / box_length**3  # (B,)
    return counts / (pairs[:, None] * shells)


def choose_wave_vectors(box_length: float, *, longest: float, width: float, per_shell: int) -> WaveVectors:
    """Choose at most `per_shell` vectors from every shell [k width, (k + 1) width) up to `longest`.

    They are spaced evenly over the shell's vectors in lexicographic order, so that no direction
    is preferred. Shells without a vector do not appear.
    """
    unit = 2 * np.pi / box_length
    reach = int(longest / unit)
    axis = np.arange(-reach, reach + 1)
    numbers = np.stack(np.meshgrid(axis[reach:], axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    numbers = numbers[_first_of_pair(numbers)]
    lengths = unit * np.linalg.norm(numbers, axis=1)
    numbers, lengths = numbers[lengths < longest], lengths[lengths < longest]
    shells = (lengths / width).astype(np.int64)
    order = np.argsort(shells, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(shells[order])) + 1)
    selected = [_spread(group, per_shell) for group in groups]
    means = np.array([lengths[shell].mean() for shell in selected])
    labels = np.repeat(np.arange(len(selected)), [len(shell) for shell in selected])
    return WaveVectors(numbers[np.concatenate(selected)], labels, means)


def _first_of_pair(numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    x, y, z = numbers.T
    positive: NDArray[np.bool_] = (x > 0) | ((x == 0) & ((y > 0) | ((y == 0) & (z > 0))))
    return positive


def _spread(group: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    if len(group) <= count:
        return group
    return group[np.linspace(0, len(group) - 1, count).astype(np.int64)]


def structure_factors(configuration: Configuration, vectors: WaveVectors) -> NDArray[np.float64]:
    """Partial structure factors of one configuration, averaged over shells.

    S_XY(q) = Re <rho_X(q) rho_Y(-q)> / sqrt(N_X N_Y), rho_X(q) = sum_(j of X) exp(i q . r_j)
    (Ashcroft and Langreth 1967): S_AA and S_BB go to 1 at large q, S_AB to 0.

    Args:
        configuration: positions may be wrapped or not.
        vectors: the wave vectors of this box.

    Returns:
        (S, 3) for the PAIRS.
    """
    counts = np.bincount(configuration.species, minlength=2)
    a, b = _species_densities(configuration, vectors) / np.sqrt(counts)[:, None]  # (Q,) each
    products = np.stack([np.abs(a) ** 2, (a * b.conj()).real, np.abs(b) ** 2], axis=1)  # (Q, 3)
    sums = np.stack([np.bincount(vectors.shells, weights=column) for column in products.T], axis=1)
    shells: NDArray[np.float64] = sums / np.bincount(vectors.shells)[:, None]
    return shells


def _species_densities(configuration: Configuration, vectors: WaveVectors) -> NDArray[np.complex128]:
    """(2, Q) rho_X(q), by powers of exp(2 pi i r / L)."""
    positions, species, box_length = configuration
    densities = np.empty((len(vectors.numbers), 2), np.complex128)  # (Q, species)
    reach = int(np.abs(vectors.numbers).max())
    for kind in range(2):
        waves = np.exp(2j * np.pi / box_length * positions[species == kind].T)  # (3, n)
        powers = np.ones((3, reach + 1, waves.shape[1]), np.complex128)
        for power in range(reach):
            powers[:, power + 1] = powers[:, power] * waves
        _share_density(powers, vectors.numbers, densities[:, kind])
    return densities.T


def _share_density(
    powers: NDArray[np.complex128], numbers: NDArray[np.int64], density: NDArray[np.complex128]
) -> None:
    parallel_for(len(numbers), lambda first, last: _density(first, last, powers, numbers, density))


@compiled
def _density(
    first: int,
    last: int,
    powers: NDArray[np.complex128],
    numbers: NDArray[np.int64],
    density: NDArray[np.complex128],
) -> None:
    for q in range(first, last):
        nx, ny, nz = numbers[q]
        total = 0j
        for j in range(powers.shape[2]):
            y, z = powers[1, abs(ny), j], powers[2, abs(nz), j]
            total += powers[0, nx, j] * (y if ny >= 0 else y.conjugate()) * (z if nz >= 0 else z.conjugate())
        density[q] = total


def total_structure_factor(partials: NDArray[np.float64], species: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(S,) S(q) = x_A S_AA + 2 sqrt(x_A x_B) S_AB + x_B S_BB from (S, 3) partials."""
    a, b = np.bincount(species, minlength=2) / len(species)
    total: NDArray[np.float64] = partials @ np.array([a, 2 * np.sqrt(a * b), b])
    return total


def first_maximum(
    lengths: NDArray[np.float64], values: NDArray[np.float64], *, half_width: float = 0.3
) -> float:
    """Position of the main peak of S(q): the top of a parabola through the values around the largest.

    Args:
        lengths: (S,) q, units of 1 / sigma_AA.
        values: (S,) S(q); its largest value is its first maximum in a simple liquid.
        half_width: of the piece that the parabola is fitted to, units of 1 / sigma_AA.
    """
    largest = lengths[values.argmax()]
    near = np.abs(lengths - largest) <= half_width
    if near.sum() < 3:
        return float(largest)
    curvature, slope, _ = np.polyfit(lengths[near] - largest, values[near], 2)
    top = -slope / (2 * curvature) if curvature < 0 else 0.0
    return float(largest + np.clip(top, -half_width, half_width))
