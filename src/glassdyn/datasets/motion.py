"""How fast a liquid moves, from one of its runs: tau_alpha and the plateau of the RMSD, as `observe` measures them."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.importing.formats import open_source
from glassdyn.importing.liquid_frame import LiquidFrame, read_frames
from glassdyn.importing.source import ReadOptions
from glassdyn.importing.unwrapping import Unwrapping
from glassdyn.jobs.progress import show_progress
from glassdyn.observables import relaxation
from glassdyn.observables.sample import box_wave_vectors, measure_structure
from glassdyn.observables.structure import first_maximum

__all__ = ["Motion", "measure_motion"]

MAX_BYTES = 128 * 1024**2
"""Of the tracks that are followed, single precision: where all of them have more, some particles are."""

STRUCTURES = 8
"""Frames over which S(q) is averaged."""

LAGS_PER_DECADE, ORIGINS = 12, 64


class Motion(NamedTuple):
    """What a run shows.

    Attributes:
        tau_alpha: at which F_s of A, at the first maximum of S(q), is 1 / e, units of tau; None where that is not seen.
        plateau: of the RMSD of all particles, units of sigma_AA; None for a few frames.
    """

    tau_alpha: float | None
    plateau: float | None


class Tracks(NamedTuple):
    """Some particles of a run, and S(q).

    Attributes:
        positions: (T, n, 3) unwrapped, units of sigma_AA.
        species: (n,).
        wave_number: of the first maximum of S(q), units of 1 / sigma_AA.
    """

    positions: NDArray[np.float32]
    species: NDArray[np.uint8]
    wave_number: float


def measure_motion(files: Sequence[Path], options: ReadOptions, interval: float) -> Motion:
    """Follow the particles of a run.

    Args:
        files: of the run, in the order of time.
        options: what the user says about them.
        interval: time between frames, units of tau.

    Raises:
        ImportingError: where a frame breaks a rule, or positions cannot be unwrapped.
    """
    positions, species, wave_number = _follow(files, options)
    lags = relaxation.choose_lags(1, len(positions) - 1, per_decade=LAGS_PER_DECADE)
    displacements = relaxation.measure_displacements(
        [(positions, species)],
        lags=lags,
        origins=relaxation.choose_origins(0, len(positions) - 2, count=ORIGINS),
        wave_number=wave_number,
    )
    times, decay = np.multiply(lags, interval, dtype=np.float64), relaxation.scattering(displacements)[:, 0]
    weights = np.bincount(species, minlength=2) / len(species)
    rmsd = np.sqrt(relaxation.mean_squares(displacements) @ weights)
    return Motion(relaxation.find_tau_alpha(times, decay), _find_plateau(times, rmsd))


def _find_plateau(times: NDArray[np.float64], rmsd: NDArray[np.float64]) -> float | None:
    try:
        return relaxation.find_plateau(times, rmsd).rmsd
    except GlassdynError:  # too few lags
        return None


def _follow(files: Sequence[Path], options: ReadOptions) -> Tracks:
    sources = [open_source(path, options) for path in files]
    counts = [source.count() for source in sources]
    frames = chain.from_iterable(
        read_frames(source, range(count), options) for source, count in zip(sources, counts, strict=True)
    )
    first = next(read_frames(sources[0], range(1), options)).configuration
    rows, vectors = _choose_rows(first.species, sum(counts)), box_wave_vectors(first.box_length)
    unwrapping, tracks, factors = Unwrapping(), [], []
    averaged = set(relaxation.choose_origins(0, sum(counts) - 1, count=STRUCTURES).tolist())
    with show_progress("tau_alpha", total=sum(counts), unit="frames") as advance:
        for number, frame in enumerate(_without_repeats(frames)):
            tracks.append(unwrapping.apply(frame)[rows].astype(np.float32))
            if number in averaged:
                factors.append(measure_structure(frame.configuration, vectors).total)
            advance(1)
    wave_number = first_maximum(vectors.lengths, np.mean(factors, axis=0))
    return Tracks(np.stack(tracks), first.species[rows], wave_number)


def _without_repeats(frames: Iterator[LiquidFrame]) -> Iterator[LiquidFrame]:
    """A frame that ends one file and begins the next, once."""
    last = None
    for frame in frames:
        if last is None or frame.number or frame.step is None or frame.step != last.step:
            yield frame
        last = frame


def _choose_rows(species: NDArray[np.uint8], frames: int) -> NDArray[np.intp]:
    """Particles evenly taken from each species, as many as there is memory for."""
    share = min(1.0, MAX_BYTES / (12 * frames * len(species)))
    rows = []
    for kind in (0, 1):
        members = np.flatnonzero(species == kind)
        number = max(int(share * len(members)), 1)
        rows.append(members[np.linspace(0, len(members) - 1, number).astype(int)])
    return np.sort(np.concatenate(rows))
