"""Stage `evaluate`: the network and its baselines on the test copies."""

import json
from pathlib import Path

from glassdyn import params
from glassdyn.evaluation import evaluate, predictions
from glassdyn.jobs import progress
from glassdyn.learning import distributed, model_file
from glassdyn.learning.labelled_graphs import TableFolders
from glassdyn.params import Loss
from glassdyn.stages import run
from glassdyn.storage import trajectory
from glassdyn.storage.outputs import write_csv

__all__ = ["main"]


def main() -> None:
    """Read tables and the model; write predictions, metrics and plots."""
    parameters = params.load()
    split, settings = parameters.split, parameters.train
    trained = model_file.load(Path("models/network.safetensors"))
    labels, names = trained.targets, trajectory.sample_names(TableFolders().features)
    loss = Loss(targets=labels, alpha=parameters.loss.alpha, bins=parameters.loss.bins)
    course = evaluate.course_of(trained, names, split, loss, settings)
    bar = progress.show_progress("evaluate: perceptron", total=settings.max_steps, unit="steps")
    with distributed.join_group() as members, bar as advance:
        models = evaluate.models_of(trained, course, TableFolders(), members, advance)
    tested = [name for name in names if trajectory.copy_of(name) in split.test]
    answered = {
        name: predictions.answer(name, models, folders=TableFolders(), labels=labels) for name in tested
    }
    for name, answers in answered.items():
        predictions.write(Path(f"data/predictions/{name}.parquet"), answers, model="network", labels=labels)
    metrics, plots = evaluate.make_report(
        answered, labels, Path("data/isoconfigurational"), parameters.evaluate
    )
    target = Path("metrics/evaluate.json")
    target.parent.mkdir(exist_ok=True)
    told = {"selected_on": settings.select_on, **metrics}
    target.write_text(json.dumps(told, indent=2, allow_nan=False) + "\n")
    for name, table in plots.items():
        write_csv(Path("plots/evaluate") / f"{name}.csv", table, digits=6)


if __name__ == "__main__":
    run(main)
