"""Folders of synthetic trajectories: Brownian particles whose tau_alpha is known."""

import numpy as np

from glassdyn.liquid.potential import assign_species
from glassdyn.storage.trajectory_writer import THERMODYNAMICS, TrajectoryWriter

PARTICLES, FRAMES, FRAME_STEPS, TIMESTEP = 125, 161, 20, 0.005
BOX_LENGTH = (PARTICLES / 1.2) ** (1 / 3)
TEMPERATURE = 0.6
LATTICE = np.stack(np.meshgrid(*[np.arange(5)] * 3), axis=-1).reshape(-1, 3) * (BOX_LENGTH / 5)
"""Initial positions, without noise: S(q) has a first maximum."""


def brownian(folder, copies=2, samples=2, step=0.03, heating=0.0, slowing=1.0, pushed=0.0):
    """Write samples of walkers with steps of `step` in each direction, `slowing` times shorter in later samples.

    `heating` is the energy per particle gained over a window, `pushed` the displacement of the centre of mass.
    """
    folder.mkdir(parents=True)
    for copy in range(copies):
        rng = np.random.default_rng(copy)
        for sample in range(samples):
            walks = rng.normal(0, step / slowing**sample, (FRAMES, PARTICLES, 3))
            walks -= walks.mean(axis=1, keepdims=True)
            walks[0] = LATTICE + rng.normal(0, 0.2, (PARTICLES, 3))
            write(
                folder / f"copy{copy:02}-sample{sample:02}.h5",
                np.cumsum(walks, axis=0),
                sample,
                heating,
                pushed,
            )


def write(path, positions, sample, heating, pushed):
    kinetic = 1.5 * (PARTICLES - 1) * TEMPERATURE
    with TrajectoryWriter(
        path,
        species=assign_species(PARTICLES),
        box_length=BOX_LENGTH,
        timestep=TIMESTEP,
        observables=THERMODYNAMICS,
    ) as writer:
        for frame in range(FRAMES):
            fraction = frame / (FRAMES - 1)
            observables = (-7.0 * PARTICLES + heating * fraction * PARTICLES, kinetic, 4.5)
            step = (2 * sample * FRAMES + frame) * FRAME_STEPS
            shifted = positions[frame] + [pushed * fraction, 0, 0]
            writer.append(step, shifted, dict(zip(THERMODYNAMICS, observables, strict=True)))
