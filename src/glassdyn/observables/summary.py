"""Measurements as numbers, nested as they stand in the metrics file."""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.observables import energy, relaxation
from glassdyn.observables.measure import Measurements
from glassdyn.observables.sample import Structure
from glassdyn.observables.tabulate import SPECIES, pool_displacements, waiting_times

__all__ = ["Expected", "Metrics", "ageing", "summarise"]

Metrics = dict[str, dict[str, float | int]]
"""Numbers by topic and name; one that could not be measured is absent."""


class Expected(NamedTuple):
    """What the parameters say, to be compared: temperature, tau_alpha of A (tau), p_c (sigma_AA)."""

    temperature: float
    tau_alpha: float
    p_c: float


def summarise(measurements: Measurements, expected: Expected) -> Metrics:
    """All numbers of the measurements beside those expected."""
    metrics = {
        "samples": _extent(measurements),
        "energy": _energies(measurements),
        "temperature": _temperature(measurements, expected.temperature),
        "structure": _structure(measurements.structure) | {"wave_number": measurements.wave_number},
        "solid_fraction": _solid(measurements),
        "plateau": _plateau(measurements, expected.p_c),
        "tau_alpha": _tau_alpha(measurements, expected.tau_alpha),
        "ageing": _ageing(measurements),
    }
    return {
        topic: {name: number for name, number in numbers.items() if np.isfinite(number)}
        for topic, numbers in metrics.items()
    }


def _extent(measurements: Measurements) -> dict[str, float | int]:
    return {
        "number": len(measurements.samples),
        "copies": len({sample.copy for sample in measurements.samples}),
        "particles": measurements.particles,
        "frames": len(measurements.samples[0].times),
        "duration": float(np.ptp(measurements.samples[0].times)),
    }


def _energies(measurements: Measurements) -> dict[str, float | int]:
    series = [sample.energies for sample in measurements.samples]
    return {
        "potential": float(np.mean([energies.potential.mean() for energies in series])),
        "total": float(np.mean([energies.total.mean() for energies in series])),
        "pressure": float(np.mean([energies.pressure.mean() for energies in series])),
        "largest_drift": max(abs(energy.drift(energies.total)) for energies in series),
        "largest_fluctuation": max(float(energies.total.std()) for energies in series),
        "largest_shift": max(sample.shift for sample in measurements.samples),
    }


def _temperature(measurements: Measurements, expected: float) -> dict[str, float | int]:
    means = np.array([sample.energies.temperature.mean() for sample in measurements.samples])
    return {
        "declared": expected,
        "measured": float(means.mean()),
        "ratio": float(means.mean() / expected),
        "spread": float(means.std()),
    }


def _structure(structure: Structure) -> dict[str, float | int]:
    numbers: dict[str, float | int] = {"largest_s": float(structure.total.max())}
    for pair, row in zip(("AA", "AB"), (structure.radial[0], structure.radial[1]), strict=True):
        peak, minimum = peak_and_minimum(structure.distances, row)
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


def _solid(measurements: Measurements) -> dict[str, float | int]:
    starts, ends = np.stack([sample.solid_fractions for sample in measurements.samples], axis=1)
    largest = max(starts.max(), ends.max())
    return {"start": float(starts.mean()), "end": float(ends.mean()), "largest": float(largest)}


def _plateau(measurements: Measurements, p_c: float) -> dict[str, float | int]:
    displacements = pool_displacements(measurements)
    squares = relaxation.mean_squares(displacements)  # (K, 2)
    weights = displacements.totals[0] / displacements.totals[0].sum()
    plateaus = {
        name: relaxation.find_plateau(measurements.lag_times, np.sqrt(column))
        for name, column in zip((*SPECIES, "all"), (*squares.T, squares @ weights), strict=True)
    }
    numbers: dict[str, float | int] = {name: plateau.rmsd for name, plateau in plateaus.items()}
    times = {f"time_{name}": plateau.time for name, plateau in plateaus.items()}
    return numbers | times | {"p_c": p_c, "p_c_over_plateau": p_c / plateaus["all"].rmsd}


def _tau_alpha(measurements: Measurements, expected: float) -> dict[str, float | int]:
    times, pooled = measurements.lag_times, relaxation.scattering(pool_displacements(measurements))
    numbers: dict[str, float | int] = {"declared": expected}
    for kind, name in enumerate(SPECIES):
        tau = relaxation.find_tau_alpha(times, pooled[:, kind])
        decays = [relaxation.scattering(sample.displacements)[:, kind] for sample in measurements.samples]
        taus = [value for decay in decays if (value := relaxation.find_tau_alpha(times, decay)) is not None]
        if tau is not None:
            numbers[name] = tau
        if len(taus) > 1:
            numbers[f"error_{name}"] = float(np.std(taus, ddof=1) / np.sqrt(len(taus)))
    if "A" in numbers:
        numbers["ratio"] = numbers["A"] / expected
    return numbers


def _ageing(measurements: Measurements) -> dict[str, float | int]:
    table = waiting_times(measurements)
    if table["sample"].n_unique() > table["copy"].n_unique():
        # the parts of a window share its fluctuations: they make a single independent value
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
        Both; NaN where there are too few waiting times.
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
