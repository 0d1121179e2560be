"""Stage `evaluate`: the network and its baselines on the test copies."""

import json
from pathlib import Path

import numpy as np

from glassdyn import params, progress, trajectory
from glassdyn.figures import predictions as figures
from glassdyn.learning import assessment, limits, model_file, rivals, summaries
from glassdyn.learning.samples import Tables, labelled

__all__ = ["main"]


def main() -> None:
    """Read tables and the model; write predictions, metrics and plots."""
    parameters = params.load()
    split, settings = parameters.split, parameters.evaluate
    trained = model_file.load(Path("models/network.safetensors"))
    labels, graph = trained.targets, trained.graph
    names = trajectory.names(Tables().features)
    watched = {"validation": split.validation, "test": split.test}[parameters.train.select_on]
    fit_on, choose_on = (
        [labelled(name, Tables(), graph, labels) for name in names if trajectory.copy_of(name) in copies]
        for copies in (split.train, watched)
    )
    models = {"network": rivals.network(trained), **rivals.linear(fit_on, choose_on)}
    loss, effort = parameters.loss, parameters.train
    with progress.bar("evaluate: perceptron", total=effort.max_steps, unit="steps") as advance:
        models["perceptron"] = rivals.perceptron(
            trained, fit_on, choose_on, loss=loss, settings=effort, advance=advance
        )
    snapshots = {}
    for name in (name for name in names if trajectory.copy_of(name) in split.test):
        snapshots[name] = assessment.answer(name, models, graph=graph, labels=labels)
        table = Path(f"data/predictions/{name}.parquet")
        assessment.write(table, snapshots[name], model="network", labels=labels)
    pooled = assessment.pool(list(snapshots.values()), labels, settings.block_length)
    scores = assessment.scores_of(pooled, settings)
    lengths = limits.by_length(list(snapshots.values()), labels, settings.lengths)
    further: dict[str, assessment.Topic] = {
        "gain": assessment.gains(pooled, settings),
        "coarse": summaries.coarse(lengths),
        "isoconfigurational": limits.against_runs(Path("data/replicas"), snapshots, labels, "network"),
    }
    metrics = Path("metrics/evaluate.json")
    metrics.parent.mkdir(exist_ok=True)
    found = assessment.metrics(pooled, scores, further)
    metrics.write_text(json.dumps(found, indent=2, allow_nan=False) + "\n")
    plots = summaries.all_of(pooled, scores, lengths, np.random.default_rng(settings.seed))
    plots["slab"] = summaries.slab(next(iter(snapshots.values())), labels)
    figures.write(plots, Path("plots/evaluate"))


if __name__ == "__main__":
    main()
