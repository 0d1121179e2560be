"""Stage `train`: the network that regresses the labels from the structure."""

import json
from collections import deque
from pathlib import Path

from glassdyn import params, progress, trajectory
from glassdyn.figures import style
from glassdyn.figures.training import curves, read_curves
from glassdyn.learning import course, journal, model_file, processes
from glassdyn.learning.samples import Tables
from glassdyn.learning.training import best_of, last_step
from glassdyn.stages import run

__all__ = ["main"]


def main() -> None:
    """Read tables; write the selected model, its metrics and the curves of its training."""
    with processes.group() as members:
        _train(members)


def _train(members: processes.Group) -> None:
    chosen = _course()
    settings, targets, folder = chosen.settings, chosen.loss.targets, Path("plots/train")
    lesson = course.prepared(chosen, Tables(), members.device)
    if members.rank > 0:  # the first process shows and writes for all
        deque(course.attended(chosen, lesson, Tables(), members), maxlen=0)
        return
    with progress.bar("train", total=last_step((), settings), unit="steps") as bar:
        training = journal.shown(bar, settings, course.attended(chosen, lesson, Tables(), members, bar))
        *_, end = journal.kept(folder, targets, training)
    model = course.graduate(chosen, lesson, end, Path("models/pca.safetensors"))
    model_file.save(Path("models/network.safetensors"), model)
    part, metrics = settings.select_on, Path("metrics/train.json")
    metrics.parent.mkdir(exist_ok=True)
    metrics.write_text(json.dumps(journal.metrics(part, targets, end), indent=2, allow_nan=False) + "\n")
    selected, table = best_of(end.recordings).step, read_curves(folder / "plots/metrics")
    style.save(curves(table, selected=selected, part=part), folder / "curves.png")


def _course() -> course.Course:
    parameters = params.load()
    split, settings = parameters.split, parameters.train
    watched = {"validation": split.validation, "test": split.test}[settings.select_on]
    train, held_out = (
        [name for name in trajectory.names(Tables().features) if trajectory.copy_of(name) in copies]
        for copies in (split.train, watched)
    )
    return course.Course(train, held_out, parameters.graph, parameters.model, parameters.loss, settings)


if __name__ == "__main__":
    run(main)
