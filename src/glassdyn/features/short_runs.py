"""Short runs from a configuration with redrawn velocities: the minima around it, and the cage of every particle.

A run's velocities depend on the seed and on the run's number alone, so that a table and a prediction for the same
configuration agree to the bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.liquid.configuration import Configuration
from glassdyn.params import Potential
from glassdyn.simulation import engines
from glassdyn.simulation.engine import NVE, Engine, Integrator
from glassdyn.simulation.state import State, maxwell_boltzmann, state_at_rest

__all__ = ["Cage", "ShortRuns", "cage_displacements"]

FRAMES = 20
"""Frames of a run that a cage is averaged over."""


class Cage(NamedTuple):
    """Where particles stay while nothing rearranges.

    Attributes:
        displacements: (N, 3) from the configuration to the mean position, units of sigma_AA.
        fluctuations: (N,) root mean square distance from the mean position, units of sigma_AA.
    """

    displacements: NDArray[np.float64]
    fluctuations: NDArray[np.float64]


@dataclass(frozen=True)
class ShortRuns:
    """NVE runs from a configuration, velocities drawn from the Maxwell-Boltzmann distribution.

    Attributes:
        engine: lammps | hoomd.
        potential: that of the simulation.
        timestep: units of tau.
        temperature: kT of the velocities, units of eps_AA.
        seed: of the velocities of all runs.
    """

    engine: str
    potential: Potential
    timestep: float
    temperature: float
    seed: int

    def frames(
        self, configuration: Configuration, run: int, *, duration: float, count: int
    ) -> Iterator[NDArray[np.float64]]:
        """Run from the configuration.

        Args:
            configuration: positions wrapped or not.
            run: its number, from 0.
            duration: units of tau.
            count: of frames at equal intervals, the last at the end.

        Yields:
            (N, 3) displacements of the particles from the configuration, units of sigma_AA.

        Raises:
            EngineError: where the run blows up.
        """
        start = state_at_rest(configuration)
        generator = np.random.default_rng((self.seed, run))
        moving = replace(start, velocities=maxwell_boltzmann(start.particles, self.temperature, generator))
        steps = max(1, round(duration / (self.timestep * count)))
        with self._open(moving) as simulation:
            for _ in range(count):
                simulation.advance(steps)
                yield simulation.unwrapped() - start.positions

    def _open(self, state: State) -> Engine:
        integrator = Integrator(self.potential, self.timestep)
        return engines.engine_by_name(self.engine).start(state, integrator, NVE())


def cage_displacements(runs: ShortRuns, configuration: Configuration, *, count: int, duration: float) -> Cage:
    """Mean position of every particle over short runs, and how far it strays from it.

    d_i = <r_i(t)> - r_i(0),  f_i^2 = <|r_i(t) - <r_i>|^2>, means over runs and times 0 < t <= duration

    Args:
        runs: how to run.
        configuration: at t = 0.
        count: of runs.
        duration: of each, units of tau.

    Raises:
        EngineError: where a run blows up.

    Source: Alkemade, Smallenburg, Filion, J. Chem. Phys. 158, 134512 (2023), where the cage is averaged by Monte Carlo
    moves.
    """
    total, squares = np.zeros_like(configuration.positions), np.zeros(len(configuration.species))
    for run in range(count):
        for displacements in runs.frames(configuration, run, duration=duration, count=FRAMES):
            total += displacements
            squares += (displacements**2).sum(axis=1)
    mean = total / (count * FRAMES)
    variance = squares / (count * FRAMES) - (mean**2).sum(axis=1)
    return Cage(mean, np.sqrt(np.maximum(variance, 0.0)))
