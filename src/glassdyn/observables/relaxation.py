"""How far particles move in time: mean squared displacement, F_s(q, t), tau_alpha, the plateau.

Displacements are taken between some origins and log-spaced lags, so that the work does not grow
with the square of the length, and summed block by block of particles, so that the memory does not
grow with it either.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.liquid.compiled import compiled, parallel_for

__all__ = [
    "BIN_WIDTH",
    "Displacements",
    "Plateau",
    "choose_lags",
    "choose_origins",
    "find_plateau",
    "find_tau_alpha",
    "mean_squares",
    "measure_displacements",
    "non_gaussian",
    "scattering",
    "select_origins",
]

BIN_WIDTH = 0.02
"""Width of the bins of the displacements' lengths, units of sigma_AA."""

BINS = 200

FITTED = 5
"""Neighbouring lags of one local slope."""

EXTENSION = 3.0
"""How far beyond the longest lag tau_alpha is looked for, as a factor."""


class Displacements(NamedTuple):
    """Displacements d = |r(t0 + t) - r(t0)| of one trajectory, by origin t0, lag t and species (A, B).

    Attributes:
        lags: (K,) int64, frames.
        origins: (O,) int64, frames.
        squares: (O, K, 2) mean of d^2, units of sigma_AA^2; NaN where t0 + t is beyond the end.
        quartics: (O, K, 2) mean of d^4.
        scattering: (O, K, 2) mean of sin(q d) / (q d).
        counts: (K, 2, BINS) int64, displacements by length in bins of BIN_WIDTH; longer ones are left out.
        totals: (K, 2) int64, all displacements.
    """

    lags: NDArray[np.int64]
    origins: NDArray[np.int64]
    squares: NDArray[np.float64]
    quartics: NDArray[np.float64]
    scattering: NDArray[np.float64]
    counts: NDArray[np.int64]
    totals: NDArray[np.int64]


class Plateau(NamedTuple):
    """Where cages hold the particles: time (units of tau), RMSD (sigma_AA), d ln RMSD / d ln t."""

    time: float
    rmsd: float
    slope: float


def choose_lags(first: int, last: int, *, per_decade: int) -> NDArray[np.int64]:
    """Distinct lags first ... last, both included, evenly spaced on a logarithmic scale."""
    count = 1 + int(np.ceil(per_decade * np.log10(last / first)))
    return np.unique(np.rint(np.geomspace(first, last, max(count, 2))).astype(np.int64))


def choose_origins(first: int, last: int, *, count: int) -> NDArray[np.int64]:
    """At most `count` distinct origins first ... last, both included, evenly spaced."""
    return np.unique(np.rint(np.linspace(first, last, count)).astype(np.int64))


def measure_displacements(
    blocks: Iterable[tuple[NDArray[np.float32], NDArray[np.uint8]]],
    *,
    lags: NDArray[np.int64],
    origins: NDArray[np.int64],
    wave_number: float,
) -> Displacements:
    """Sum displacements over blocks of particles.

    F_s(q, t) = <sin(q d) / (q d)> is the average of <cos(q . (r(t) - r(0)))> over the directions of q.

    Args:
        blocks: pairs of unwrapped positions (T, n, 3), units of sigma_AA, and species (n,).
        lags: (K,) frames.
        origins: (O,) frames.
        wave_number: q, units of 1 / sigma_AA.

    Raises:
        GlassdynError: for a position that is not a finite number, or a species without particles.
    """
    sums = Sums(
        lags, origins, np.zeros((len(origins), len(lags), 2, 3)), np.zeros((len(lags), 2, BINS), np.int64)
    )
    particles, frames = np.zeros(2, np.int64), 0
    for positions, species in blocks:
        _add_block(positions, species, wave_number, sums)
        particles += np.bincount(species, minlength=2)
        frames = len(positions)
    if not np.isfinite(sums.moments).all():
        raise GlassdynError("positions must be finite numbers: the trajectory holds NaN or infinity")
    if not particles.all():
        raise GlassdynError(f"both species must be present: got {particles[0]} of A and {particles[1]} of B")
    inside = origins[:, None] + lags < frames  # (O, K)
    means = np.where(inside[..., None, None], sums.moments / particles[:, None], np.nan)
    totals = inside.sum(axis=0)[:, None] * particles
    return Displacements(lags, origins, means[..., 0], means[..., 1], means[..., 2], sums.counts, totals)


class Sums(NamedTuple):
    """Sums over the particles so far.

    Attributes:
        lags: (K,) frames.
        origins: (O,) frames.
        moments: (O, K, 2, 3) of d^2, d^4 and sin(q d) / (q d), by species.
        counts: (K, 2, BINS) displacements by length.
    """

    lags: NDArray[np.int64]
    origins: NDArray[np.int64]
    moments: NDArray[np.float64]
    counts: NDArray[np.int64]


def _add_block(
    positions: NDArray[np.float32], species: NDArray[np.uint8], wave_number: float, sums: Sums
) -> None:
    def work(first: int, last: int) -> None:
        _add_lags(first, last, positions, species, wave_number, sums)

    parallel_for(len(sums.lags), work)


