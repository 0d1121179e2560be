"""Caged Brownian particles with hops at known times: trajectories of any size whose labels are known.

No forces act: each particle is an Ornstein-Uhlenbeck process about a cage, and cages jump at given times.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.storage.trajectory_writer import TrajectoryWriter

__all__ = ["Planted", "caged_frames", "plant", "write_caged"]

CAGE = 0.05
"""Standard deviation of a coordinate in its cage, sigma_AA; p_hop of a cage is about 3^(1/2) of it."""

MEMORY = 0.8
"""Correlation of the place in the cage from one frame to the next."""


class Planted(NamedTuple):
    """The hops of a synthetic trajectory, at most one for each particle.

    Attributes:
        frames: (N,) int64, first frame after the hop; T for particles that stay.
        vectors: (N, 3) float64, of the hop, units of sigma_AA; 0 for particles that stay.
    """

    frames: NDArray[np.int64]
    vectors: NDArray[np.float64]


def plant(
    rng: np.random.Generator, particles: int, frames: int, *, fraction: float, length: float
) -> Planted:
    """Choose which particles hop, when, and where to.

    Args:
        rng: source of the choice.
        particles: N.
        frames: T.
        fraction: of the particles hop, at any frame with equal probability, in any direction.
        length: of every hop, units of sigma_AA.
    """
    hops = rng.random(particles) < fraction
    times = np.where(hops, rng.integers(1, frames, particles), frames)
    vectors = rng.normal(size=(particles, 3))
    vectors *= length / np.linalg.norm(vectors, axis=1, keepdims=True)
    return Planted(times, np.where(hops[:, None], vectors, 0.0))


def caged_frames(
    rng: np.random.Generator, planted: Planted, frames: int, box_length: float
) -> Iterator[NDArray[np.float64]]:
    """Frame after frame of caged particles.

    Args:
        rng: source of the cages' places and of the motion in them.
        planted: the hops.
        frames: T.
        box_length: cages lie anywhere in it, units of sigma_AA.

    Yields:
        (N, 3) positions, unwrapped.
    """
    shape = planted.vectors.shape
    cages = rng.uniform(0, box_length, shape)
    offsets = CAGE * rng.standard_normal(shape, np.float32)
    kick = np.float32(CAGE * np.sqrt(1 - MEMORY**2))
    for frame in range(frames):
        now = planted.frames == frame
        cages[now] += planted.vectors[now]
        yield cages + offsets
        offsets *= np.float32(MEMORY)
        offsets += kick * rng.standard_normal(shape, np.float32)


def write_caged(
    path: Path, seed: int, *, particles: int, frames: int, density: float = 1.2, interval: float = 0.1
) -> Planted:
    """Write a trajectory of caged particles, a fifth of which hop once by 0.8, and return the hops.

    Args:
        path: of the H5MD file.
        seed: of hops and motion.
        particles: N.
        frames: T.
        density: rho, which sets the box, units of sigma_AA^-3.
        interval: time between frames, units of tau.
    """
    rng = np.random.default_rng(seed)
    box_length = float((particles / density) ** (1 / 3))
    planted = plant(rng, particles, frames, fraction=0.2, length=0.8)
    species = (np.arange(particles) >= 4 * particles // 5).astype(np.uint8)
    with TrajectoryWriter(path, species=species, box_length=box_length, timestep=interval) as recorder:
        for step, positions in enumerate(caged_frames(rng, planted, frames, box_length)):
            recorder.append(step, positions)
    return planted
