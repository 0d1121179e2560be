"""The times of the published propensities of the Kob-Andersen mixture, which their files do not state."""

import math
from collections.abc import Mapping, Sequence

from glassdyn.importing.source import ImportingError

__all__ = ["DENSITY", "RELAXATION", "TIMES", "published_times", "relative_times", "require_times"]

DENSITY = 1.2
"""Particles per sigma_AA^3 in all published sets of this mixture."""

TIMES: Mapping[float, tuple[float, ...]] = {
    0.44: (0.13, 1.3, 13.0, 130.0, 412.0, 1300.0, 4120.0, 13000.0, 41200.0, 130000.0),
    0.50: (0.108, 0.434, 2.17, 6.86, 21.7, 68.6, 217.0, 686.0, 2170.0, 6860.0),
    0.56: (0.104, 0.33, 0.99, 1.65, 5.2, 16.5, 52.0, 165.0, 520.0, 1650.0),
    0.64: (0.032, 0.1, 0.165, 0.52, 1.65, 5.2, 16.5, 52.0, 165.0, 520.0),
}
"""By temperature, units of tau. Source: GlassBench, https://doi.org/10.5281/zenodo.10118191, KA_results/times_*."""

RELAXATION = 6
"""Index of the time that labels count in: the structural relaxation time, 4120 tau at T = 0.44, where methods are
compared between temperatures."""


def published_times(temperature: float) -> tuple[float, ...]:
    """The ten times at a temperature, units of tau.

    Raises:
        ImportingError: for a temperature that was not published.
    """
    if temperature not in TIMES:
        raise ImportingError(
            f"sets of this mixture, in three dimensions, are published at T = {', '.join(map(str, TIMES))}: got {temperature}; leave the names of the files "
            "as they are"
        )
    return TIMES[temperature]


def relative_times(temperature: float) -> list[float]:
    """The ten times at a temperature, in relaxation times; errors as `published_times`."""
    times = published_times(temperature)
    return [time / times[RELAXATION] for time in times]


def require_times(times: Sequence[float], temperature: float) -> None:
    """Refuse times other than those of the set.

    Args:
        times: units of tau.
        temperature: units of eps_AA / k_B.

    Raises:
        ImportingError: where one differs by more than its digits, or as `published_times`.
    """
    published = published_times(temperature)
    if len(times) != len(published) or not all(map(_is_same, times, published)):
        raise ImportingError(
            f"the times at T = {temperature} are {', '.join(map(str, published))} tau: got "
            f"{', '.join(f'{time:.6g}' for time in times)} (params.yaml: isoconfigurational.times, in units of "
            "simulation.tau_alpha)"
        )


def _is_same(time: float, published: float) -> bool:
    return math.isclose(time, published, rel_tol=1e-4)