@compiled
def _add_lags(
    first: int,
    last: int,
    positions: NDArray[np.float32],
    species: NDArray[np.uint8],
    wave_number: float,
    sums: Sums,
) -> None:
    for k in range(first, last):
        for o in range(len(sums.origins)):
            start, stop = sums.origins[o], sums.origins[o] + sums.lags[k]
            if stop < len(positions):
                _add_pair(
                    positions[start],
                    positions[stop],
                    species,
                    wave_number,
                    sums.moments[o, k],
                    sums.counts[k],
                )


@compiled
def _add_pair(
    start: NDArray[np.float32],
    stop: NDArray[np.float32],
    species: NDArray[np.uint8],
    wave_number: float,
    moments: NDArray[np.float64],
    counts: NDArray[np.int64],
) -> None:
    """Add the displacements between two frames to (2, 3) moments and (2, BINS) counts."""
    for i in range(len(species)):
        square = 0.0
        for axis in range(3):
            step = np.float64(stop[i, axis]) - np.float64(start[i, axis])
            square += step * step
        distance = np.sqrt(square)
        phase = wave_number * distance
        kind = species[i]
        moments[kind, 0] += square
        moments[kind, 1] += square * square
        moments[kind, 2] += np.sin(phase) / phase if phase > 1e-4 else 1 - phase * phase / 6
        bin_ = distance / BIN_WIDTH
        if bin_ < BINS:
            counts[kind, int(bin_)] += 1


def select_origins(displacements: Displacements, selection: slice) -> Displacements:
    """Keep some origins only; the counts, which are not by origin, stay as they are."""
    return displacements._replace(
        origins=displacements.origins[selection],
        squares=displacements.squares[selection],
        quartics=displacements.quartics[selection],
        scattering=displacements.scattering[selection],
    )


def mean_squares(displacements: Displacements) -> NDArray[np.float64]:
    """(K, 2) mean squared displacement over the origins (thesis 1.4), units of sigma_AA^2; NaN for lags that do not fit."""
    return _mean_over_origins(displacements.squares)


def scattering(displacements: Displacements) -> NDArray[np.float64]:
    """(K, 2) self intermediate scattering function F_s(q, t) over the origins (thesis 1.3)."""
    return _mean_over_origins(displacements.scattering)


def non_gaussian(displacements: Displacements) -> NDArray[np.float64]:
    """(K, 2) alpha_2(t) = 3 <d^4> / (5 <d^2>^2) - 1: zero for Gaussian displacements."""
    return 3 * _mean_over_origins(displacements.quartics) / (5 * mean_squares(displacements) ** 2) - 1


def _mean_over_origins(values: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.isfinite(values)
    count = inside.sum(axis=0)
    total = np.where(inside, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def find_tau_alpha(times: NDArray[np.float64], correlation: NDArray[np.float64]) -> float | None:
    """Find the time at which F_s falls to 1 / e (thesis 2.1): where ln(-ln F_s), linear in ln t, passes 0.

    Between two lags this is an interpolation. A correlation that ends above 1 / e is extended along the
    straight line through its last FITTED lags, that is as a stretched exponential, up to EXTENSION
    times the longest lag.

    Args:
        times: (K,) lags, units of tau, increasing.
        correlation: (K,) F_s(q, t); values outside (0, 1), and NaN, are passed over.

    Returns:
        tau_alpha, units of tau; None where F_s is followed for too short a time, or not from above 1 / e.
    """
    inside = (correlation > 0) & (correlation < 1)
    x, y = np.log(times[inside]), np.log(-np.log(correlation[inside]))
    above = np.flatnonzero(y > 0)
    if len(above):
        after = int(above[0])
        return (
            float(np.exp(np.interp(0, y[after - 1 : after + 1], x[after - 1 : after + 1]))) if after else None
        )
    if len(y) < FITTED:
        return None
    slope, height = np.polyfit(x[-FITTED:] - x[-1], y[-FITTED:], 1)
    if slope <= 0 or -height / slope > np.log(EXTENSION):
        return None
    return float(np.exp(x[-1] + max(-height / slope, 0.0)))


def find_plateau(times: NDArray[np.float64], rmsd: NDArray[np.float64]) -> Plateau:
    """Find the plateau of the RMSD: the lag at which d ln RMSD / d ln t is smallest.

    The slope at a lag is that of a straight line through it and its neighbours.

    Args:
        times: (K,) lags, units of tau, increasing, at least FITTED.
        rmsd: (K,) root mean squared displacement, units of sigma_AA.
    """
    finite = np.isfinite(rmsd)
    times, rmsd = times[finite], rmsd[finite]
    if len(times) < FITTED:
        raise GlassdynError(f"a plateau needs the RMSD at {FITTED} lags or more: got {len(times)}")
    logs = np.lib.stride_tricks.sliding_window_view(np.log(np.stack([times, rmsd])), FITTED, axis=1)
    x, y = logs - logs.mean(axis=-1, keepdims=True)  # (K - FITTED + 1, FITTED) each
    slopes = (x * y).sum(axis=-1) / (x * x).sum(axis=-1)
    flattest = int(slopes.argmin())
    middle = flattest + FITTED // 2
    return Plateau(float(times[middle]), float(rmsd[middle]), float(slopes[flattest]))
