"""Blocks of a trajectory turned particle by particle, and searched for what no particle does."""

import numpy as np
from numpy.typing import NDArray

from glassdyn.compiled import compiled

__all__ = ["tracks_of"]

TOGETHER = 8
"""Particles turned at a time: their positions of one frame share cache lines."""


def tracks_of(block: NDArray[np.float32], box_length: float, first: int = 0) -> NDArray[np.float64]:
    """Turn frames of particles into particles with their frames.

    Args:
        block: (T, n, 3) positions, unwrapped, units of sigma_AA.
        box_length: L, units of sigma_AA.
        first: number of the block's first particle, for messages.

    Returns:
        (n, 3, T) float64.

    Raises:
        ValueError: for a particle with a position that is not finite, or that moves half a box between
            two frames: lost, or wrapped.
    """
    tracks = np.empty((block.shape[1], 3, block.shape[0]))
    if not _turn(block, box_length / 2, tracks):
        frame, particle = _first_lost(block, box_length / 2)
        raise ValueError(
            "a trajectory is finite and unwrapped, no step as long as half the box: particle "
            f"{first + particle} is at {block[frame, particle].tolist()} in frame {frame}, "
            f"after {block[max(frame - 1, 0), particle].tolist()}, in a box of {box_length:.4f}"
        )
    return tracks


def _first_lost(block: NDArray[np.float32], longest: float) -> tuple[int, int]:
    with np.errstate(invalid="ignore"):  # infinities
        steps = np.abs(np.diff(block, axis=0, prepend=block[:1])).max(axis=2)  # (T, n)
    frame, particle = np.argwhere(~(steps <= longest))[0]
    return int(frame), int(particle)


@compiled
def _turn(block: NDArray[np.float32], longest: float, tracks: NDArray[np.float64]) -> bool:
    """Fill the tracks; return whether each step is one that a particle can make."""
    frames, particles, _ = block.shape
    sound = True
    for begin in range(0, particles, TOGETHER):
        end = min(begin + TOGETHER, particles)
        for frame in range(frames):
            for particle in range(begin, end):
                for axis in range(3):
                    tracks[particle, axis, frame] = block[frame, particle, axis]
        for particle in range(begin, end):
            for axis in range(3):
                track = tracks[particle, axis]
                sound &= abs(track[0]) < np.inf
                for frame in range(1, frames):  # a comparison with NaN is false
                    sound &= abs(track[frame] - track[frame - 1]) <= longest
    return sound
