"""Samples of a copy at constant energy (thesis 2.1): forget the last one, then record.

A sample starts from the state in which the one before ended, or from the equilibrated copy. More copies
or more samples leave those that exist as they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from glassdyn.jobs import Job, JobContext, OutputOf, Report
from glassdyn.params import Params
from glassdyn.simulation import segments
from glassdyn.simulation import state as states
from glassdyn.simulation.engine import NVE, Engine
from glassdyn.simulation.protocol import count_frame_intervals, count_steps
from glassdyn.simulation.state import State
from glassdyn.storage.trajectory_writer import THERMODYNAMICS, TrajectoryWriter, sample_name

__all__ = ["END", "FrameRecorder", "Recording", "jobs", "plan_recording", "record", "record_phases"]

END = "state.h5"
"""Name of the file, beside a trajectory, of the state in which it ends."""


@dataclass(frozen=True)
class Recording:
    """All that determines a sample besides the state that it starts from.

    Attributes:
        decorrelate: steps before the first frame.
        intervals: between the first frame and the last.
        frame_steps: steps of an interval.
    """

    dynamics: segments.Dynamics
    decorrelate: int
    intervals: int
    frame_steps: int

    @property
    def steps(self) -> int:
        """Steps of the whole sample."""
        return self.decorrelate + self.intervals * self.frame_steps

    def phases(self) -> list[segments.Phase]:
        """Forget, then record."""
        return [
            segments.Phase(NVE(), self.decorrelate),
            segments.Phase(NVE(), self.intervals * self.frame_steps, interval=self.frame_steps),
        ]


class FrameRecorder:
    """Records a frame at every look."""

    def __init__(self, recorder: TrajectoryWriter) -> None:
        self._recorder = recorder

    def look(self, engine: Engine) -> None:
        """Record positions, energies and pressure."""
        observables = engine.thermodynamics()._asdict()
        self._recorder.append(engine.step, engine.unwrapped(), observables)

    def numbers(self) -> dict[str, float]:
        """The number of frames, all of them on the disk."""
        return {"frames": self._recorder.flush()}


def plan_recording(params: Params) -> Recording:
    """The recording of every sample, durations in units of the declared tau_alpha turned into steps."""
    simulation, durations = params.simulation, params.record
    return Recording(
        dynamics=segments.dynamics_from_params(params),
        decorrelate=count_steps(simulation, durations.decorrelate),
        intervals=count_frame_intervals(simulation, durations.duration),
        frame_steps=simulation.frame_steps,
    )


def jobs(plan: Recording, copy: int, samples: int, *, states: Path, trajectories: Path) -> list[Job]:
    """The jobs that record a copy, each from where the one before ended."""
    gpu = plan.dynamics.gpu
    before: Path | OutputOf = states / f"copy{copy:02}.h5"
    chain = []
    for sample in range(samples):
        name = sample_name(copy, sample)
        output = trajectories / f"{name}.h5"
        arguments = asdict(plan)
        job = Job(name, record, arguments, (before,), output, (END,), work=plan.steps, gpu=gpu)
        before = OutputOf(job, END)
        chain.append(job)
    return chain


def record(context: JobContext) -> None:
    """Job: record a sample, and write the state in which it ends beside it.

    Args:
        context: arguments, a `Recording` as a mapping; inputs, file of the state to start from; output, the
            trajectory, beside which the file `END` is written; checkpoint, folder of the state after each segment,
            and of the frames so far.
    """
    plan = segments.from_dict(Recording, context.arguments)
    start, _ = states.load(context.inputs[0])
    end = record_phases(
        plan.phases(),
        start,
        plan.dynamics,
        output=context.output,
        folder=context.checkpoint,
        report=context.report,
    )
    states.save(end, context.output.with_name(END), **plan.dynamics.made_with)


def record_phases(
    phases: Sequence[segments.Phase],
    start: State,
    dynamics: segments.Dynamics,
    *,
    output: Path,
    folder: Path,
    report: Report,
    begin: Callable[[TrajectoryWriter], None] = lambda _: None,
) -> State:
    """Go through what is left of some phases, and record what is looked at.

    Args:
        phases: of the run.
        start: its first state.
        dynamics: who integrates what.
        output: the trajectory.
        folder: of the state after each leg, and of the frames so far.
        report: takes the fraction that is done.
        begin: given a recorder that has no frames yet, may append those that come before the run's.

    Returns:
        The last state.
    """
    path = folder / "state.h5"
    state, numbers = segments.load_checkpoint(path) or (start, {})
    with TrajectoryWriter(
        output,
        species=state.species,
        box_length=state.box_length,
        timestep=dynamics.timestep,
        parts=folder / "frames",
        frames=int(numbers.get("frames", 0)),
        metadata=dynamics.made_with,
        observables=THERMODYNAMICS,
    ) as recorder:
        if recorder.frames == 0:
            begin(recorder)
        return segments.run_segments(
            segments.cut_into_segments(phases, dynamics.checkpoint_steps),
            state,
            dynamics,
            FrameRecorder(recorder),
            done=int(numbers.get("done", 0)),
            checkpoint=path,
            report=report,
        )
