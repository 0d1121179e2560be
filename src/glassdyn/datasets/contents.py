"""What the files of a data set hold: one liquid in one box, frames equally far apart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from glassdyn.importing.formats import open_source
from glassdyn.importing.liquid_frame import LiquidFrame, read_frames, refuse_coincident
from glassdyn.importing.source import ImportingError, ReadOptions
from glassdyn.importing.timeline import Timeline
from glassdyn.liquid.box import compute_box_length
from glassdyn.storage.trajectory_writer import THERMODYNAMICS

__all__ = ["Contents", "read_contents"]

LONGEST_STEP = 0.01
"""A time between frames above it is no timestep, units of tau: the liquid is integrated in shorter ones."""

USUAL_STEP = 0.005
"""Timestep, units of tau, of files that state none."""

SAME = 1e-6
"""Relative differences that are rounding errors of other programs."""


@dataclass(frozen=True)
class Contents:
    """What all runs of a data set share, and how long they are.

    Attributes:
        composition: numbers of A and B particles.
        box_length: L, units of sigma_AA.
        timestep: units of tau.
        frame_steps: from one frame to the next.
        frames: of the shortest run.
        runs: their number.
        has_energies: energies and pressure come with the frames.
        temperature: of the first frame, from its kinetic energy, units of eps_AA / k_B; None without energies.
    """

    composition: tuple[int, int]
    box_length: float
    timestep: float
    frame_steps: int
    frames: int
    runs: int
    has_energies: bool
    temperature: float | None

    @property
    def particles(self) -> int:
        """N."""
        return sum(self.composition)

    @property
    def density(self) -> float:
        """N / L^3, particles per sigma_AA^3; rounded so that the box it belongs to is no shorter than L.

        A box of exactly two cutoffs holds them, and one that is shorter by a rounding error does not.
        """
        density = self.particles / self.box_length**3
        while compute_box_length(self.particles, density) < self.box_length:
            density = math.nextafter(density, 0.0)
        return density

    @property
    def interval(self) -> float:
        """Time from one frame to the next, units of tau."""
        return self.timestep * self.frame_steps


def read_contents(runs: Sequence[Sequence[Path]], options: ReadOptions) -> Contents:
    """Read the first frames of every run, and count the frames of all.

    Args:
        runs: files of each.
        options: what the user says about them.

    Raises:
        ImportingError: for files that cannot be read, runs of one frame, and runs of different liquids.
    """
    every = [_read_run(files, options) for files in runs]
    first = every[0]
    for files, contents in zip(runs, every, strict=True):
        _require_same(contents, first, files[0], runs[0][0])
    shortest = min(contents.frames for contents in every)
    return Contents(**{**vars(first), "frames": shortest, "runs": len(runs)})


def _read_run(files: Sequence[Path], options: ReadOptions) -> Contents:
    sources = [open_source(path, options) for path in files]
    counts = [source.count() for source in sources]
    frames = list(read_frames(sources[0], range(min(counts[0], 2)), options))
    if len(frames) < 2:
        raise ImportingError(
            f"a run is a trajectory of many frames: got {counts[0]} in {files[0]}; files that follow each other in time "
            "lie in a folder of their own"
        )
    refuse_coincident(frames[0])
    a, b = np.bincount(frames[0].configuration.species, minlength=2).tolist()
    if not a or not b:
        raise ImportingError(f"a liquid has two species: got {a} A and {b} B particles in {files[0]}")
    timestep, frame_steps = _measure_spacing(frames[0], frames[1], options)
    return Contents(
        (a, b),
        frames[0].configuration.box_length,
        timestep,
        frame_steps,
        sum(counts),
        1,
        all(name in frames[0].observables for name in THERMODYNAMICS),
        _measure_temperature(frames[0]),
    )


def _measure_spacing(first: LiquidFrame, second: LiquidFrame, options: ReadOptions) -> tuple[float, int]:
    """Timestep and steps between two frames; a time without steps is divided into steps of the usual length."""
    timeline = Timeline(first, second, options)
    steps = timeline.step(second, 1) - timeline.step(first, 0)
    interval = steps * timeline.timestep
    if timeline.timestep > LONGEST_STEP:
        steps = max(round(interval / USUAL_STEP), 1)
    return float(f"{interval / steps:.10g}"), steps


def _measure_temperature(frame: LiquidFrame) -> float | None:
    """T = 2 K / (3 N - 3): the centre of mass is at rest."""
    kinetic = frame.observables.get("kinetic_energy")
    return None if kinetic is None else 2 * kinetic / (3 * len(frame.configuration.species) - 3)


def _require_same(contents: Contents, first: Contents, path: Path, first_path: Path) -> None:
    """Refuse runs of other liquids than the first: a data set is of one."""
    described = [
        (f"{each.composition[0]} A and {each.composition[1]} B", each.box_length, each.interval)
        for each in (contents, first)
    ]
    (species, *numbers), (first_species, *first_numbers) = described
    if species != first_species or not np.allclose(numbers, first_numbers, rtol=SAME):
        texts = [
            f"{name}, L = {length:.9g}, frames {interval:.6g} tau apart"
            for name, length, interval in described
        ]
        raise ImportingError(
            f"all runs are of one liquid, in boxes alike: got {texts[0]} in {path} and {texts[1]} in "
            f"{first_path}; make a data set of each liquid"
        )
