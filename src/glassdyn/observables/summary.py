"""A survey as numbers, nested as they stand in the metrics file."""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.observables import energy, relaxation
from glassdyn.observables.measure import Measurements, Structure
from glassdyn.observables.tabulate import SPECIES, pool_displacements, waiting_times

__all__ = ["Expected", "Metrics", "ageing", "summarise"]

Metrics = dict[str, dict[str, float | int]]
"""Numbers by topic and name; one that could not be measured is absent."""


class Expected(NamedTuple):
    """What the parameters say, to be compared: temperature, tau_alpha of A (tau), p_c (sigma_AA)."""

    temperature: float
    tau_alpha: float
    p_c: float


def summarise(survey: Measurements, declared: Expected) -> Metrics:
    """All numbers of a survey beside those declared."""
    metrics = {
        "samples": _extent(survey),
        "energy": _energies(survey),
        "temperature": _temperature(survey, declared.temperature),
        "structure": _structure(survey.structure) | {"wave_number": survey.wave_number},
        "solid_fraction": _solid(survey),
        "plateau": _plateau(survey, declared.p_c),
        "tau_alpha": _tau_alpha(survey, declared.tau_alpha),
        "ageing": _ageing(survey),
    }
    return {
        topic: {name: number for name, number in numbers.items() if np.isfinite(number)}
        for topic, numbers in metrics.items()
    }


def _extent(survey: Measurements) -> dict[str, float | int]:
    return {
        "number": len(survey.samples),
        "copies": len({sample.copy for sample in survey.samples}),
        "particles": survey.particles,
        "frames": len(survey.samples[0].times),
        "duration": float(np.ptp(survey.samples[0].times)),
    }


def _energies(survey: Measurements) -> dict[str, float | int]:
    series = [sample.energies for sample in survey.samples]
    return {
        "potential": float(np.mean([one.potential.mean() for one in series])),
        "total": float(np.mean([one.total.mean() for one in series])),
        "pressure": float(np.mean([one.pressure.mean() for one in series])),
        "largest_drift": max(abs(energy.drift(one.total)) for one in series),
        "largest_fluctuation": max(float(one.total.std()) for one in series),
        "largest_shift": max(sample.shift for sample in survey.samples),
    }


def _temperature(survey: Measurements, declared: float) -> dict[str, float | int]:
    means = np.array([sample.energies.temperature.mean() for sample in survey.samples])
    return {
        "declared": declared,
        "measured": float(means.mean()),
        "ratio": float(means.mean() / declared),
        "spread": float(means.std()),
    }


def _structure(seen: Structure) -> dict[str, float | int]:
    numbers: dict[str, float | int] = {"largest_s": float(seen.total.max())}
    for pair, row in zip(("AA", "AB"), (seen.radial[0], seen.radial[1]), strict=True):
        peak, minimum = peak_and_minimum(seen.distances, row)
        numbers |= {f"peak_{pair}": peak, f"minimum_{pair}": minimum}
    return numbers


def peak_and_minimum(distances: NDArray[np.float64], radial: NDArray[np.float64]) -> tuple[float, float]:
    """Positions of the first peak of g(r) and of the minimum behind it, by parabolas, units of sigma_AA."""
    top = int(radial.argmax())
    shell = (distances > distances[top]) & (distances < distances[top] + 0.6)
    bottom = int(np.flatnonzero(shell)[radial[shell].argmin()])
    return _vertex(distances, radial, top, 2), _vertex(distances, radial, bottom, 5)


def _vertex(x: NDArray[np.float64], y: NDArray[np.float64], index: int, reach: int) -> float:
    near = slice(max(index - reach, 0), index + reach + 1)
    curvature, slope, _ = np.polyfit(x[near] - x[index], y[near], 2)
    return float(x[index] + np.clip(-slope / (2 * curvature), x[near][0] - x[index], x[near][-1] - x[index]))


def _solid(survey: Measurements) -> dict[str, float | int]:
    starts, ends = zip(*(sample.solid for sample in survey.samples), strict=True)
    return {"start": float(np.mean(starts)), "end": float(np.mean(ends)), "largest": max(*starts, *ends)}


def _plateau(survey: Measurements, p_c: float) -> dict[str, float | int]:
    moved = pool_displacements(survey)
    squares = relaxation.mean_squares(moved)  # (K, 2)
    shares = moved.totals[0] / moved.totals[0].sum()
    found = {
        name: relaxation.plateau(survey.lag_times, np.sqrt(column))
        for name, column in zip((*SPECIES, "all"), (*squares.T, squares @ shares), strict=True)
    }
    numbers: dict[str, float | int] = {name: one.rmsd for name, one in found.items()}
    times = {f"time_{name}": one.time for name, one in found.items()}
    return numbers | times | {"p_c": p_c, "p_c_over_plateau": p_c / found["all"].rmsd}


def _tau_alpha(survey: Measurements, declared: float) -> dict[str, float | int]:
    decay = relaxation.scattering(pool_displacements(survey))
    numbers: dict[str, float | int] = {"declared": declared}
    for kind, name in enumerate(SPECIES):
        tau = relaxation.tau_alpha(survey.lag_times, decay[:, kind])
        own = [relaxation.scattering(sample.moved)[:, kind] for sample in survey.samples]
        each = [
            one for one in (relaxation.tau_alpha(survey.lag_times, row) for row in own) if one is not None
        ]
        if tau is not None:
            numbers[name] = tau
        if len(each) > 1:
            numbers[f"error_{name}"] = float(np.std(each, ddof=1) / np.sqrt(len(each)))
    if "A" in numbers:
        numbers["ratio"] = numbers["A"] / declared
    return numbers


def _ageing(survey: Measurements) -> dict[str, float | int]:
    table = waiting_times(survey)
    if table["sample"].n_unique() > table["copy"].n_unique():
        # the parts of one window share its fluctuations: together they are one independent value
        table = table.group_by("copy", "sample", maintain_order=True).mean()
    numbers: dict[str, float | int] = {}
    for name in SPECIES:
        factor, error = ageing(table.select("copy", "waiting_time", pl.col(name).alias("tau_alpha")))
        numbers |= {f"factor_{name}": factor, f"error_{name}": error}
    return numbers


def ageing(table: pl.DataFrame) -> tuple[float, float]:
    """Factor by which tau_alpha grows from the first waiting time to the last, and its relative error.

    ln tau_alpha = a_copy + b waiting_time by least squares; the factor is exp(b (last - first)).

    Args:
        table: columns copy, waiting_time, tau_alpha; rows without a tau_alpha are passed over.

    Returns:
        Both; NaN where there are too few waiting times to tell.
    """
    table = table.drop_nulls().with_columns(pl.col("tau_alpha").log())
    centred = table.select(
        pl.col("waiting_time", "tau_alpha") - pl.col("waiting_time", "tau_alpha").mean().over("copy")
    )
    x, y = centred.to_numpy().T
    free = len(table) - table["copy"].n_unique() - 1
    if free < 1 or not x.any():
        return np.nan, np.nan
    slope = x @ y / (x @ x)
    error = np.sqrt(((y - slope * x) ** 2).sum() / free / (x @ x))
    waited = table["waiting_time"].to_numpy()
    return float(np.exp(slope * np.ptp(waited))), float(error * np.ptp(waited))
