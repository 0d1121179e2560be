"""A survey as tables: what `dvc plots` draws and the figures are made of."""

from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.observables import relaxation
from glassdyn.observables.measure import Measurements, Sample
from glassdyn.observables.structure import PAIRS

__all__ = ["SPECIES", "pool_displacements", "tabulate", "waiting_times"]

SPECIES = ("A", "B")

PARTS = 3
"""Waiting times told apart within one window."""

ENERGY_ROWS = 100
"""Rows of each sample in the table of energies."""

TIMES_OF_PDF = (0.003, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Lags of the displacements' distributions, units of tau_alpha of A."""


def pool_displacements(survey: Measurements) -> relaxation.Displacements:
    """Displacements of all samples, as if all origins were those of one."""
    moved = [sample.moved for sample in survey.samples]
    return relaxation.Displacements(
        lags=moved[0].lags,
        origins=np.concatenate([one.origins for one in moved]),
        squares=np.concatenate([one.squares for one in moved]),
        quartics=np.concatenate([one.quartics for one in moved]),
        scattering=np.concatenate([one.scattering for one in moved]),
        counts=np.sum([one.counts for one in moved], axis=0),
        totals=np.sum([one.totals for one in moved], axis=0),
    )


def tabulate(survey: Measurements) -> dict[str, pl.DataFrame]:
    """Every table of the survey, by the name of its file; times in tau, lengths in sigma_AA."""
    moved, seen = pool_displacements(survey), survey.structure
    squares, relaxing = relaxation.mean_squares(moved), relaxation.scattering(moved)
    beyond = relaxation.non_gaussian(moved)
    time = {"time": survey.lag_times}
    return {
        "rmsd": pl.DataFrame(time | _by_species(np.sqrt(squares))),
        "scattering": pl.DataFrame(time | _by_species(relaxing)),
        "non_gaussian": pl.DataFrame(time | _by_species(beyond)),
        "displacements": _displacement_pdfs(survey, moved),
        "tau_alpha": waiting_times(survey),
        "radial_distribution": pl.DataFrame(
            {"distance": seen.distances} | dict(zip(PAIRS, seen.radial, strict=True))
        ),
        "structure_factor": pl.DataFrame(
            {"wave_number": seen.wave_numbers, "total": seen.total}
            | dict(zip(PAIRS, seen.factors.T, strict=True))
        ),
        "energy": pl.concat([_energies(sample) for sample in survey.samples]),
    }


def _by_species(values: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    return dict(zip(SPECIES, values.T, strict=True))


def _displacement_pdfs(survey: Measurements, moved: relaxation.Displacements) -> pl.DataFrame:
    """Density of displacements' lengths, 4 pi d^2 G_s(d, t), at some lags t."""
    tau = relaxation.tau_alpha(survey.lag_times, relaxation.scattering(moved)[:, 0])
    unit = survey.lag_times[-1] / TIMES_OF_PDF[-1] if tau is None else tau
    within = [unit * time for time in TIMES_OF_PDF if unit * time <= survey.lag_times[-1] * 1.05]
    chosen = np.unique([int(np.abs(np.log(survey.lag_times / time)).argmin()) for time in within])
    edges = relaxation.BIN_WIDTH * np.arange(moved.counts.shape[-1] + 1)
    bins = {"low": edges[:-1], "high": edges[1:]}
    densities = moved.counts / (moved.totals[..., None] * relaxation.BIN_WIDTH)  # (K, 2, B)
    return pl.concat(
        pl.DataFrame(bins | dict(zip(SPECIES, densities[k], strict=True))).select(
            pl.lit(survey.lag_times[k]).alias("time"), pl.all()
        )
        for k in chosen
    )


def _energies(sample: Sample) -> pl.DataFrame:
    frames = relaxation.origins_between(0, len(sample.times) - 1, count=ENERGY_ROWS)
    measured = sample.energies
    return pl.DataFrame(
        {
            "time": sample.times[frames],
            "total": measured.total[frames],
            "potential": measured.potential[frames],
            "temperature": measured.temperature[frames],
            "pressure": measured.pressure[frames],
        }
    ).select(pl.lit(sample.name).alias("sample"), pl.all())


def waiting_times(survey: Measurements) -> pl.DataFrame:
    """tau_alpha of A and B against the time since the copy was prepared (Fig. 2.2).

    A window longer than tau_alpha is split into parts by its origins, each followed for tau_alpha or longer.
    """
    tau = relaxation.tau_alpha(survey.lag_times, relaxation.scattering(pool_displacements(survey))[:, 0])
    rows = [row for sample in survey.samples for row in _parts(sample, survey.lag_times, tau)]
    schema = {
        "copy": pl.Int64,
        "sample": pl.String,
        "waiting_time": pl.Float64,
        "A": pl.Float64,
        "B": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _parts(
    sample: Sample, lag_times: NDArray[np.float64], tau: float | None
) -> list[tuple[int, str, float, float | None, float | None]]:
    window = sample.times - sample.times[0]
    origins = sample.moved.origins
    usable = int(np.sum(window[origins] + (tau or np.inf) <= window[-1]))
    bounds = np.linspace(0, usable, PARTS + 1).astype(int) if usable >= 2 * PARTS else [0, len(origins)]
    rows = []
    for first, last in pairwise(bounds):
        part = relaxation.from_origins(sample.moved, slice(first, last))
        decay = relaxation.scattering(part)
        a, b = (relaxation.tau_alpha(lag_times, decay[:, kind]) for kind in range(2))
        rows.append((sample.copy, sample.name, float(sample.times[origins[first:last]].mean()), a, b))
    return rows
