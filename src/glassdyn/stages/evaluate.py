"""Stage `evaluate`: the network and its baselines on the test copies."""

import json
from pathlib import Path

import numpy as np

from glassdyn import params, trajectory
from glassdyn.figures import predictions as figures
from glassdyn.learning import assessment, model_file, summaries
from glassdyn.learning.samples import Tables, labelled

__all__ = ["main"]


def main() -> None:
    """Read tables and the model; write predictions, metrics and plots."""
    split, settings = params.load().split, params.load().evaluate
    trained = model_file.load(Path("models/network.safetensors"))
    labels, graph = trained.targets, trained.graph
    names = trajectory.names(Tables().features)
    training, validation, test = (
        [name for name in names if trajectory.copy_of(name) in copies]
        for copies in (split.train, split.validation, split.test)
    )
    models = assessment.network(trained) | assessment.baselines_of(
        (labelled(name, Tables(), graph, labels) for name in training),
        (labelled(name, Tables(), graph, labels) for name in validation),
    )
    snapshots = []
    for name in test:
        answers = assessment.answer(
            name, models, graph=graph, labels=labels, block_length=settings.block_length
        )
        assessment.write(Path(f"data/predictions/{name}.parquet"), answers, model="network", labels=labels)
        snapshots.append(answers)
    pooled = assessment.pool(snapshots, labels)
    scores = assessment.scores_of(pooled, settings)
    metrics = Path("metrics/evaluate.json")
    metrics.parent.mkdir(exist_ok=True)
    metrics.write_text(json.dumps(assessment.metrics(pooled, scores), indent=2, allow_nan=False) + "\n")
    plots = summaries.all_of(pooled, scores, np.random.default_rng(settings.seed))
    figures.write(plots, Path("plots/evaluate"))


if __name__ == "__main__":
    main()
