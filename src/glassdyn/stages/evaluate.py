"""Stage `evaluate`: the network and its baselines on the test copies."""

import json
from pathlib import Path

from glassdyn import params, progress, trajectory
from glassdyn.evaluation import assessment, examination
from glassdyn.figures import predictions as figures
from glassdyn.learning import model_file, processes
from glassdyn.learning.samples import Tables
from glassdyn.params import Loss
from glassdyn.stages import run

__all__ = ["main"]


def main() -> None:
    """Read tables and the model; write predictions, metrics and plots."""
    parameters = params.load()
    split, settings = parameters.split, parameters.train
    trained = model_file.load(Path("models/network.safetensors"))
    labels, names = trained.targets, trajectory.names(Tables().features)
    loss = Loss(targets=labels, alpha=parameters.loss.alpha, bins=parameters.loss.bins)
    course = examination.course_of(trained, names, split, loss, settings)
    bar = progress.bar("evaluate: perceptron", total=settings.max_steps, unit="steps")
    with processes.group() as members, bar as advance:
        models = examination.models_of(trained, course, Tables(), members, advance)
    tested = [name for name in names if trajectory.copy_of(name) in split.test]
    answered = {name: assessment.answer(name, models, folders=Tables(), labels=labels) for name in tested}
    for name, answers in answered.items():
        assessment.write(Path(f"data/predictions/{name}.parquet"), answers, model="network", labels=labels)
    metrics, plots = examination.graded(answered, labels, Path("data/replicas"), parameters.evaluate)
    target = Path("metrics/evaluate.json")
    target.parent.mkdir(exist_ok=True)
    told = {"selected_on": settings.select_on, **metrics}
    target.write_text(json.dumps(told, indent=2, allow_nan=False) + "\n")
    figures.write(plots, Path("plots/evaluate"))


if __name__ == "__main__":
    run(main)
