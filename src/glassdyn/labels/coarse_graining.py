"""Labels averaged over a neighbourhood: what can be predicted on larger scales than a particle's.

m_i(ell) = sum_j g(r_j - r_i) m_j / sum_j g(r_j - r_i), g(r) = sum over images n of exp(-|r + n L|^2 / 2 ell^2)

over all particles, i included. For ell -> 0 it is the label, for ell -> infinity the mean.

g is periodic, so that no ell is too long for the box. Short ones are summed over neighbours, long ones over
waves k = 2 pi n / L: the transform of g is proportional to exp(-k^2 ell^2 / 2).

Source: Berthier, Jack, Phys. Rev. E 76, 041509 (2007), on the growth of predictability with the length.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from glassdyn.liquid.compiled import compiled, parallel_for
from glassdyn.liquid.neighbours import Cells, build_cell_list, nearby_particles, square_distance

__all__ = ["coarse_grain"]

REACH = 7.0
"""Where Gaussians are cut, in ell, and their transforms, in 1 / ell: 1e-10 of the integral is beyond."""

ROWS = 4096
"""Particles whose waves are held at a time."""


def coarse_grain(
    labels: NDArray[np.float64],
    positions: NDArray[np.float64],
    box_length: float,
    lengths: Sequence[float],
) -> NDArray[np.float64]:
    """Average labels over Gaussian neighbourhoods.

    Args:
        labels: (N, K).
        positions: (N, 3) at the middle frame, wrapped or not, units of sigma_AA.
        box_length: L, units of sigma_AA.
        lengths: ell, above 0, units of sigma_AA.

    Returns:
        (N, len(lengths) K), in the order of `label_names.coarse`; to a relative 1e-8.
    """
    values = np.column_stack([labels, np.ones(len(labels))])  # (N, K + 1): the last column sums the weights
    averages = []
    for length in lengths:
        add = _sum_over_neighbours if 2 * REACH * length <= box_length else _sum_over_waves
        sums = add(values, positions, box_length, length)
        averages.append(sums[:, :-1] / sums[:, -1:])
    return np.concatenate(averages, axis=1)


def _sum_over_neighbours(
    values: NDArray[np.float64], positions: NDArray[np.float64], box_length: float, length: float
) -> NDArray[np.float64]:
    cells = build_cell_list(positions, box_length, REACH * length, cells_per_cutoff=2)
    ordered = np.ascontiguousarray(values[cells.order])
    sums = np.zeros_like(ordered)
    parallel_for(
        cells.side**3, lambda first, last: _add_neighbours(first, last, cells, ordered, length, sums)
    )
    unsorted = np.empty_like(sums)
    unsorted[cells.order] = sums
    return unsorted


@compiled
def _add_neighbours(
    begin: int,
    end: int,
    cells: Cells,
    values: NDArray[np.float64],
    length: float,
    sums: NDArray[np.float64],
) -> None:
    """Sums of the particles in the cells begin ... end - 1 over all near ones, themselves included."""
    neighbours = np.empty(len(values), np.int64)
    xs, ys, zs = cells.positions[0], cells.positions[1], cells.positions[2]
    cut, factor = cells.cutoff**2, -0.5 / length**2
    for cell in range(begin, end):
        number = nearby_particles(cell, cells, neighbours)
        for particle in range(cells.starts[cell], cells.starts[cell + 1]):
            for neighbour in neighbours[:number]:
                dx, dy = xs[neighbour] - xs[particle], ys[neighbour] - ys[particle]
                dz = zs[neighbour] - zs[particle]
                square = square_distance(dx, dy, dz, cells.box_length)
                if square < cut:
                    weight = np.exp(factor * square)
                    for column in range(values.shape[1]):
                        sums[particle, column] += weight * values[neighbour, column]


def _sum_over_waves(
    values: NDArray[np.float64], positions: NDArray[np.float64], box_length: float, length: float
) -> NDArray[np.float64]:
    longest = int(np.ceil(REACH * box_length / (2 * np.pi * length)))
    numbers = np.arange(-longest, longest + 1)
    damping = np.exp(-0.5 * (2 * np.pi * numbers * length / box_length) ** 2)  # (M,) along each axis
    # values are real: waves with n_x < 0 give the complex conjugates of those with n_x > 0
    twice = np.where(numbers[longest:] > 0, 2.0, 1.0) * damping[longest:]
    filters = np.kron(twice, np.kron(damping, damping)).reshape(1, longest + 1, -1)
    parts: dict[int, NDArray[np.complex128]] = {}
    sums = np.empty_like(values)

    def transform(begin: int, end: int) -> None:
        x, flat = _waves(positions[begin:end], numbers, box_length)
        parts[begin] = (values[begin:end, :, None] * x[:, None, :]).reshape(len(x), -1).T @ flat

    def transform_back(begin: int, end: int) -> None:
        x, flat = _waves(positions[begin:end], numbers, box_length)
        along_x = (flat.conj() @ density.T).reshape(len(x), values.shape[1], -1)
        sums[begin:end] = (along_x * x.conj()[:, None, :]).sum(axis=2).real

    # the same sums whatever the number of threads, and products too small to be worth those of BLAS
    with threadpool_limits(1, user_api="blas"):
        parallel_for(len(values), transform, ROWS)
        whole = np.sum([parts[begin] for begin in sorted(parts)], axis=0)
        density = (whole.reshape(values.shape[1], longest + 1, -1) * filters).reshape(whole.shape)
        parallel_for(len(values), transform_back, ROWS)
    return sums


def _waves(
    positions: NDArray[np.float64], numbers: NDArray[np.int64], box_length: float
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """exp(-i k x) of the numbers from 0, (N, M'), and exp(-i k y) exp(-i k z) of all pairs, (N, M^2)."""
    phases = -2j * np.pi / box_length * positions
    x, y, z = (np.exp(phases[:, [axis]] * numbers) for axis in range(3))
    return x[:, len(numbers) // 2 :], (y[:, :, None] * z[:, None, :]).reshape(len(positions), -1)
