"""A copy of the liquid, from random positions to equilibrium (thesis 2.1; specification, section 1).

Random positions, overlaps removed -> Nose-Hoover at the melt temperature -> stochastic thermostat at the
target temperature -> Nose-Hoover there -> velocities scaled so that the energy is the mean energy of that
last run, whose first half is left out of the mean.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from glassdyn.jobs import Job, JobContext
from glassdyn.liquid.box import compute_box_length
from glassdyn.liquid.potential import assign_species
from glassdyn.params import Params
from glassdyn.simulation import segments
from glassdyn.simulation.engine import NVE, Bussi, Engine, NoseHoover
from glassdyn.simulation.protocol import count_steps
from glassdyn.simulation.state import State, maxwell_boltzmann, random_state, save, with_kinetic_energy

__all__ = ["Preparation", "equilibrate", "equilibration_job", "plan_preparation"]

POSITIONS, VELOCITIES, THERMOSTAT = range(3)
"""Streams of random numbers of a copy."""


@dataclass(frozen=True)
class Preparation:
    """Specification of an equilibrated copy: all that determines it; durations in steps.

    Attributes:
        copy: its number, counted from 0.
        seed: of all copies.
        melt: steps at the melt temperature.
        thermalise: steps with the stochastic thermostat.
        equilibrate: steps after that.
    """

    copy: int
    seed: int
    dynamics: segments.Dynamics
    particles: int
    box_length: float
    temperature: float
    thermostat_time: float
    melt_temperature: float
    melt: int
    thermalise: int
    equilibrate: int

    @property
    def steps(self) -> int:
        """Steps from the random positions to the end."""
        return self.melt + self.thermalise + self.equilibrate

    def generator(self, stream: int) -> np.random.Generator:
        """Random numbers of one stream, independent of every other stream and copy."""
        return np.random.default_rng((self.seed, self.copy, stream))

    def phases(self) -> list[segments.Phase]:
        """Melt, thermalise, and the two halves of the last run; the energy is averaged over the second."""
        kT, time = self.temperature, self.thermostat_time
        seed = int(self.generator(THERMOSTAT).integers(2**16))
        return [
            segments.Phase(NoseHoover(self.melt_temperature, time), self.melt),
            segments.Phase(Bussi(kT, time, seed), self.thermalise),
            segments.Phase(NoseHoover(kT, time), self.equilibrate - self.equilibrate // 2),
            segments.Phase(NoseHoover(kT, time), self.equilibrate // 2, interval=self.energy_interval),
        ]

    @property
    def energy_interval(self) -> int:
        """Steps between two energies of the mean: the time of the thermostat."""
        return max(round(self.thermostat_time / self.dynamics.timestep), 1)


class MeanEnergy:
    """Averages U + K; an observer of `segments`.

    Args:
        energy: sum of the energies so far, units of eps_AA.
        count: of its terms.
    """

    def __init__(self, energy: float = 0.0, count: float = 0) -> None:
        self._energy, self._count = energy, count

    def observe(self, engine: Engine) -> None:
        """Add the present energy."""
        self._energy += engine.thermodynamics().energy
        self._count += 1

    def counters(self) -> dict[str, float]:
        """The sum and the number of its terms."""
        return {"energy": self._energy, "count": self._count}

    @property
    def mean(self) -> float:
        """Mean energy of the whole system, units of eps_AA."""
        return self._energy / self._count


def plan_preparation(params: Params, copy: int) -> Preparation:
    """The preparation of one copy, durations in units of the declared tau_alpha turned into steps."""
    liquid, simulation, durations = params.liquid, params.simulation, params.equilibrate
    return Preparation(
        copy=copy,
        seed=simulation.seed,
        dynamics=segments.dynamics_from_params(params),
        particles=liquid.particles,
        box_length=compute_box_length(liquid.particles, liquid.density),
        temperature=liquid.temperature,
        thermostat_time=simulation.thermostat_time,
        melt_temperature=durations.melt_temperature,
        melt=count_steps(simulation, durations.melt),
        thermalise=count_steps(simulation, durations.thermalise),
        equilibrate=count_steps(simulation, durations.equilibrate),
    )


def equilibration_job(preparation: Preparation, states: Path) -> Job:
    """The job that writes the state of a copy into a folder, as copy<cc>.h5."""
    name = f"copy{preparation.copy:02}"
    output, gpu = states / f"{name}.h5", preparation.dynamics.gpu
    return Job(name, equilibrate, asdict(preparation), output=output, work=preparation.steps, gpu=gpu)


def equilibrate(context: JobContext) -> None:
    """Job: prepare a copy and write its state, with its mean energy in units of eps_AA.

    Args:
        context: arguments, a `Preparation` as a mapping; no inputs; output, file of the state; checkpoint, folder
            of the state after each segment.
    """
    preparation = segments.from_dict(Preparation, context.arguments)
    dynamics, path = preparation.dynamics, context.checkpoint / "state.h5"
    state, counters = segments.load_checkpoint(path) or (_initial_state(preparation), {})
    done = int(counters.pop("done", 0))
    energy = MeanEnergy(**counters)
    state = segments.run_segments(
        segments.cut_into_segments(preparation.phases(), dynamics.checkpoint_steps),
        state,
        dynamics,
        energy,
        done=done,
        checkpoint=path,
        report=context.report,
    )
    equilibrated = scale_to_energy(state, energy.mean, dynamics)
    save(equilibrated, context.output, energy=energy.mean, **dynamics.provenance)


def _initial_state(preparation: Preparation) -> State:
    """Random positions without overlaps, velocities at the melt temperature."""
    particles = preparation.particles
    positions = preparation.generator(POSITIONS)
    start = random_state(assign_species(particles), preparation.box_length, positions)
    velocities = maxwell_boltzmann(particles, preparation.melt_temperature, preparation.generator(VELOCITIES))
    return replace(preparation.dynamics.remove_overlaps(start), velocities=velocities)


def scale_to_energy(state: State, energy: float, dynamics: segments.Dynamics) -> State:
    """Scale velocities by one constant so that U + K is the given energy, the centre of mass at rest."""
    with dynamics.start(state, NVE()) as engine:
        potential = engine.thermodynamics().potential_energy
    return with_kinetic_energy(replace(state, thermostat=(0.0, 0.0)), energy - potential)
