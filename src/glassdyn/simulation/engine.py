"""The protocol of an engine of molecular dynamics, the ensembles that it integrates, and its errors.

An engine is opened on a state, in one ensemble, advances it by steps of velocity Verlet, and gives the
state back. Two engines follow this protocol: `lammps` and `hoomd`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.params import Potential
from glassdyn.simulation.state import State

__all__ = [
    "FORCE_TOLERANCE",
    "NVE",
    "Bussi",
    "Engine",
    "EngineError",
    "EngineModule",
    "Ensemble",
    "Integrator",
    "NoseHoover",
    "Thermodynamics",
    "quench_error",
]

FORCE_TOLERANCE = 1e-6
"""Largest component of a force at a minimum of the potential energy, eps_AA / sigma_AA."""


class EngineError(GlassdynError):
    """An engine that is not available, or a run that it cannot complete."""


@dataclass(frozen=True)
class Integrator:
    """What velocity Verlet integrates, and in which steps.

    Attributes:
        potential: the pair potential.
        timestep: units of tau.
    """

    potential: Potential
    timestep: float


class NVE(NamedTuple):
    """NVE: Newton's equations."""


class NoseHoover(NamedTuple):
    """NVT: d xi / dt = (2 K / (N_f kT) - 1) / time^2, a friction xi on every velocity, no chain.

    Attributes:
        temperature: kT, units of eps_AA.
        time: of the thermostat, units of tau.
    """

    temperature: float
    time: float


class Bussi(NamedTuple):
    """NVT: velocities rescaled to a kinetic energy that relaxes stochastically.

    Attributes:
        temperature: kT, units of eps_AA.
        time: of the relaxation, units of tau.
        seed: of the noise, below 2^16.

    Source: Bussi, Donadio, Parrinello, J. Chem. Phys. 126, 014101 (2007).
    """

    temperature: float
    time: float
    seed: int


Ensemble = NVE | NoseHoover | Bussi


class Thermodynamics(NamedTuple):
    """Extensive energies and the pressure of one configuration.

    Attributes:
        potential_energy: U, units of eps_AA.
        kinetic_energy: K, units of eps_AA.
        pressure: P, units of eps_AA / sigma_AA^3.
    """

    potential_energy: float
    kinetic_energy: float
    pressure: float

    @property
    def energy(self) -> float:
        """U + K, units of eps_AA."""
        return self.potential_energy + self.kinetic_energy


class Engine(Protocol):
    """A running simulation; a context manager that frees what the engine holds."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def step(self) -> int:
        """The present step, counted from the random positions."""

    def advance(self, steps: int, interval: int = 0, callback: Callable[[], None] | None = None) -> None:
        """Integrate the equations of motion.

        Args:
            steps: how many.
            interval: steps between two calls of `callback`, the first after one interval; 0: none.
            callback: may call any method below.

        Raises:
            EngineError: where the run blows up.
        """

    def unwrapped(self) -> NDArray[np.float64]:
        """(N, 3) positions + L images, units of sigma_AA."""

    def forces(self) -> NDArray[np.float64]:
        """(N, 3), units of eps_AA / sigma_AA."""

    def thermodynamics(self) -> Thermodynamics:
        """Energies and pressure at the present step."""

    def state(self) -> State:
        """The present state, in full precision."""


class EngineModule(Protocol):
    """The functions of an engine's module."""

    def start(self, state: State, integrator: Integrator, ensemble: Ensemble) -> Engine:
        """Open an engine on a state."""

    def remove_overlaps(self, state: State, potential: Potential) -> State:
        """Minimise the energy of a random state until dynamics can start from it; velocities become 0."""

    def quench(self, state: State, potential: Potential) -> State:
        """Minimise the exact potential energy, until no component of a force is larger than `FORCE_TOLERANCE`.

        Raises:
            EngineError: where the minimisation does not converge.
        """

    def version(self) -> str:
        """Version of the program."""


def quench_error(largest_force: float) -> EngineError:
    """The error of a quench that did not converge, with the largest component of a force left."""
    return EngineError(
        f"a quench ends where no component of a force is above {FORCE_TOLERANCE:g}: got "
        f"{largest_force:.3g} when it gave up; quench a configuration of the liquid, where no particles overlap, or leave it out "
        "(params.yaml: describe.inherent, describe.fields)"
    )
