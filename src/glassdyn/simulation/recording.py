"""Samples of a copy at constant energy (thesis 2.1): decorrelate from the sample before, then record.

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

__all__ = [
    "FINAL_STATE",
    "FrameRecorder",
    "Recording",
    "plan_recording",
    "record",
    "record_phases",
    "recording_jobs",
]

FINAL_STATE = "state.h5"
"""Name of the file, beside a trajectory, of the state in which it ends."""


@dataclass(frozen=True)
class Recording:
    """Specification of a sample: all that determines it besides the state that it starts from.

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
        """Decorrelate, then record."""
        return [
            segments.Phase(NVE(), self.decorrelate),
            segments.Phase(NVE(), self.intervals * self.frame_steps, interval=self.frame_steps),
        ]


class FrameRecorder:
    """Writes a frame at every observation; an observer of `segments`."""

    def __init__(self, writer: TrajectoryWriter) -> None:
        self._writer = writer

    def observe(self, engine: Engine) -> None:
        """Write positions, energies and pressure of the present step."""
        observables = engine.thermodynamics()._asdict()
        self._writer.append(engine.step, engine.unwrapped(), observables)

    def counters(self) -> dict[str, float]:
        """The number of frames, all of them on the disk."""
        return {"frames": self._writer.flush()}


def plan_recording(params: Params) -> Recording:
    """The recording of every sample, durations in units of the declared tau_alpha turned into steps."""
    simulation, durations = params.simulation, params.record
    return Recording(
        dynamics=segments.dynamics_from_params(params),
        decorrelate=count_steps(simulation, durations.decorrelate),
        intervals=count_frame_intervals(simulation, durations.duration),
        frame_steps=simulation.frame_steps,
    )


def recording_jobs(
    recording: Recording, copy: int, samples: int, *, states: Path, trajectories: Path
) -> list[Job]:
    """The jobs that record the samples of a copy, each from the state in which the one before ended."""
    start: Path | OutputOf = states / f"copy{copy:02}.h5"
    arguments, steps, gpu = asdict(recording), recording.steps, recording.dynamics.gpu
    jobs = []
    for sample in range(samples):
        name = sample_name(copy, sample)
        output = trajectories / f"{name}.h5"
        job = Job(name, record, arguments, (start,), output, (FINAL_STATE,), work=steps, gpu=gpu)
        start = OutputOf(job, FINAL_STATE)
        jobs.append(job)
    return jobs


def record(context: JobContext) -> None:
    """Job: record a sample, and write the state in which it ends beside it.

    Args:
        context: arguments, a `Recording` as a mapping; inputs, file of the state to start from; output, the
            trajectory, beside which the file `FINAL_STATE` is written; checkpoint, folder of the state after each
            segment, and of the frames so far.
    """
    recording = segments.from_dict(Recording, context.arguments)
    start, _ = states.load(context.inputs[0])
    final = record_phases(
        recording.phases(),
        start,
        recording.dynamics,
        output=context.output,
        folder=context.checkpoint,
        report=context.report,
    )
    states.save(final, context.output.with_name(FINAL_STATE), **recording.dynamics.provenance)


def record_phases(
    phases: Sequence[segments.Phase],
    start: State,
    dynamics: segments.Dynamics,
    *,
    output: Path,
    folder: Path,
    report: Report,
    write_first: Callable[[TrajectoryWriter], None] = lambda _: None,
) -> State:
    """Run what is left of some phases, and record every observation as a frame.

    Args:
        phases: of the run.
        start: its first state.
        dynamics: how it is integrated.
        output: the trajectory.
        folder: of the state after each segment, and of the frames so far.
        report: takes the fraction of steps that is done.
        write_first: writes the frames that come before the run's, where the trajectory has none yet.

    Returns:
        The last state.
    """
    path = folder / "state.h5"
    state, counters = segments.load_checkpoint(path) or (start, {})
    with TrajectoryWriter(
        output,
        species=state.species,
        box_length=state.box_length,
        timestep=dynamics.timestep,
        parts=folder / "frames",
        frames=int(counters.get("frames", 0)),
        metadata=dynamics.provenance,
        observables=THERMODYNAMICS,
    ) as writer:
        if writer.frames == 0:
            write_first(writer)
        return segments.run_segments(
            segments.cut_into_segments(phases, dynamics.checkpoint_steps),
            state,
            dynamics,
            FrameRecorder(writer),
            done=int(counters.get("done", 0)),
            checkpoint=path,
            report=report,
        )
