"""The jobs of the stage `draw`: one for the tables of each other stage, so that what has not changed is not drawn again."""

from pathlib import Path

from glassdyn.figures import style
from glassdyn.figures.pictures import STAGES, draw_pictures
from glassdyn.jobs import Job, JobContext

__all__ = ["draw_folder", "drawing_jobs"]

METRICS = {"physics": "physics", "train": "train"}
"""Files of metrics whose numbers the pictures of a folder show."""


def drawing_jobs(folder: Path, components: int) -> list[Job]:
    """The jobs that draw the tables of a run, plots/<stage>/*, to plots/figures/<stage>/*.png.

    Args:
        folder: of the run, with metrics/ and plots/.
        components: principal components that are kept.
    """
    return [
        Job(
            stage,
            draw_folder,
            {"stage": stage, "components": components if stage == "pca" else 0},
            _inputs(folder, stage),
            folder / "plots" / "figures" / stage,
            uses_all_cores=True,
        )
        for stage in STAGES
        if (folder / "plots" / stage).is_dir()
    ]


def _inputs(folder: Path, stage: str) -> tuple[Path, ...]:
    metrics = [folder / "metrics" / f"{METRICS[stage]}.json"] if stage in METRICS else []
    return (folder / "plots" / stage, *metrics)


def draw_folder(context: JobContext) -> None:
    """Job: draw the pictures of one folder.

    Args:
        context: arguments, `stage` and `components`; inputs, plots/<stage> of the run and the metrics that its
            pictures show; output, a folder of PNG files.
    """
    run = context.inputs[0].parents[1]
    context.output.mkdir()
    for name, figure in draw_pictures(run, context.arguments["stage"], context.arguments["components"]):
        style.save(figure, context.output / f"{name}.png")
