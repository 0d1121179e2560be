"""Tracks of particles from blocks of frames, and the check that no particle is lost or wrapped."""

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.liquid.compiled import compiled

__all__ = ["per_particle"]

WIDTH, HEIGHT = 16, 256
"""Particles and frames transposed at a time: few enough for the fastest cache, many enough to use its lines."""


def per_particle(
    block: NDArray[np.float32],
    box_length: float,
    first: int = 0,
    out: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Transpose frames of particles to particles with their frames.

    Args:
        block: (T, n, 3) positions, unwrapped, units of sigma_AA.
        box_length: L, units of sigma_AA.
        first: number of the block's first particle, for messages.
        out: (m, 3, T) to write to, m >= n; fresh memory costs more than the transposition.

    Returns:
        (n, 3, T) float64.

    Raises:
        GlassdynError: for a particle with a position that is not finite, or that moves half a box between
            two frames: lost, or wrapped.
    """
    frames, particles, _ = block.shape
    tracks = np.empty((particles, 3, frames)) if out is None else out[:particles]
    if not _transpose(block, box_length / 2, tracks):
        frame, particle = _first_lost(block, box_length / 2)
        raise GlassdynError(
            "a trajectory is finite and unwrapped, no step as long as half the box: particle "
            f"{first + particle} is at {block[frame, particle].tolist()} in frame {frame}, "
            f"after {block[max(frame - 1, 0), particle].tolist()}, in a box of {box_length:.4f}"
        )
    return tracks


def _first_lost(block: NDArray[np.float32], longest_step: float) -> tuple[int, int]:
    with np.errstate(invalid="ignore"):  # infinities
        steps = np.abs(np.diff(block, axis=0, prepend=block[:1])).max(axis=2)  # (T, n)
    frame, particle = np.argwhere(~(steps <= longest_step))[0]
    return int(frame), int(particle)


@compiled
def _transpose(block: NDArray[np.float32], longest_step: float, tracks: NDArray[np.float64]) -> bool:
    """Fill the tracks; return whether each step is finite and no longer than the longest."""
    frames, particles, _ = block.shape
    valid = 0
    for begin in range(0, particles, WIDTH):
        for start in range(0, frames, HEIGHT):
            stop = min(start + HEIGHT, frames)
            for particle in range(begin, min(begin + WIDTH, particles)):
                for axis in range(3):
                    track = tracks[particle, axis, start:stop]
                    for k in range(stop - start):
                        track[k] = block[start + k, particle, axis]
                    # comparisons with NaN are false
                    before = tracks[particle, axis, start - 1] if start > 0 else track[0]
                    valid += abs(track[0] - before) <= longest_step
                    for k in range(1, stop - start):
                        valid += abs(track[k] - track[k - 1]) <= longest_step
    return bool(valid == 3 * particles * frames)
