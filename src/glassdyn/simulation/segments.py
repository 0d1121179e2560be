"""Runs in segments: after each the exact state is saved, and the engine is built anew from it.

The undisturbed run rebuilds its engine as well, so that a run that was killed and goes on from its last
checkpoint takes, to the bit, the same steps.
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

RunSpec = TypeVar("RunSpec")
"""A dataclass of all that determines a run, with a field `dynamics`."""

REPORT_STEPS = 500
"""Steps between two reports of progress in a segment that is not observed."""


@dataclass(frozen=True)
class Dynamics:
    """How the equations of motion are integrated; the same for every run.

    Attributes:
        engine: lammps | hoomd.
        potential: the pair potential.
        timestep: units of tau.
        checkpoint_steps: steps of a segment, rounded down to whole intervals between observations.
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
        """Minimise the energy of a random state; see `engine.EngineModule`."""
        return engines.engine_by_name(self.engine).remove_overlaps(state, self.potential)

    @property
    def gpu(self) -> bool:
        """Whether a run takes a GPU for itself."""
        return engines.uses_gpu(self.engine)

    @property
    def provenance(self) -> dict[str, str]:
        """Engine, its version and the truncation, for the metadata of a file."""
        version = engines.engine_by_name(self.engine).version()
        return {"engine": self.engine, "engine_version": version, "truncation": self.potential.truncation}


def dynamics_from_params(params: Params) -> Dynamics:
    """The dynamics of every run."""
    simulation = params.simulation
    return Dynamics(simulation.engine, params.potential, simulation.timestep, simulation.checkpoint_steps)


def from_dict(spec: type[RunSpec], arguments: Mapping[str, Any]) -> RunSpec:
    """Rebuild the specification of a run from the mapping that `asdict` makes of it."""
    fields = arguments["dynamics"]
    dynamics = Dynamics(**{**fields, "potential": Potential(**fields["potential"])})
    return spec(**{**arguments, "dynamics": dynamics})


class Phase(NamedTuple):
    """A part of a run in one ensemble.

    Attributes:
        ensemble: its equations of motion.
        steps: its length.
        interval: steps between two observations; 0: none.
    """

    ensemble: Ensemble
    steps: int
    interval: int = 0


class Segment(NamedTuple):
    """A part of a phase between two checkpoints.

    Attributes:
        ensemble: its equations of motion.
        steps: its length.
        interval: steps between two observations; 0: none.
        first: whether it is the first of its phase.
    """

    ensemble: Ensemble
    steps: int
    interval: int
    first: bool


class Observer(Protocol):
    """Accumulates or records what it observes of a run; its counters let a restarted run go on."""

    def observe(self, engine: Engine) -> None:
        """Observe the present step."""

    def counters(self) -> dict[str, float]:
        """Arguments from which a restarted run builds the observer anew."""


def cut_into_segments(phases: Sequence[Phase], segment_steps: int) -> list[Segment]:
    """Cut phases into segments; every segment of a stochastic thermostat has its own seed."""
    return [segment for phase in phases for segment in _cut_phase(phase, segment_steps)]


def _cut_phase(phase: Phase, segment_steps: int) -> Iterator[Segment]:
    interval = phase.interval or 1
    longest = max(segment_steps // interval, 1) * interval
    for number, start in enumerate(range(0, phase.steps, longest)):
        steps = min(longest, phase.steps - start)
        yield Segment(_with_own_seed(phase.ensemble, number), steps, phase.interval, first=number == 0)


def _with_own_seed(ensemble: Ensemble, number: int) -> Ensemble:
    if not isinstance(ensemble, Bussi):
        return ensemble
    seed = np.random.SeedSequence((ensemble.seed, number)).generate_state(1)
    return ensemble._replace(seed=int(seed[0]) % 2**16)


def load_checkpoint(checkpoint: Path) -> tuple[State, dict[str, float]] | None:
    """Load the state and the counters after the last finished segment; None before the first."""
    return states.load(checkpoint) if checkpoint.exists() else None


def run_segments(
    segments: Sequence[Segment],
    state: State,
    dynamics: Dynamics,
    observer: Observer,
    *,
    done: int,
    checkpoint: Path,
    report: Callable[[float], None],
) -> State:
    """Run the segments that are not finished.

    Args:
        segments: all segments of the run.
        state: at the start of the first unfinished segment.
        dynamics: how they are integrated.
        observer: called in the segments that have an interval, also at the first step of a phase.
        done: number of finished segments.
        checkpoint: file of the state after each segment, with the number `done` and the observer's counters.
        report: takes the fraction of steps that is done.

    Returns:
        The last state.
    """
    origin = state.step - sum(segment.steps for segment in segments[:done])
    total = sum(segment.steps for segment in segments)
    for number, segment in enumerate(segments[done:], done + 1):
        with dynamics.start(state, segment.ensemble) as engine:
            _run_segment(segment, engine, observer, lambda step: report((step - origin) / total))
            state = engine.state()
        states.save(state, checkpoint, done=number, **observer.counters())
    return state


def _run_segment(segment: Segment, engine: Engine, observer: Observer, report: Callable[[int], None]) -> None:
    """Advance an engine by the steps of a segment; `report` takes the present step."""

    def observe() -> None:
        if segment.interval:
            observer.observe(engine)
        report(engine.step)

    if segment.first and segment.interval:
        observe()
    engine.advance(segment.steps, segment.interval or REPORT_STEPS, observe)
