"""Isoconfigurational runs: one configuration, many draws of its velocities (thesis, chapter 4).

Newton's equations run backwards as well: from one draw of velocities v, a run with -v is the past and a run
with v the future of one trajectory whose middle frame is the configuration. Hence every label of a middle
frame can be averaged over runs.

Source: Widmer-Cooper, Harrowell, Fynewever, Phys. Rev. Lett. 93, 135701 (2004).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glassdyn.jobs import Job, JobContext, Report
from glassdyn.params import Params
from glassdyn.simulation import recording, segments
from glassdyn.simulation.engine import NVE
from glassdyn.simulation.protocol import count_frame_intervals
from glassdyn.simulation.state import State, maxwell_boltzmann, state_at_rest
from glassdyn.storage.snapshots import read_snapshot
from glassdyn.storage.trajectory import open_trajectory
from glassdyn.storage.trajectory_writer import TrajectoryWriter

__all__ = ["IsoconfigurationalRun", "plan_run", "simulate_run", "simulation_job"]

BLOCK_BYTES = 64 * 1024**2
"""Size of the blocks of frames in which the past is reversed."""


@dataclass(frozen=True)
class IsoconfigurationalRun:
    """Specification of a run: all that determines it besides the configuration.

    Attributes:
        sample: name of the sample whose snapshot is the configuration.
        run: number of the velocities drawn, from 0.
        seed: of the velocities of all runs.
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
        """Draw the (N, 3) velocities of this run, independent of those of other runs."""
        seeds = (self.seed, *self.sample.encode(), self.run)
        return maxwell_boltzmann(particles, self.temperature, np.random.default_rng(seeds))


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


def simulation_job(run: IsoconfigurationalRun, snapshot: Path) -> Job:
    """The job of one run from a snapshot; its trajectory stays in the scratch folder."""
    name, steps, gpu = f"{run.sample}-run{run.run:02}", 2 * run.middle, run.dynamics.gpu
    return Job(name, simulate_run, asdict(run), (snapshot,), work=steps, gpu=gpu)


def simulate_run(context: JobContext) -> None:
    """Job: record the past and the future of a configuration as one trajectory, in whose middle it lies.

    Args:
        context: arguments, an `IsoconfigurationalRun` as a mapping; inputs, the snapshot; output, the trajectory,
            whose steps start at 0; checkpoint, folder of what both halves need to go on.
    """
    report, checkpoint = context.report, context.checkpoint
    run = segments.from_dict(IsoconfigurationalRun, context.arguments)
    start = state_at_rest(read_snapshot(context.inputs[0]))
    velocities = run.velocities(start.particles)
    past = checkpoint / "past.h5"
    if not past.exists():
        backward = replace(start, velocities=-velocities, step=0)
        folder = checkpoint / "backward"
        _record_half(run, backward, past, folder, lambda done: report(done / 2))
    forward = replace(start, velocities=velocities, step=run.middle)
    folder = checkpoint / "forward"
    write_past = partial(_append_reversed, past, run.middle)
    _record_half(run, forward, context.output, folder, lambda done: report((1 + done) / 2), write_past)


def _record_half(
    run: IsoconfigurationalRun,
    start: State,
    output: Path,
    folder: Path,
    report: Report,
    write_first: Callable[[TrajectoryWriter], None] = lambda _: None,
) -> None:
    """Record one half of a run, after the frames that `write_first` writes."""
    folder.mkdir(exist_ok=True)
    phase = segments.Phase(NVE(), run.middle, interval=run.frame_steps)
    recording.record_phases(
        [phase], start, run.dynamics, output=output, folder=folder, report=report, write_first=write_first
    )


def _append_reversed(past: Path, middle: int, writer: TrajectoryWriter) -> None:
    """Append the frames of a backward run from its last to its second: its first is the configuration."""
    with open_trajectory(past) as trajectory:
        steps, observables = trajectory.steps, trajectory.observables
        for block in reversed(list(trajectory.frame_blocks(BLOCK_BYTES))):
            window = trajectory.window(block.start, block.stop)
            for frame in range(block.stop - 1, max(block.start, 1) - 1, -1):
                thermodynamics = {name: float(series[frame]) for name, series in observables.items()}
                positions = window[frame - block.start].astype(np.float64)
                writer.append(middle - int(steps[frame]), positions, thermodynamics)
