"""Stage `train`: the network that regresses the labels from the structure."""

import json
from pathlib import Path

import torch

from glassdyn import params, progress, trajectory
from glassdyn.figures import style
from glassdyn.figures.training import curves, read_curves
from glassdyn.learning import journal, model_file, training
from glassdyn.learning.models.sizes import sizes_of
from glassdyn.learning.samples import Tables, labelled

__all__ = ["main"]


def main() -> None:
    """Read tables; write the selected model, its metrics and the curves of its training."""
    parameters = params.load()
    graph, model, loss, settings = parameters.graph, parameters.model, parameters.loss, parameters.train
    split = parameters.split
    watched = {"validation": split.validation, "test": split.test}[settings.select_on]
    train, held_out = (
        [
            labelled(name, Tables(), graph, loss.targets)
            for name in trajectory.names(Tables().features)
            if trajectory.copy_of(name) in copies
        ]
        for copies in (split.train, watched)
    )
    problem = training.problem_of(train, held_out, loss)
    sizes = sizes_of(train[0], graph.r_threshold)
    network = training.initial(model, sizes, settings.seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.lr)
    folder, part = Path("plots/train"), settings.select_on
    with progress.bar("train", total=settings.max_steps, unit="steps") as advance:
        fitting = training.fit(network, optimiser, problem, settings, advance=advance)
        *_, end = journal.kept(folder, part, loss.targets, fitting)
    network.load_state_dict(end.best)
    trained = model_file.TrainedModel(
        network,
        model,
        sizes,
        graph,
        parameters.descriptors,
        loss.targets,
        problem.normalisation,
        model_file.projection_of(Path("models/pca.safetensors")) if graph.nodes == "pca" else None,
    )
    model_file.save(Path("models/network.safetensors"), trained)
    metrics = journal.metrics(part, loss.targets, end)
    Path("metrics").mkdir(exist_ok=True)
    Path("metrics/train.json").write_text(json.dumps(metrics, indent=2, allow_nan=False) + "\n")
    selected = training.best_of(end.recordings).step
    style.save(curves(read_curves(folder / "plots/metrics"), selected), folder / "curves.png")


if __name__ == "__main__":
    main()
