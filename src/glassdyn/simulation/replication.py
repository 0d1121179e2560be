"""Isoconfigurational runs: one configuration, many draws of its velocities (thesis, chapter 4).

Newton's equations run backwards as well: from one draw of velocities v, a run with -v is the past and a run
with v the future of one trajectory whose middle frame is the configuration. So every label, which belongs
to a middle frame, is averaged over runs as it is.

Source: Widmer-Cooper, Harrowell, Fynewever, Phys. Rev. Lett. 93, 135701 (2004).
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassdyn.fleet import Checkpoints, Job, Report
from glassdyn.geometry import wrap
from glassdyn.params import Params, Potential
from glassdyn.recorder import THERMODYNAMICS, Recorder
from glassdyn.simulation import engines, runs
from glassdyn.simulation import state as states
from glassdyn.simulation.engine import ConstantEnergy, Model
from glassdyn.simulation.recording import Frames
from glassdyn.simulation.state import State, maxwell_boltzmann
from glassdyn.trajectory import Trajectory, open_trajectory

__all__ = ["Replica", "configuration", "job", "replica", "replicate"]

BLOCK_BYTES = 64 * 1024**2
"""Frames of the past that are turned round at a time."""


@dataclass(frozen=True)
class Replica:
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
    engine: str
    potential: Potential
    temperature: float
    timestep: float
    checkpoint_steps: int
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


def replica(params: Params, sample: str, run: int) -> Replica:
    """One run of a sample, durations in units of the declared tau_alpha turned into frames."""
    simulation = params.simulation
    return Replica(
        sample=sample,
        run=run,
        seed=simulation.seed,
        engine=simulation.engine,
        potential=params.potential,
        temperature=params.liquid.temperature,
        timestep=simulation.timestep,
        checkpoint_steps=simulation.checkpoint_steps,
        half=simulation.intervals(params.replicate.duration) // 2,
        frame_steps=simulation.frame_steps,
    )


def configuration(trajectory: Trajectory) -> State:
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


def job(plan: Replica, start: Path) -> Job:
    """The job of one run from the state in a file; its trajectory stays in the scratch folder."""
    name = f"{plan.sample}-run{plan.run:02}"
    gpu = engines.uses_gpu(plan.engine)
    return Job(name, replicate, asdict(plan), (start,), work=2 * plan.middle, gpu=gpu)


def replicate(
    arguments: dict[str, Any],
    inputs: list[Path],
    output: Path,
    checkpoint: Checkpoints,
    report: Report,
) -> None:
    """Job: record the past and the future of a configuration as one trajectory, which it halves.

    Args:
        arguments: a `Replica` as a mapping.
        inputs: file of the configuration.
        output: the trajectory; its steps start at 0.
        checkpoint: folder of what both halves need to go on.
        report: takes the fraction that is done.
    """
    plan = Replica(**{**arguments, "potential": Potential(**arguments["potential"])})
    start, _ = states.load(inputs[0])
    velocities = plan.velocities(start.particles)
    past = checkpoint.path / "past.h5"
    if not past.exists():
        backward = replace(start, velocities=-velocities, step=0)
        _record(plan, backward, past, checkpoint.path / "backward", lambda done: report(done / 2))
    forward = replace(start, velocities=velocities, step=plan.middle)
    _record(
        plan, forward, output, checkpoint.path / "forward", lambda done: report((1 + done) / 2), past=past
    )


def _record(
    plan: Replica, start: State, output: Path, folder: Path, report: Report, past: Path | None = None
) -> None:
    """Record one half, after the past turned round where that is given."""
    folder.mkdir(exist_ok=True)
    dynamics = runs.Dynamics(
        engines.named(plan.engine), Model(plan.potential, plan.timestep), plan.checkpoint_steps
    )
    phase = runs.Phase(ConstantEnergy(), plan.middle, interval=plan.frame_steps)
    path = folder / "state.h5"
    state, numbers = runs.recall(path) or (start, {})
    with Recorder(
        output,
        species=state.species,
        box_length=state.box_length,
        timestep=plan.timestep,
        parts=folder / "frames",
        frames=int(numbers.get("frames", 0)),
        metadata={"engine": plan.engine, "truncation": plan.potential.truncation},
        observables=THERMODYNAMICS,
    ) as recorder:
        if past and recorder.frames == 0:
            _turn_round(past, recorder, plan.middle)
        runs.follow(
            runs.legs([phase], plan.checkpoint_steps),
            state,
            dynamics,
            Frames(recorder),
            done=int(numbers.get("done", 0)),
            checkpoint=path,
            report=report,
        )


def _turn_round(past: Path, recorder: Recorder, middle: int) -> None:
    """Append the frames of a backward run from its last to its second: its first is the configuration."""
    with open_trajectory(past) as trajectory:
        steps, observables = trajectory.steps, trajectory.observables
        for block in reversed(list(trajectory.frame_blocks(BLOCK_BYTES))):
            window = trajectory.window(block.start, block.stop)
            for frame in range(block.stop - 1, max(block.start, 1) - 1, -1):
                numbers = {name: float(series[frame]) for name, series in observables.items()}
                positions = window[frame - block.start].astype(np.float64)
                recorder.append(middle - int(steps[frame]), positions, numbers)
