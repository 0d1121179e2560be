"""A copy of the liquid, from random positions to equilibrium (thesis 2.1; specification, section 1).

Random positions, pushed apart -> Nose-Hoover at the melt temperature -> stochastic thermostat at the
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

__all__ = ["Preparation", "equilibrate", "job", "plan_preparation"]

POSITIONS, VELOCITIES, BATH = range(3)
"""Purposes of random numbers: each has its own stream for each copy."""


@dataclass(frozen=True)
class Preparation:
    """All that determines an equilibrated copy; durations in steps.

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

    def generator(self, purpose: int) -> np.random.Generator:
        """Random numbers that neither another purpose nor another copy shares."""
        return np.random.default_rng((self.seed, self.copy, purpose))

    def phases(self) -> list[segments.Phase]:
        """Melt, thermalise, settle, and the second half of the last run, over which energies are averaged."""
        kT, time = self.temperature, self.thermostat_time
        noise = int(self.generator(BATH).integers(2**16))
        return [
            segments.Phase(NoseHoover(self.melt_temperature, time), self.melt),
            segments.Phase(Bussi(kT, time, noise), self.thermalise),
            segments.Phase(NoseHoover(kT, time), self.equilibrate - self.equilibrate // 2),
            segments.Phase(NoseHoover(kT, time), self.equilibrate // 2, interval=self.look_steps),
        ]

    @property
    def look_steps(self) -> int:
        """Steps between two looks at the energy: the time of the thermostat."""
        return max(round(self.thermostat_time / self.dynamics.timestep), 1)


class MeanEnergy:
    """Averages U + K."""

    def __init__(self, energy: float = 0.0, looks: float = 0) -> None:
        self._energy, self._looks = energy, looks

    def look(self, engine: Engine) -> None:
        """Add the present energy."""
        self._energy += engine.thermodynamics().energy
        self._looks += 1

    def numbers(self) -> dict[str, float]:
        """The sum and the number of its terms."""
        return {"energy": self._energy, "looks": self._looks}

    @property
    def mean(self) -> float:
        """Mean energy of the whole system, units of eps_AA."""
        return self._energy / self._looks


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


def job(plan: Preparation, states: Path) -> Job:
    """The job that writes the state of a copy into a folder, as copy<cc>.h5."""
    name = f"copy{plan.copy:02}"
    output = states / f"{name}.h5"
    return Job(name, equilibrate, asdict(plan), output=output, work=plan.steps, gpu=plan.dynamics.gpu)


def equilibrate(context: JobContext) -> None:
    """Job: prepare a copy and write its state, with its mean energy in units of eps_AA.

    Args:
        context: arguments, a `Preparation` as a mapping; no inputs; output, file of the state; checkpoint, folder
            of the state after each segment.
    """
    plan = segments.from_dict(Preparation, context.arguments)
    path = context.checkpoint / "state.h5"
    state, numbers = segments.load_checkpoint(path) or (_melted(plan), {})
    done = int(numbers.pop("done", 0))
    watch = MeanEnergy(**numbers)
    route = segments.cut_into_segments(plan.phases(), plan.dynamics.checkpoint_steps)
    state = segments.run_segments(
        route, state, plan.dynamics, watch, done=done, checkpoint=path, report=context.report
    )
    settled = at_energy(state, watch.mean, plan.dynamics)
    save(settled, context.output, energy=watch.mean, **plan.dynamics.made_with)


def _melted(plan: Preparation) -> State:
    start = random_state(assign_species(plan.particles), plan.box_length, plan.generator(POSITIONS))
    velocities = maxwell_boltzmann(plan.particles, plan.melt_temperature, plan.generator(VELOCITIES))
    return replace(plan.dynamics.remove_overlaps(start), velocities=velocities)


def at_energy(state: State, energy: float, dynamics: segments.Dynamics) -> State:
    """Scale velocities by one constant so that U + K is the given energy, the centre of mass at rest."""
    with dynamics.start(state, NVE()) as engine:
        potential = engine.thermodynamics().potential_energy
    return with_kinetic_energy(replace(state, thermostat=(0.0, 0.0)), energy - potential)
