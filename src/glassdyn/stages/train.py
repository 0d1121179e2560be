"""Stage `train`: the network that regresses the labels from the structure."""

import json
from collections import deque
from pathlib import Path

from glassdyn import params
from glassdyn.jobs import progress
from glassdyn.learning import curves, distributed, model_file, training_run
from glassdyn.learning.labelled_graphs import TableFolders
from glassdyn.learning.training import last_step
from glassdyn.stages import run
from glassdyn.storage import trajectory

__all__ = ["main"]


def main() -> None:
    """Read tables; write the selected model, its metrics and the curves of its training."""
    with distributed.group() as members:
        _train(members)


def _train(members: distributed.Group) -> None:
    chosen = _course()
    settings, targets, folder = chosen.settings, chosen.loss.targets, Path("plots/train")
    lesson = training_run.set_up(chosen, TableFolders(), members.device)
    if members.rank > 0:  # the first process shows and writes for all
        deque(training_run.run_training(chosen, lesson, TableFolders(), members), maxlen=0)
        return
    with progress.show_progress("train", total=last_step((), settings), unit="steps") as bar:
        training = curves.show_training(
            bar, settings, training_run.run_training(chosen, lesson, TableFolders(), members, bar)
        )
        *_, end = curves.log_curves(folder, targets, training)
    model = training_run.trained_model(chosen, lesson, end, Path("models/pca.safetensors"))
    model_file.save(Path("models/network.safetensors"), model)
    part, metrics = settings.select_on, Path("metrics/train.json")
    metrics.parent.mkdir(exist_ok=True)
    metrics.write_text(json.dumps(curves.metrics(part, targets, end), indent=2, allow_nan=False) + "\n")


def _course() -> training_run.TrainingConfig:
    parameters = params.load()
    split, settings = parameters.split, parameters.train
    watched = {"validation": split.validation, "test": split.test}[settings.select_on]
    train, held_out = (
        [
            name
            for name in trajectory.sample_names(TableFolders().features)
            if trajectory.copy_of(name) in copies
        ]
        for copies in (split.train, watched)
    )
    return training_run.TrainingConfig(
        train, held_out, parameters.graph, parameters.model, parameters.loss, settings
    )


if __name__ == "__main__":
    run(main)
