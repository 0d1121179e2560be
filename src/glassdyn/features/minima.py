"""Energy minima that a configuration visits within a short time: what they have in common is less noisy than one."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.features.energies import particle_energies
from glassdyn.features.inherent import Quench
from glassdyn.features.short_runs import ShortRuns
from glassdyn.liquid.box import minimum_image
from glassdyn.liquid.configuration import Configuration

__all__ = ["Minima", "average_minima"]


class Minima(NamedTuple):
    """Averages over energy minima.

    Attributes:
        energies: (N,) of the particles' energies, units of eps_AA.
        displacements: (N, 3) of the vectors from the configuration to the minima, units of sigma_AA.
        fluctuations: (N,) root mean square distance of the places in the minima from their mean, units of sigma_AA.
    """

    energies: NDArray[np.float64]
    displacements: NDArray[np.float64]
    fluctuations: NDArray[np.float64]


def average_minima(
    configuration: Configuration,
    minimum: Configuration,
    quench: Quench,
    runs: ShortRuns,
    *,
    count: int,
    duration: float,
) -> Minima:
    """Average over the configuration's own minimum and those below the ends of short runs from it.

    Args:
        configuration: where the runs begin.
        minimum: its own.
        quench: the way downhill.
        runs: how to run.
        count: of minima; one less than that many runs.
        duration: of each run, units of tau.

    Raises:
        EngineError: where a run blows up or a quench does not converge.
    """
    ends = [minimum]
    for run in range(count - 1):
        (displacements,) = runs.frames(configuration, run, duration=duration, count=1)
        ends.append(quench(configuration._replace(positions=configuration.positions + displacements)))
    energies = np.mean([particle_energies(end, quench.potential).energies for end in ends], axis=0)
    displacements = np.array(
        [minimum_image(end.positions - configuration.positions, end.box_length) for end in ends]
    )  # (count, N, 3)
    variances = displacements.var(axis=0).sum(axis=1)
    return Minima(energies, displacements.mean(axis=0), np.sqrt(variances))
