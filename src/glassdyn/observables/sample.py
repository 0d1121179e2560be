"""What one trajectory shows: the structure of some frames; energies, order and displacements along its window."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.liquid.configuration import Configuration
from glassdyn.observables import energy, order, relaxation, structure
from glassdyn.storage.tensor_file import read_arrays, write_arrays
from glassdyn.storage.trajectory import Trajectory, TrajectoryError, copy_of

__all__ = [
    "Sample",
    "Structure",
    "box_wave_vectors",
    "measure_sample",
    "measure_structure",
    "measure_structures",
    "read_sample",
    "read_structures",
    "write_sample",
    "write_structures",
]

STRUCTURES, SAMPLE = "glassdyn structures 1", "glassdyn observed sample 1"
"""Formats of files."""

BLOCK_BYTES = 128 * 1024**2
"""Positions held at once, or a chunk's width of particles if that is more: 1.5 kB for each frame."""

ORIGINS = 64

RANGE, RADIAL_WIDTH = 5.0, 0.02
"""Of g(r), units of sigma_AA."""

LONGEST_WAVE, WAVE_WIDTH, PER_SHELL = 16.0, 0.1, 64
"""Of S(q), units of 1 / sigma_AA."""

Report = Callable[[float], None]
"""Takes the fraction that is done."""


class Structure(NamedTuple):
    """The structure of the liquid in one frame, or the mean over frames.

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
    """What one trajectory shows along its window.

    Attributes:
        name: of the sample.
        copy: that it is recorded from.
        times: (T,) of its frames since the copy was prepared, units of tau.
        energies: along the window.
        solid_fractions: (2,) solid-like particles in the first and the last frame, over all.
        shift: distance that the centre of mass moved, units of sigma_AA.
        displacements: of its particles.
    """

    name: str
    copy: int
    times: NDArray[np.float64]
    energies: energy.Energies
    solid_fractions: NDArray[np.float64]
    shift: float
    displacements: relaxation.Displacements


def box_wave_vectors(box_length: float) -> structure.WaveVectors:
    """Choose the wave vectors at which S(q) is measured, in a box of length L."""
    return structure.choose_wave_vectors(
        box_length, longest=LONGEST_WAVE, width=WAVE_WIDTH, per_shell=PER_SHELL
    )


def measure_structure(configuration: Configuration, vectors: structure.WaveVectors) -> Structure:
    """Measure the structure of one configuration."""
    _, species, box_length = configuration
    bins = int(min(RANGE, box_length / 2) / RADIAL_WIDTH)
    edges = np.multiply(RADIAL_WIDTH, np.arange(bins + 1))
    counts = structure.pair_counts(configuration, edges)
    factors = structure.structure_factors(configuration, vectors)
    return Structure(
        distances=(edges[1:] + edges[:-1]) / 2,
        radial=structure.radial_distribution(counts.astype(np.float64), species, box_length, edges),
        wave_numbers=vectors.lengths,
        factors=factors,
        total=structure.total_structure_factor(factors, species),
    )


def measure_structures(trajectory: Trajectory, frames: int, report: Report) -> list[Structure]:
    """Measure the structure of some frames, evenly spaced over the window, the first and the last among them."""
    indices = relaxation.choose_origins(0, trajectory.frames - 1, count=frames)
    vectors, structures = box_wave_vectors(trajectory.box_length), []
    for index in indices:
        structures.append(measure_structure(trajectory.configuration(int(index)), vectors))
        report(len(structures) / len(indices))
    return structures


def measure_sample(
    trajectory: Trajectory, *, name: str, lags: NDArray[np.int64], wave_number: float, report: Report
) -> Sample:
    """Measure what happens along the window of a trajectory.

    Args:
        trajectory: read by blocks of particles.
        name: of the sample.
        lags: (K,) of the displacements, frames.
        wave_number: q of F_s, units of 1 / sigma_AA.
        report: called after every block.
    """
    first, last = trajectory.frame(0), trajectory.frame(trajectory.frames - 1)
    origins = relaxation.choose_origins(0, trajectory.frames - 2, count=ORIGINS)
    return Sample(
        name=name,
        copy=copy_of(name),
        times=trajectory.times,
        energies=energy.energies_per_particle(
            trajectory.observables, trajectory.frames, trajectory.particles
        ),
        solid_fractions=np.array(
            [order.solid_fraction(frame, trajectory.box_length) for frame in (first, last)]
        ),
        shift=float(np.linalg.norm((last - first).mean(axis=0))),
        displacements=relaxation.measure_displacements(
            _blocks(trajectory, report), lags=lags, origins=origins, wave_number=wave_number
        ),
    )


def _blocks(
    trajectory: Trajectory, report: Report
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.uint8]]]:
    for block in trajectory.particle_blocks(BLOCK_BYTES):
        series = trajectory.series(block.start, block.stop)
        _require_unwrapped(series, trajectory, block.start)
        yield series, trajectory.species[block]
        report(block.stop / trajectory.particles)


def _require_unwrapped(series: NDArray[np.float32], trajectory: Trajectory, first: int) -> None:
    """Refuse steps as long as half the box, which only a particle makes that was wrapped, or lost.

    Raises:
        TrajectoryError: naming the first such particle.
    """
    for frame in range(1, len(series)):
        steps = np.abs(series[frame] - series[frame - 1]).max(axis=1)
        if not (steps <= trajectory.box_length / 2).all():
            particle = int((~(steps <= trajectory.box_length / 2)).argmax())
            raise TrajectoryError(
                "a trajectory is unwrapped, no step as long as half the box: particle "
                f"{first + particle} is at {series[frame, particle].tolist()} in frame {frame}, after "
                f"{series[frame - 1, particle].tolist()}, in a box of {trajectory.box_length:.4f} ({trajectory.path}); "
                "unwrap the file by `glassdyn import FILE OUT.h5`"
            )


def write_structures(path: Path, structures: list[Structure]) -> None:
    """Write the structures of some frames, all digits."""
    stacked = (np.stack(values) for values in zip(*structures, strict=True))
    write_arrays(path, {"format": STRUCTURES}, dict(zip(Structure._fields, stacked, strict=True)))


def read_structures(path: Path) -> Iterator[Structure]:
    """Read structures as they were written, in their order."""
    _, arrays = read_arrays(path, STRUCTURES)
    yield from (Structure(*rows) for rows in zip(*map(arrays.get, Structure._fields), strict=True))


def write_sample(path: Path, sample: Sample) -> None:
    """Write all but the name of a sample, all digits."""
    arrays = {"times": sample.times, "solid_fractions": sample.solid_fractions}
    for name in ("energies", "displacements"):
        arrays |= {f"{name}.{field}": values for field, values in getattr(sample, name)._asdict().items()}
    write_arrays(path, {"format": SAMPLE, "shift": sample.shift}, arrays)


def read_sample(path: Path, name: str) -> Sample:
    """Read what was measured on the sample of that name."""
    description, arrays = read_arrays(path, SAMPLE)
    return Sample(
        name=name,
        copy=copy_of(name),
        times=arrays["times"],
        energies=energy.Energies(*(arrays[f"energies.{field}"] for field in energy.Energies._fields)),
        solid_fractions=arrays["solid_fractions"],
        shift=description["shift"],
        displacements=relaxation.Displacements(
            *(arrays[f"displacements.{field}"] for field in relaxation.Displacements._fields)
        ),
    )
