"""Everything measured on a folder of trajectories, in two passes of bounded memory.

The first pass takes the structure from a few frames and finds the wave number at which S(q) is largest;
the second follows the displacements of all particles, some particles at a time.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.jobs import progress
from glassdyn.observables import energy, order, relaxation, structure
from glassdyn.storage.trajectory import Trajectory, copy_of, open_trajectory, sample_names

__all__ = [
    "Measurements",
    "Sample",
    "Structure",
    "mean_structure",
    "measure_all",
    "measure_structure",
    "wave_vectors",
]

BLOCK_BYTES = 128 * 1024**2
"""Positions held at once, or a chunk's width of particles if that is more: 1.5 kB for each frame."""

SURROUNDINGS = 32_000
"""Enough for g(r) and S(q) to a percent or two: 32 frames of 1000 particles, two of 64000."""

LAGS_PER_DECADE, ORIGINS = 12, 64

RANGE, RADIAL_WIDTH = 5.0, 0.02
"""Of g(r), units of sigma_AA."""

LONGEST_WAVE, WAVE_WIDTH, PER_SHELL = 16.0, 0.1, 64
"""Of S(q), units of 1 / sigma_AA."""


class Structure(NamedTuple):
    """The mean structure of a set of frames.

    Attributes:
        distances: (B,) middles of the bins, units of sigma_AA.
        radial: (3, B) g_AA, g_AB, g_BB.
        wave_numbers: (S,) q, units of 1 / sigma_AA.
        factors: (S, 3) S_AA, S_AB, S_BB.
        total: (S,) S(q) of all particles.
    """

    distances: NDArray[np.float64]
    radial: NDArray[np.float64]
    wave_numbers: NDArray[np.float64]
    factors: NDArray[np.float64]
    total: NDArray[np.float64]


class Sample(NamedTuple):
    """What one trajectory shows.

    Attributes:
        name: of the sample.
        copy: that it is recorded from.
        times: (T,) of its frames since the copy was prepared, units of tau.
        energies: along the window.
        solid: fraction of solid-like particles in the first and the last frame.
        shift: distance that the centre of mass moved, units of sigma_AA.
        moved: displacements of its particles.
    """

    name: str
    copy: int
    times: NDArray[np.float64]
    energies: energy.Energies
    solid: tuple[float, float]
    shift: float
    moved: relaxation.Displacements


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


def measure_all(
    folder: Path, *, surroundings: int = SURROUNDINGS, wave_number: float | None = None
) -> Measurements:
    """Measure all trajectories of a folder; they hold the same liquid and equally many frames.

    Args:
        folder: of the trajectories.
        surroundings: particles whose surroundings are averaged in each of them, over as many frames as
            that takes, and two at least.
        wave_number: q of F_s, units of 1 / sigma_AA; that of the first maximum of S(q) if None.

    Raises:
        TrajectoryError: for an unreadable trajectory.
        Refusal: where trajectories differ in particles, box or frames.
    """
    samples = sample_names(folder)
    paths = [folder / f"{name}.h5" for name in samples]
    with open_trajectory(paths[0]) as first:
        frames, particles, interval = first.frames, first.particles, first.interval
        form = frames, particles, first.box_length, interval
    _check_forms(paths, form)
    vectors = wave_vectors(form[2])
    with progress.show_progress("structure", total=len(paths), unit="samples") as advance:
        count = max(surroundings // particles, 2)
        seen = mean_structure(_structures(paths, vectors, count, advance))
    if wave_number is None:
        wave_number = structure.first_maximum(seen.wave_numbers, seen.total)
    lags = relaxation.lags_between(1, frames - 1, per_decade=LAGS_PER_DECADE)
    with progress.show_progress("relaxation", total=len(paths) * particles, unit="particles") as advance:
        found = tuple(_sample(path, lags, wave_number, advance) for path in paths)
    return Measurements(particles, seen, wave_number, np.multiply(lags, interval), found)


def _check_forms(paths: list[Path], expected: tuple[int, int, float, float]) -> None:
    for path in paths:
        with open_trajectory(path) as trajectory:
            form = trajectory.frames, trajectory.particles, trajectory.box_length, trajectory.interval
        if not np.allclose(form, expected, rtol=1e-9):
            raise GlassdynError(
                "trajectories of one run have the same frames, particles, box length and interval: "
                f"got {form} in {path} and {expected} in {paths[0]}"
            )


def wave_vectors(box_length: float) -> structure.WaveVectors:
    """Choose the wave vectors at which S(q) is measured, in a box of length L."""
    return structure.wave_vectors(box_length, longest=LONGEST_WAVE, width=WAVE_WIDTH, per_shell=PER_SHELL)


def _structures(
    paths: list[Path], vectors: structure.WaveVectors, count: int, advance: Callable[[float], None]
) -> Iterator[Structure]:
    for path in paths:
        with open_trajectory(path) as trajectory:
            for frame in relaxation.origins_between(0, trajectory.frames - 1, count=count):
                positions = trajectory.frame(int(frame))
                yield measure_structure(positions, trajectory.species, trajectory.box_length, vectors)
        advance(1)


def measure_structure(
    positions: NDArray[np.float64],
    species: NDArray[np.uint8],
    box_length: float,
    vectors: structure.WaveVectors,
) -> Structure:
    """Measure one configuration: positions (N, 3), species (N,), L."""
    bins = int(min(RANGE, box_length / 2) / RADIAL_WIDTH)
    edges = np.multiply(RADIAL_WIDTH, np.arange(bins + 1))
    counts = structure.pair_counts(positions, species, box_length, edges)
    factors = structure.structure_factors(positions, species, box_length, vectors)
    return Structure(
        distances=(edges[1:] + edges[:-1]) / 2,
        radial=structure.radial_distribution(counts.astype(np.float64), species, box_length, edges),
        wave_numbers=vectors.lengths,
        factors=factors,
        total=structure.total_structure_factor(factors, species),
    )


def mean_structure(structures: Iterator[Structure]) -> Structure:
    """Mean of structures measured with the same bins and wave vectors."""
    count, total = 1, next(structures)
    for other in structures:
        count += 1
        total = Structure(*(mine + its for mine, its in zip(total, other, strict=True)))
    return Structure(*(sums / count for sums in total))


def _sample(
    path: Path, lags: NDArray[np.int64], wave_number: float, advance: Callable[[float], None]
) -> Sample:
    with open_trajectory(path) as trajectory:
        first, last = trajectory.frame(0), trajectory.frame(trajectory.frames - 1)
        origins = relaxation.origins_between(0, trajectory.frames - 2, count=ORIGINS)
        return Sample(
            name=path.stem,
            copy=copy_of(path.stem),
            times=trajectory.times,
            energies=energy.energies(trajectory.observables, trajectory.particles),
            solid=(
                order.solid_fraction(first, trajectory.box_length),
                order.solid_fraction(last, trajectory.box_length),
            ),
            shift=float(np.linalg.norm((last - first).mean(axis=0))),
            moved=relaxation.displacements(
                _blocks(trajectory, advance), lags=lags, origins=origins, wave_number=wave_number
            ),
        )


def _blocks(
    trajectory: Trajectory, advance: Callable[[float], None]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.uint8]]]:
    for block in trajectory.particle_blocks(BLOCK_BYTES):
        yield trajectory.series(block.start, block.stop), trajectory.species[block]
        advance(block.stop - block.start)
