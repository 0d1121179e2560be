"""Blocks of a trajectory turned particle by particle, and searched for what no particle does."""

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.liquid.compiled import compiled

__all__ = ["per_particle"]

WIDTH, HEIGHT = 16, 256
"""Particles and frames turned at a time: few enough for the fastest cache, many enough to use its lines."""


def per_particle(
    block: NDArray[np.float32],
    box_length: float,
    first: int = 0,
    room: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Turn frames of particles into particles with their frames.

    Args:
        block: (T, n, 3) positions, unwrapped, units of sigma_AA.
        box_length: L, units of sigma_AA.
        first: number of the block's first particle, for messages.
        room: (m, 3, T) to write to, m >= n; fresh memory costs more than turning does.

    Returns:
        (n, 3, T) float64.

    Raises:
        Refusal: for a particle with a position that is not finite, or that moves half a box between
            two frames: lost, or wrapped.
    """
    frames, particles, _ = block.shape
    tracks = np.empty((particles, 3, frames)) if room is None else room[:particles]
    if not _turn(block, box_length / 2, tracks):
        frame, particle = _first_lost(block, box_length / 2)
        raise GlassdynError(
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
    sound = 0
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
                    sound += abs(track[0] - before) <= longest
                    for k in range(1, stop - start):
                        sound += abs(track[k] - track[k - 1]) <= longest
    return bool(sound == 3 * particles * frames)
