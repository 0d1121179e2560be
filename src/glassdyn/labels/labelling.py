"""The jobs that label samples: from a trajectory to its label table."""

from collections.abc import Callable, Sequence
from pathlib import Path

from glassdyn import label_names
from glassdyn.jobs import Job, JobContext, Report
from glassdyn.labels.midframe import label_midframe, label_parameters, with_coarse_grained
from glassdyn.labels.sections import Sections, as_mappings, column_names, from_mappings
from glassdyn.storage import tables
from glassdyn.storage.trajectory import Trajectory, open_trajectory

__all__ = ["label_sample", "plan"]


def plan(
    samples: Sequence[str], trajectories: Path, labels: Path, sections: Sections, lengths: Sequence[float]
) -> list[Job]:
    """The jobs that label the middle frames of samples.

    Args:
        samples: their names.
        trajectories: folder of their trajectories.
        labels: folder of the label tables.
        sections: parameters of the labels.
        lengths: of the neighbourhoods that labels are averaged over too, units of sigma_AA.
    """
    arguments = {**as_mappings(sections), "lengths": list(lengths)}
    jobs = []
    for name in samples:
        path, output = trajectories / f"{name}.h5", labels / f"{name}.parquet"
        with open_trajectory(path) as trajectory:
            positions = trajectory.frames * trajectory.particles
        jobs.append(Job(name, label_sample, arguments, (path,), output, work=positions, uses_all_cores=True))
    return jobs


def label_sample(context: JobContext) -> None:
    """Job: write the label table of a sample.

    Args:
        context: arguments, sections as mappings and lengths, see `plan`; inputs, the trajectory; output, the table.
    """
    sections, lengths = from_mappings(context.arguments), context.arguments["lengths"]
    names = column_names(sections)
    schema = tables.labels_schema([*names, *label_names.coarse(names, lengths)])
    with open_trajectory(context.inputs[0]) as trajectory:
        blocks = label_midframe(trajectory, sections, _reporter(trajectory, context.report))
        stored = {**label_parameters(trajectory, sections), "lengths": lengths}
        if lengths:
            blocks = iter([with_coarse_grained(blocks, trajectory, lengths)])
        tables.write(context.output, schema, blocks, stored)


def _reporter(trajectory: Trajectory, report: Report) -> Callable[[float], None]:
    """Turn numbers of positions that are done into the fraction of the job."""
    done = 0.0

    def advance(positions: float) -> None:
        nonlocal done
        done += positions / (trajectory.frames * trajectory.particles)
        report(done)

    return advance
