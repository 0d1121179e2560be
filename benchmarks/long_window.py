"""What a frame of a long window costs `label` and `observe`, by a sample of caged particles that is written here."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np

from glassdyn.labels.midframe import label_midframe
from glassdyn.labels.sections import Sections, column_names, select_sections
from glassdyn.liquid.potential import assign_species
from glassdyn.observables.measure import LAGS_PER_DECADE
from glassdyn.observables.relaxation import choose_lags
from glassdyn.observables.sample import measure_sample
from glassdyn.params import Hops, Params, Wavelets
from glassdyn.storage.trajectory import Trajectory, open_trajectory
from glassdyn.storage.trajectory_writer import THERMODYNAMICS, TrajectoryWriter, sample_name

__all__ = ["PARTICLES", "time_window"]

PARTICLES, FRAMES = 4000, 2000

SECTIONS = {"hops": Hops(0.16, 5.0, 50, "none"), "wavelets": Wavelets(scales=(16, 64, 240))}
"""The thesis's hops: shorter ones are in any noise, and take longer. Four of a scale fit into half a window."""


def time_window(params: Params) -> dict[str, float]:
    """Seconds of processor time for a particle-frame that is observed, and for each of its labels."""
    sections = {**select_sections(params), **SECTIONS}
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{sample_name(0, 0)}.h5"
        write_caged(path, (PARTICLES / params.liquid.density) ** (1 / 3))
        labels = fastest(path, lambda trajectory: label(trajectory, sections)) / len(column_names(sections))
        return {"particle_frames": fastest(path, observe), "labels": labels}


def write_caged(path: Path, box_length: float) -> None:
    """Write a sample of particles that fluctuate about sites; what they cost does not depend on how they move."""
    generator, species = np.random.default_rng(0), assign_species(PARTICLES)
    sites = generator.uniform(0, box_length, (PARTICLES, 3))
    displacements = generator.normal(0, 0.1, (8, PARTICLES, 3))
    writer = TrajectoryWriter(
        path, species=species, box_length=box_length, timestep=0.0025, observables=THERMODYNAMICS
    )
    with writer:
        for frame in range(FRAMES):
            writer.append(40 * frame, sites + displacements[frame % 8], dict.fromkeys(THERMODYNAMICS, 1.0))


def fastest(path: Path, work: Callable[[Trajectory], object]) -> float:
    """Seconds of processor time for a particle-frame, the better of two turns, of which the first compiles."""
    seconds = []
    for _ in range(2):
        with open_trajectory(path) as trajectory:
            start = process_time()
            work(trajectory)
            seconds.append(process_time() - start)
    return min(seconds) / (PARTICLES * FRAMES)


def label(trajectory: Trajectory, sections: Sections) -> None:
    """Label all particles."""
    for _ in label_midframe(trajectory, sections, lambda _positions: None):
        pass


def observe(trajectory: Trajectory) -> None:
    """Measure the window, but for g(r) and S(q), whose cost does not grow with it."""
    lags = choose_lags(1, FRAMES - 1, per_decade=LAGS_PER_DECADE)
    measure_sample(trajectory, name=sample_name(0, 0), lags=lags, wave_number=7.2, report=lambda _done: None)
