"""Tracks of three particles with their labels at every frame: one hops, one moves slowly, one is typical."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.labels.p_hop import criteria_in_frames, p_hop_series
from glassdyn.labels.tracks import check_tracks
from glassdyn.labels.wavelets import CWT, scalogram
from glassdyn.params import Hops, Wavelets
from glassdyn.storage.trajectory import Trajectory

__all__ = ["choose_particles", "tabulate_examples"]

ROWS = 1000
"""Times of a particle, at most about so many."""

CANDIDATES = 500
"""Particles followed through the whole window in search of one that never hops."""


def choose_particles(
    labels: pl.DataFrame, trajectory: Trajectory, hops: Hops, longest: str
) -> dict[str, int]:
    """Choose an A particle that hops, one that moves slowly without a hop, and a typical one.

    Args:
        labels: label table of a sample.
        trajectory: of the same sample.
        hops: parameters of p_hop.
        longest: column of the wavelet label at the longest scale.

    Returns:
        Particle by kind: the largest p_hop; the largest wavelet label of those that hop nowhere in the
        window; the median p_hop.
    """
    a_particles = labels.filter(pl.col("type") == 0)
    by_hop = a_particles.sort("p_hop", maintain_order=True)["particle"]
    by_wavelet = a_particles.sort(pl.col("p_hop") >= hops.p_c, -pl.col(longest), maintain_order=True)
    candidates = by_wavelet["particle"].head(CANDIDATES).to_list()
    return {
        "hopping": by_hop[-1],
        "slow": _find_without_hop(trajectory, candidates, hops),
        "typical": by_hop[len(by_hop) // 2],
    }


def _find_without_hop(trajectory: Trajectory, candidates: Sequence[int], hops: Hops) -> int:
    """The first particle that hops nowhere in the window; where all do, the one with the smallest largest hop."""
    criteria, largest = criteria_in_frames(hops, trajectory.interval), {}
    for particle in candidates:
        largest[particle] = p_hop_series(_read_track(trajectory, particle), criteria).max()
        if largest[particle] < hops.p_c:
            return particle
    return min(largest, key=largest.__getitem__)


def tabulate_examples(
    trajectory: Trajectory, particles: Mapping[str, int], hops: Hops, wavelets: Wavelets
) -> pl.DataFrame:
    """Tabulate tracks of a few particles with p_hop and the wavelet transform at every frame.

    Args:
        trajectory: theirs.
        particles: by kind, see `choose_particles`.
        hops: parameters of p_hop.
        wavelets: scales of the wavelet transform.

    Returns:
        Columns kind, particle, time, x, y, z (relative to the first frame), p_hop and cwt_<scale>; at
        most about a thousand times of each.
    """
    frames = np.arange(0, trajectory.frames, -(-trajectory.frames // ROWS))
    criteria = criteria_in_frames(hops, trajectory.interval)
    time = trajectory.times[frames] - trajectory.times[0]
    tables = []
    for kind, particle in particles.items():
        track = _read_track(trajectory, particle)
        moduli = _moduli(track[0], wavelets.scales, trajectory.interval)[:, frames]
        moved = (track[0] - track[0, :, :1])[:, frames]
        columns = {"kind": kind, "particle": particle, "time": time}
        columns |= dict(zip("xyz", moved, strict=True))
        columns |= {"p_hop": p_hop_series(track, criteria)[0, frames]}
        columns |= dict(zip(CWT.columns(wavelets), moduli, strict=True))
        tables.append(pl.DataFrame(columns))
    return pl.concat(tables)


def _read_track(trajectory: Trajectory, particle: int) -> NDArray[np.float64]:
    """(1, 3, T) positions of one particle, units of sigma_AA."""
    return check_tracks(trajectory.tracks(particle, particle + 1), trajectory.box_length, particle)


def _moduli(track: NDArray[np.float64], scales: Sequence[int], interval: float) -> NDArray[np.float64]:
    """(K, T) sqrt of the sum over directions of C^d(a, t)^2."""
    return np.sqrt((scalogram(track, scales, interval) ** 2).sum(axis=1))  # type: ignore[no-any-return]
