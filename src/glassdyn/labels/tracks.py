"""Tracks of particles in double precision, and the check that no particle is lost or wrapped."""

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.liquid.compiled import compiled

__all__ = ["check_tracks"]


def check_tracks(
    tracks: NDArray[np.float32], box_length: float, first: int = 0, out: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Check tracks while they are converted to double precision, in which labels are computed.

    Args:
        tracks: (n, 3, T) positions, unwrapped, units of sigma_AA.
        box_length: L, units of sigma_AA.
        first: number of the first particle, for messages.
        out: (m, 3, T) to write to, m >= n; fresh memory costs more than the conversion.

    Returns:
        (n, 3, T).

    Raises:
        GlassdynError: for a particle with a position that is not finite, or that moves half a box between
            two frames: lost, or wrapped.
    """
    checked = np.empty(tracks.shape) if out is None else out[: len(tracks)]
    if not _convert(tracks, box_length / 2, checked):
        particle, frame = _first_lost(checked, box_length / 2)
        raise GlassdynError(
            "a trajectory is finite and unwrapped, no step as long as half the box: particle "
            f"{first + particle} is at {checked[particle, :, frame].tolist()} in frame {frame}, "
            f"after {checked[particle, :, max(frame - 1, 0)].tolist()}, in a box of {box_length:.4f}"
        )
    return checked


def _first_lost(tracks: NDArray[np.float64], longest_step: float) -> tuple[int, int]:
    with np.errstate(invalid="ignore"):  # infinities
        steps = np.abs(np.diff(tracks, axis=2, prepend=tracks[..., :1])).max(axis=1)  # (n, T)
    particle, frame = np.argwhere(~(steps <= longest_step))[0]
    return int(particle), int(frame)


@compiled
def _convert(tracks: NDArray[np.float32], longest_step: float, out: NDArray[np.float64]) -> bool:
    """Fill `out`; return whether each step is finite and no longer than the longest."""
    particles, _, frames = tracks.shape
    valid = 0
    for particle in range(particles):
        for axis in range(3):
            track, double = tracks[particle, axis], out[particle, axis]
            before, after = track[: frames - 1], track[1:]
            for k in range(frames - 1):  # arrays cut so that all have the same index: several steps at a time
                now = np.float64(before[k])
                double[k] = now
                step = abs(np.float64(after[k]) - now)
                valid += bool(step <= longest_step)  # comparisons with NaN are false
            double[frames - 1] = track[frames - 1]
            valid += abs(double[0] - double[0]) <= longest_step
    return bool(valid == 3 * particles * frames)
