"""Isoconfigurational runs: one configuration, many draws of its velocities (thesis, chapter 4).

Newton's equations run backwards as well: from one draw of velocities v, a run with -v is the past and a run
with v the future of one trajectory whose middle frame is the configuration. So every label, which belongs
to a middle frame, is averaged over runs as it is.

Source: Widmer-Cooper, Harrowell, Fynewever, Phys. Rev. Lett. 93, 135701 (2004).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glassdyn.jobs import Job, JobContext, Report
from glassdyn.liquid.box import wrap
from glassdyn.params import Params
from glassdyn.simulation import recording, segments
from glassdyn.simulation import state as states
from glassdyn.simulation.engine import NVE
from glassdyn.simulation.protocol import count_frame_intervals
from glassdyn.simulation.state import State, maxwell_boltzmann
from glassdyn.storage.trajectory import Trajectory, open_trajectory
from glassdyn.storage.trajectory_writer import TrajectoryWriter

__all__ = ["IsoconfigurationalRun", "job", "plan_run", "simulate_run", "state_of_middle_frame"]

BLOCK_BYTES = 64 * 1024**2
"""Frames of the past that are turned round at a time."""


@dataclass(frozen=True)
class IsoconfigurationalRun:
    """All that determines a run besides the configuration.

    Attributes:
        sample: name of the sample whose middle frame is the configuration.
        run: number of the draw of velocities, from 0.
        seed: of all draws.
        half: frame intervals on each side of the configuration.
        frame_steps: steps of an interval.
    """

    sample: str
    run: int
    seed: int
    dynamics: segments.Dynamics
    temperature: float
    half: int
    frame_steps: int

    @property
    def middle(self) -> int:
        """The step of the configuration."""
        return self.half * self.frame_steps

    def velocities(self, particles: int) -> NDArray[np.float64]:
        """(N, 3) of this run and no other."""
        words = (self.seed, *self.sample.encode(), self.run)
        return maxwell_boltzmann(particles, self.temperature, np.random.default_rng(words))


def plan_run(params: Params, sample: str, run: int) -> IsoconfigurationalRun:
    """One run of a sample, durations in units of the declared tau_alpha turned into frames."""
    simulation = params.simulation
    return IsoconfigurationalRun(
        sample=sample,
        run=run,
        seed=simulation.seed,
        dynamics=segments.dynamics_from_params(params),
        temperature=params.liquid.temperature,
        half=count_frame_intervals(simulation, params.isoconfigurational.duration) // 2,
        frame_steps=simulation.frame_steps,
    )


def state_of_middle_frame(trajectory: Trajectory) -> State:
    """The middle frame of a trajectory, at rest."""
    unwrapped = trajectory.frame(trajectory.middle)
    positions = wrap(unwrapped, trajectory.box_length)
    return State(
        positions=positions,
        images=np.rint((unwrapped - positions) / trajectory.box_length).astype(np.int64),
        velocities=np.zeros_like(positions),
        species=trajectory.species,
        box_length=trajectory.box_length,
    )


def job(plan: IsoconfigurationalRun, start: Path) -> Job:
    """The job of one run from the state in a file; its trajectory stays in the scratch folder."""
    name = f"{plan.sample}-run{plan.run:02}"
    return Job(name, simulate_run, asdict(plan), (start,), work=2 * plan.middle, gpu=plan.dynamics.gpu)


def simulate_run(context: JobContext) -> None:
    """Job: record the past and the future of a configuration as one trajectory, which it halves.

    Args:
        context: arguments, an `IsoconfigurationalRun` as a mapping; inputs, file of the configuration; output, the
            trajectory, whose steps start at 0; checkpoint, folder of what both halves need to go on.
    """
    report, checkpoint = context.report, context.checkpoint
    plan = segments.from_dict(IsoconfigurationalRun, context.arguments)
    start, _ = states.load(context.inputs[0])
    velocities = plan.velocities(start.particles)
    past = checkpoint / "past.h5"
    if not past.exists():
        backward = replace(start, velocities=-velocities, step=0)
        folder = checkpoint / "backward"
        _record(plan, backward, past, folder, lambda done: report(done / 2))
    forward = replace(start, velocities=velocities, step=plan.middle)
    folder = checkpoint / "forward"
    begin = partial(_turn_round, past, plan.middle)
    _record(plan, forward, context.output, folder, lambda done: report((1 + done) / 2), begin)


def _record(
    plan: IsoconfigurationalRun,
    start: State,
    output: Path,
    folder: Path,
    report: Report,
    begin: Callable[[TrajectoryWriter], None] = lambda _: None,
) -> None:
    """Record one half, after the past turned round where that is given."""
    folder.mkdir(exist_ok=True)
    phase = segments.Phase(NVE(), plan.middle, interval=plan.frame_steps)
    recording.record_phases(
        [phase], start, plan.dynamics, output=output, folder=folder, report=report, begin=begin
    )


def _turn_round(past: Path, middle: int, recorder: TrajectoryWriter) -> None:
    """Append the frames of a backward run from its last to its second: its first is the configuration."""
    with open_trajectory(past) as trajectory:
        steps, observables = trajectory.steps, trajectory.observables
        for block in reversed(list(trajectory.frame_blocks(BLOCK_BYTES))):
            window = trajectory.window(block.start, block.stop)
            for frame in range(block.stop - 1, max(block.start, 1) - 1, -1):
                numbers = {name: float(series[frame]) for name, series in observables.items()}
                positions = window[frame - block.start].astype(np.float64)
                recorder.append(middle - int(steps[frame]), positions, numbers)
