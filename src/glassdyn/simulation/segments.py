"""Runs in legs: at the end of each the exact state goes to a file, and the engine is built anew from it.

The undisturbed run rebuilds its engine as well, so that a run that was killed and goes on from its last
file takes, to the bit, the same steps.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from glassdyn.params import Params, Potential
from glassdyn.simulation import engines
from glassdyn.simulation import state as states
from glassdyn.simulation.engine import Bussi, Engine, Ensemble, Integrator
from glassdyn.simulation.state import State

__all__ = [
    "Dynamics",
    "Observer",
    "Phase",
    "Segment",
    "cut_into_segments",
    "dynamics_from_params",
    "from_dict",
    "load_checkpoint",
    "run_segments",
]

Plan = TypeVar("Plan")

UNWATCHED = 500
"""Steps between two reports of a run that nobody watches."""


@dataclass(frozen=True)
class Dynamics:
    """Who integrates what; a part of every plan.

    Attributes:
        engine: lammps | hoomd.
        potential: the pair potential.
        timestep: units of tau.
        checkpoint_steps: steps of a leg, rounded down to whole intervals of a watch.
    """

    engine: str
    potential: Potential
    timestep: float
    checkpoint_steps: int

    def start(self, state: State, ensemble: Ensemble) -> Engine:
        """Open the engine on a state."""
        return engines.engine_by_name(self.engine).start(
            state, Integrator(self.potential, self.timestep), ensemble
        )

    def remove_overlaps(self, state: State) -> State:
        """Move the particles of a random state apart."""
        return engines.engine_by_name(self.engine).remove_overlaps(state, self.potential)

    @property
    def gpu(self) -> bool:
        """Whether a run takes a GPU for itself."""
        return engines.uses_gpu(self.engine)

    @property
    def made_with(self) -> dict[str, str]:
        """What a file of results says of its origin."""
        version = engines.engine_by_name(self.engine).version()
        return {"engine": self.engine, "engine_version": version, "truncation": self.potential.truncation}


def dynamics_from_params(params: Params) -> Dynamics:
    """That of every run."""
    simulation = params.simulation
    return Dynamics(simulation.engine, params.potential, simulation.timestep, simulation.checkpoint_steps)


def from_dict(kind: type[Plan], arguments: Mapping[str, Any]) -> Plan:
    """A plan with its dynamics from the mapping that `asdict` makes of it."""
    given = arguments["dynamics"]
    moving = Dynamics(**{**given, "potential": Potential(**given["potential"])})
    return kind(**{**arguments, "dynamics": moving})


class Phase(NamedTuple):
    """A part of a run in one ensemble.

    Attributes:
        ensemble: its equations of motion.
        steps: its length.
        interval: steps between two looks of the watch; 0: it does not look.
    """

    ensemble: Ensemble
    steps: int
    interval: int = 0


class Segment(NamedTuple):
    """A part of a phase between two rebuilds of the engine.

    Attributes:
        ensemble: its equations of motion.
        steps: its length.
        interval: steps between two looks of the watch, or 0.
        first: whether a phase begins with it.
    """

    ensemble: Ensemble
    steps: int
    interval: int
    first: bool


class Observer(Protocol):
    """Looks at a run, and can be told at a restart what it had seen."""

    def look(self, engine: Engine) -> None:
        """See the present step."""

    def numbers(self) -> dict[str, float]:
        """What a later watch needs to go on from here."""


def cut_into_segments(phases: Sequence[Phase], leg_steps: int) -> list[Segment]:
    """Cut phases into legs; every leg of a stochastic thermostat has its own seed."""
    return [leg for phase in phases for leg in _cut(phase, leg_steps)]


def _cut(phase: Phase, leg_steps: int) -> Iterator[Segment]:
    interval = phase.interval or 1
    longest = max(leg_steps // interval, 1) * interval
    for number, start in enumerate(range(0, phase.steps, longest)):
        steps = min(longest, phase.steps - start)
        yield Segment(_seeded(phase.ensemble, number), steps, phase.interval, first=number == 0)


def _seeded(ensemble: Ensemble, number: int) -> Ensemble:
    if not isinstance(ensemble, Bussi):
        return ensemble
    seed = np.random.SeedSequence((ensemble.seed, number)).generate_state(1)
    return ensemble._replace(seed=int(seed[0]) % 2**16)


def load_checkpoint(checkpoint: Path) -> tuple[State, dict[str, float]] | None:
    """The state and the numbers of the last finished leg, or None before the first."""
    return states.load(checkpoint) if checkpoint.exists() else None


def run_segments(
    route: Sequence[Segment],
    state: State,
    dynamics: Dynamics,
    watch: Observer,
    *,
    done: int,
    checkpoint: Path,
    report: Callable[[float], None],
) -> State:
    """Go through the legs that are left.

    Args:
        route: all legs.
        state: at the start of the first leg that is left.
        dynamics: who integrates what.
        watch: looks at the legs that have an interval, at the first step of a phase as well.
        done: legs that are finished.
        checkpoint: where the state goes after each leg, with the numbers `done` and those of the watch.
        report: takes the fraction that is done.

    Returns:
        The last state.
    """
    origin = state.step - sum(leg.steps for leg in route[:done])
    total = sum(leg.steps for leg in route)
    for number, leg in enumerate(route[done:], done + 1):
        with dynamics.start(state, leg.ensemble) as engine:
            _go(leg, engine, watch, lambda step: report((step - origin) / total))
            state = engine.state()
        states.save(state, checkpoint, done=number, **watch.numbers())
    return state


def _go(leg: Segment, engine: Engine, watch: Observer, report: Callable[[int], None]) -> None:
    def look() -> None:
        if leg.interval:
            watch.look(engine)
        report(engine.step)

    if leg.first and leg.interval:
        look()
    engine.advance(leg.steps, leg.interval or UNWATCHED, look)
