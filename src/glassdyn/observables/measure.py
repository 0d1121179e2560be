"""Everything measured on a folder of trajectories: a job for each in two rounds, and what they come to.

The first round takes the structure from a few frames, which gives the wave number at which S(q) is largest; the second
follows the displacements of all particles, some particles at a time. Memory is bounded in both.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.jobs import Job, JobContext, run_jobs
from glassdyn.observables.relaxation import choose_lags
from glassdyn.observables.sample import (
    Sample,
    Structure,
    measure_sample,
    measure_structures,
    read_sample,
    read_structures,
    write_sample,
    write_structures,
)
from glassdyn.observables.structure import first_maximum
from glassdyn.storage.trajectory import open_trajectory, sample_names

__all__ = ["Measurements", "mean_structure", "measure_all", "run_sample", "run_structure"]

STRUCTURE_PARTICLES = 32_000
"""Enough for g(r) and S(q) to a percent or two: 32 frames of 1000 particles, two of 64000."""

LAGS_PER_DECADE = 12


class Measurements(NamedTuple):
    """What all trajectories show.

    Attributes:
        particles: N.
        structure: mean over the samples.
        wave_number: q of F_s, units of 1 / sigma_AA.
        lag_times: (K,) units of tau, of every sample's displacements.
        samples: by copy and sample.
    """

    particles: int
    structure: Structure
    wave_number: float
    lag_times: NDArray[np.float64]
    samples: tuple[Sample, ...]


class Extent(NamedTuple):
    """What all trajectories of a run share: frames, particles, box length (sigma_AA), interval (tau)."""

    frames: int
    particles: int
    box_length: float
    interval: float


def measure_all(
    folder: Path, *, structure_particles: int = STRUCTURE_PARTICLES, wave_number: float | None = None
) -> Measurements:
    """Measure all trajectories of a folder; they hold the same liquid and equally many frames.

    Args:
        folder: of the trajectories.
        structure_particles: particles whose neighbourhoods are averaged in each of them, over as many frames as
            that takes, and two at least.
        wave_number: q of F_s, units of 1 / sigma_AA; that of the first maximum of S(q) if None.

    Raises:
        TrajectoryError: for an unreadable trajectory.
        JobError: where a measurement fails.
        GlassdynError: where trajectories differ in particles, box or frames.
    """
    names = sample_names(folder)
    paths = [folder / f"{name}.h5" for name in names]
    extent = _shared_extent(paths)
    structure = _run_structures(paths, max(structure_particles // extent.particles, 2))
    if wave_number is None:
        wave_number = first_maximum(structure.wave_numbers, structure.total)
    lags = choose_lags(1, extent.frames - 1, per_decade=LAGS_PER_DECADE)
    results = _run_samples(paths, lags, wave_number, extent.particles)
    samples = tuple(map(read_sample, results, names))
    return Measurements(extent.particles, structure, wave_number, np.multiply(lags, extent.interval), samples)


def _shared_extent(paths: Sequence[Path]) -> Extent:
    first, *others = map(_read_extent, paths)
    for path, extent in zip(paths[1:], others, strict=True):
        if not np.allclose(extent, first, rtol=1e-9):
            raise GlassdynError(
                "trajectories of one run have the same frames, particles, box length and interval: "
                f"got {tuple(extent)} in {path} and {tuple(first)} in {paths[0]}"
            )
    return first


def _read_extent(path: Path) -> Extent:
    with open_trajectory(path) as trajectory:
        return Extent(trajectory.frames, trajectory.particles, trajectory.box_length, trajectory.interval)


def _run_structures(paths: Sequence[Path], frames: int) -> Structure:
    jobs = [
        Job(f"structure of {path.stem}", run_structure, {"frames": frames}, (path,), uses_all_cores=True)
        for path in paths
    ]
    results = run_jobs(jobs, label="structure", unit="samples")
    return mean_structure(structure for path in results for structure in read_structures(path))


def run_structure(context: JobContext) -> None:
    """Measure the structure of some frames of the trajectory that is the job's input."""
    with open_trajectory(context.inputs[0]) as trajectory:
        structures = measure_structures(trajectory, context.arguments["frames"], context.report)
    write_structures(context.output, structures)


def mean_structure(structures: Iterator[Structure]) -> Structure:
    """Mean of structures measured with the same bins and wave vectors."""
    count, total = 1, next(structures)
    for structure in structures:
        count += 1
        total = Structure(*map(np.add, total, structure))
    return Structure(*(sums / count for sums in total))


def _run_samples(
    paths: Sequence[Path], lags: NDArray[np.int64], wave_number: float, particles: int
) -> list[Path]:
    arguments = {"lags": lags.tolist(), "wave_number": wave_number}
    jobs = [
        Job(
            f"relaxation of {path.stem}",
            run_sample,
            {"name": path.stem, **arguments},
            (path,),
            work=particles,
            uses_all_cores=True,
        )
        for path in paths
    ]
    return run_jobs(jobs, label="relaxation", unit="particles")


def run_sample(context: JobContext) -> None:
    """Measure what happens along the window of the trajectory that is the job's input."""
    arguments, lags = context.arguments, np.array(context.arguments["lags"], np.int64)
    with open_trajectory(context.inputs[0]) as trajectory:
        sample = measure_sample(
            trajectory,
            name=arguments["name"],
            lags=lags,
            wave_number=arguments["wave_number"],
            report=context.report,
        )
    write_sample(context.output, sample)
