"""Stage `train`: the network that regresses the labels from the structure."""

import json
from pathlib import Path

from glassdyn import params, progress, trajectory
from glassdyn.figures import style
from glassdyn.figures.training import curves, read_curves
from glassdyn.learning import course, journal, model_file, processes
from glassdyn.learning.samples import Tables
from glassdyn.learning.training import best_of

__all__ = ["main"]


def main() -> None:
    """Read tables; write the selected model, its metrics and the curves of its training."""
    with processes.group() as members:
        _train(members)


def _train(members: processes.Group) -> None:
    chosen = _course()
    part, targets, folder = chosen.settings.select_on, chosen.loss.targets, Path("plots/train")
    lesson = course.prepared(chosen, Tables(), members.device)
    with progress.bar("train", total=chosen.settings.max_steps, unit="steps") as advance:
        training = course.attended(chosen, lesson, Tables(), members, advance)
        if members.rank > 0:
            for _ in training:
                pass
            return
        *_, end = journal.kept(folder, part, targets, training)
    model = course.graduate(chosen, lesson, end, Path("models/pca.safetensors"))
    model_file.save(Path("models/network.safetensors"), model)
    metrics = Path("metrics/train.json")
    metrics.parent.mkdir(exist_ok=True)
    metrics.write_text(json.dumps(journal.metrics(part, targets, end), indent=2, allow_nan=False) + "\n")
    selected = best_of(end.recordings).step
    style.save(curves(read_curves(folder / "plots/metrics"), selected), folder / "curves.png")


def _course() -> course.Course:
    parameters = params.load()
    split, settings = parameters.split, parameters.train
    watched = {"validation": split.validation, "test": split.test}[settings.select_on]
    train, held_out = (
        [name for name in trajectory.names(Tables().features) if trajectory.copy_of(name) in copies]
        for copies in (split.train, watched)
    )
    return course.Course(
        train, held_out, parameters.descriptors, parameters.graph, parameters.model, parameters.loss, settings
    )


if __name__ == "__main__":
    main()
