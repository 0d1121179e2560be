"""Measurements as tables: what `dvc plots` draws and the figures are made of."""

from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.observables import relaxation
from glassdyn.observables.measure import Measurements
from glassdyn.observables.sample import Sample
from glassdyn.observables.structure import PAIRS

__all__ = ["SPECIES", "pool_displacements", "tabulate", "waiting_times"]

SPECIES = ("A", "B")

PARTS = 3
"""Waiting times distinguished within one window."""

ENERGY_ROWS = 100
"""Rows of each sample in the table of energies."""

TIMES_OF_PDF = (0.003, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Lags of the displacements' distributions, units of tau_alpha of A."""


def pool_displacements(measurements: Measurements) -> relaxation.Displacements:
    """Displacements of all samples, as if all origins were those of a single one."""
    samples = [sample.displacements for sample in measurements.samples]
    pooled = {
        field: np.concatenate([getattr(sample, field) for sample in samples])
        for field in ("origins", "squares", "quartics", "scattering")
    }
    sums = {
        field: np.sum([getattr(sample, field) for sample in samples], axis=0)
        for field in ("counts", "totals")
    }
    return relaxation.Displacements(lags=samples[0].lags, **pooled, **sums)


def tabulate(measurements: Measurements) -> dict[str, pl.DataFrame]:
    """Every table of the measurements, by the name of its file; times in tau, lengths in sigma_AA.

    That of energies is left out where there are none.
    """
    pooled, structure = pool_displacements(measurements), measurements.structure
    time = {"time": measurements.lag_times}
    tables = {
        "rmsd": pl.DataFrame(time | _by_species(np.sqrt(relaxation.mean_squares(pooled)))),
        "scattering": pl.DataFrame(time | _by_species(relaxation.scattering(pooled))),
        "non_gaussian": pl.DataFrame(time | _by_species(relaxation.non_gaussian(pooled))),
        "displacements": _displacement_pdfs(measurements, pooled),
        "tau_alpha": waiting_times(measurements),
        "radial_distribution": pl.DataFrame(
            {"distance": structure.distances} | dict(zip(PAIRS, structure.radial, strict=True))
        ),
        "structure_factor": pl.DataFrame(
            {"wave_number": structure.wave_numbers, "total": structure.total}
            | dict(zip(PAIRS, structure.factors.T, strict=True))
        ),
    }
    with_energies = [sample for sample in measurements.samples if np.isfinite(sample.energies.total).all()]
    if with_energies:
        tables["energy"] = pl.concat([_energies(sample) for sample in with_energies])
    return tables


def _by_species(values: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    return dict(zip(SPECIES, values.T, strict=True))


def _displacement_pdfs(measurements: Measurements, pooled: relaxation.Displacements) -> pl.DataFrame:
    """Density of displacements' lengths, 4 pi d^2 G_s(d, t), at some lags t."""
    edges = relaxation.BIN_WIDTH * np.arange(pooled.counts.shape[-1] + 1)
    bins = {"low": edges[:-1], "high": edges[1:]}
    densities = pooled.counts / (pooled.totals[..., None] * relaxation.BIN_WIDTH)  # (K, 2, B)
    return pl.concat(
        pl.DataFrame(bins | dict(zip(SPECIES, densities[k], strict=True))).select(
            pl.lit(measurements.lag_times[k]).alias("time"), pl.all()
        )
        for k in _lags_of_pdfs(measurements.lag_times, relaxation.scattering(pooled)[:, 0])
    )


def _lags_of_pdfs(lag_times: NDArray[np.float64], decay: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices of the lags next to TIMES_OF_PDF; of the longest lag instead of tau_alpha where that is unknown."""
    tau = relaxation.find_tau_alpha(lag_times, decay)
    unit = lag_times[-1] / TIMES_OF_PDF[-1] if tau is None else tau
    within = [unit * time for time in TIMES_OF_PDF if unit * time <= lag_times[-1] * 1.05]
    return np.unique([int(np.abs(np.log(lag_times / time)).argmin()) for time in within])


def _energies(sample: Sample) -> pl.DataFrame:
    frames = relaxation.choose_origins(0, len(sample.times) - 1, count=ENERGY_ROWS)
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


def waiting_times(measurements: Measurements) -> pl.DataFrame:
    """tau_alpha of A and B against the time since the copy was prepared (Fig. 2.2).

    A window longer than tau_alpha is split into parts by its origins, each followed for tau_alpha or longer.
    """
    tau = relaxation.find_tau_alpha(
        measurements.lag_times, relaxation.scattering(pool_displacements(measurements))[:, 0]
    )
    rows = [row for sample in measurements.samples for row in _parts(sample, measurements.lag_times, tau)]
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
    origins = sample.displacements.origins
    usable = int(np.sum(window[origins] + (tau or np.inf) <= window[-1]))
    bounds = np.linspace(0, usable, PARTS + 1).astype(int) if usable >= 2 * PARTS else [0, len(origins)]
    rows = []
    for first, last in pairwise(bounds):
        part = relaxation.select_origins(sample.displacements, slice(first, last))
        decay = relaxation.scattering(part)
        a, b = (relaxation.find_tau_alpha(lag_times, decay[:, kind]) for kind in range(2))
        rows.append((sample.copy, sample.name, float(sample.times[origins[first:last]].mean()), a, b))
    return rows
