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
    "displacements",
    "from_origins",
    "lags_between",
    "mean_squares",
    "non_gaussian",
    "origins_between",
    "plateau",
    "scattering",
    "tau_alpha",
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
    """Where the cage holds the particles: time (units of tau), RMSD (sigma_AA), d ln RMSD / d ln t."""

    time: float
    rmsd: float
    slope: float


def lags_between(first: int, last: int, *, per_decade: int) -> NDArray[np.int64]:
    """Distinct lags first ... last, both included, evenly spaced on a logarithmic scale."""
    count = 1 + int(np.ceil(per_decade * np.log10(last / first)))
    return np.unique(np.rint(np.geomspace(first, last, max(count, 2))).astype(np.int64))


def origins_between(first: int, last: int, *, count: int) -> NDArray[np.int64]:
    """At most `count` distinct origins first ... last, both included, evenly spaced."""
    return np.unique(np.rint(np.linspace(first, last, count)).astype(np.int64))


def displacements(
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
        Refusal: for a position that is not a finite number, or a species without particles.
    """
    sums = np.zeros((len(origins), len(lags), 2, 3))  # (O, K, 2, moments)
    counts = np.zeros((len(lags), 2, BINS), np.int64)
    particles = np.zeros(2, np.int64)
    frames = 0
    for positions, species in blocks:
        _share_lags(positions, species, lags, origins, wave_number, sums, counts)
        particles += np.bincount(species, minlength=2)
        frames = len(positions)
    inside = origins[:, None] + lags < frames  # (O, K)
    if not np.isfinite(sums).all():
        raise GlassdynError("positions must be finite numbers: the trajectory holds NaN or infinity")
    if not particles.all():
        raise GlassdynError(f"both species must be present: got {particles[0]} of A and {particles[1]} of B")
    means = np.where(inside[..., None, None], sums / particles[:, None], np.nan)
    totals = inside.sum(axis=0)[:, None] * particles
    return Displacements(lags, origins, means[..., 0], means[..., 1], means[..., 2], counts, totals)


def _share_lags(
    positions: NDArray[np.float32],
    species: NDArray[np.uint8],
    lags: NDArray[np.int64],
    origins: NDArray[np.int64],
    wave_number: float,
    sums: NDArray[np.float64],
    counts: NDArray[np.int64],
) -> None:
    def work(first: int, last: int) -> None:
        _add(first, last, positions, species, lags, origins, wave_number, sums, counts)

    parallel_for(len(lags), work)


@compiled
def _add(
    first: int,
    last: int,
    positions: NDArray[np.float32],
    species: NDArray[np.uint8],
    lags: NDArray[np.int64],
    origins: NDArray[np.int64],
    wave_number: float,
    sums: NDArray[np.float64],
    counts: NDArray[np.int64],
) -> None:
    for k in range(first, last):
        for o in range(len(origins)):
            start, stop = origins[o], origins[o] + lags[k]
            if stop >= len(positions):
                continue
            for i in range(len(species)):
                square = 0.0
                for axis in range(3):
                    step = np.float64(positions[stop, i, axis]) - np.float64(positions[start, i, axis])
                    square += step * step
                distance = np.sqrt(square)
                phase = wave_number * distance
                kind = species[i]
                sums[o, k, kind, 0] += square
                sums[o, k, kind, 1] += square * square
                sums[o, k, kind, 2] += np.sin(phase) / phase if phase > 1e-4 else 1 - phase * phase / 6
                bin_ = distance / BIN_WIDTH
                if bin_ < BINS:
                    counts[k, kind, int(bin_)] += 1


def from_origins(moved: Displacements, chosen: slice) -> Displacements:
    """Keep some origins only; the counts, which are not by origin, are kept as they are."""
    return moved._replace(
        origins=moved.origins[chosen],
        squares=moved.squares[chosen],
        quartics=moved.quartics[chosen],
        scattering=moved.scattering[chosen],
    )


def mean_squares(moved: Displacements) -> NDArray[np.float64]:
    """(K, 2) mean squared displacement over the origins, units of sigma_AA^2; NaN for lags that do not fit."""
    return _over_origins(moved.squares)


def scattering(moved: Displacements) -> NDArray[np.float64]:
    """(K, 2) F_s(q, t) over the origins."""
    return _over_origins(moved.scattering)


def non_gaussian(moved: Displacements) -> NDArray[np.float64]:
    """(K, 2) alpha_2(t) = 3 <d^4> / (5 <d^2>^2) - 1: zero for Gaussian displacements."""
    return 3 * _over_origins(moved.quartics) / (5 * mean_squares(moved) ** 2) - 1


def _over_origins(values: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.isfinite(values)
    count = inside.sum(axis=0)
    total = np.where(inside, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def tau_alpha(times: NDArray[np.float64], correlation: NDArray[np.float64]) -> float | None:
    """Time at which F_s falls to 1 / e (thesis 2.1): where ln(-ln F_s), linear in ln t, passes 0.

    Between two lags that is an interpolation. A correlation that ends above 1 / e is extended along the
    straight line through its last FITTED lags, that is as a stretched exponential, up to EXTENSION
    times the longest lag.

    Args:
        times: (K,) lags, units of tau, increasing.
        correlation: (K,) F_s(q, t); values outside (0, 1), and NaN, are passed over.

    Returns:
        tau_alpha, units of tau; None where F_s is followed too short to tell, or not from above 1 / e.
    """
    known = (correlation > 0) & (correlation < 1)
    x, y = np.log(times[known]), np.log(-np.log(correlation[known]))
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


def plateau(times: NDArray[np.float64], rmsd: NDArray[np.float64]) -> Plateau:
    """Find the plateau of the RMSD: the lag at which d ln RMSD / d ln t is smallest.

    The slope at a lag is that of a straight line through it and its neighbours.

    Args:
        times: (K,) lags, units of tau, increasing, at least FITTED.
        rmsd: (K,) root mean squared displacement, units of sigma_AA.
    """
    known = np.isfinite(rmsd)
    times, rmsd = times[known], rmsd[known]
    if len(times) < FITTED:
        raise GlassdynError(f"a plateau needs the RMSD at {FITTED} lags or more: got {len(times)}")
    logs = np.lib.stride_tricks.sliding_window_view(np.log(np.stack([times, rmsd])), FITTED, axis=1)
    x, y = logs - logs.mean(axis=-1, keepdims=True)  # (K - FITTED + 1, FITTED) each
    slopes = (x * y).sum(axis=-1) / (x * x).sum(axis=-1)
    flattest = int(slopes.argmin())
    middle = flattest + FITTED // 2
    return Plateau(float(times[middle]), float(rmsd[middle]), float(slopes[flattest]))
