"""The snapshot of a sample: the middle frame of its trajectory, from which features are computed.

This is a module of its own because a job is known by the code that its module imports: a change in how
tables are written must not simulate anything again.
"""

from pathlib import Path

from glassdyn.jobs import Job, JobContext, OutputOf
from glassdyn.storage.snapshots import write_snapshot
from glassdyn.storage.trajectory import open_trajectory

__all__ = ["snapshot_job", "write_middle_frame"]


def snapshot_job(recording: Job, snapshots: Path, *, temperature: float) -> Job:
    """The job that writes the snapshot of a sample into a folder, as <sample>.parquet.

    Args:
        recording: the job whose output is the trajectory of the sample.
        snapshots: the folder.
        temperature: of the liquid, units of eps_AA / k_B.
    """
    return Job(
        f"{recording.name}-snapshot",
        write_middle_frame,
        {"temperature": temperature},
        (OutputOf(recording),),
        snapshots / f"{recording.name}.parquet",
        uses_all_cores=True,
    )


def write_middle_frame(context: JobContext) -> None:
    """Job: write the middle frame of a trajectory as a snapshot.

    Args:
        context: arguments, `temperature`; inputs, the trajectory; output, the snapshot, whose metadata are the
            number of `frames`, the index of the middle `frame`, `temperature` and `box_length`.
    """
    with open_trajectory(context.inputs[0]) as trajectory:
        middle = trajectory.middle
        metadata = {"frames": trajectory.frames, "frame": middle, **context.arguments}
        write_snapshot(context.output, trajectory.configuration(middle), metadata)
    context.report(1.0)
