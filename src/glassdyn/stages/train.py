"""Stage `train`: the model that regresses the labels from the structure, and its predictions of the test copies."""

from itertools import groupby
from pathlib import Path

from glassdyn.learning import curves, model_file
from glassdyn.learning.labelled_graphs import TableFolders
from glassdyn.learning.predict_samples import predict_samples
from glassdyn.learning.training_jobs import plan_trainings, run_trainings, select_test, summarise_results
from glassdyn.stages import load_params, run
from glassdyn.storage.outputs import write_metrics
from glassdyn.storage.trajectory import sample_names

__all__ = ["main"]


def main() -> None:
    """Read tables; write the model, its predictions, its metrics and the curves of the first training."""
    params, folders, pca = load_params(), TableFolders(), Path("models/pca.safetensors")
    samples, targets, part = sample_names(folders.features), params.loss.targets, params.train.select_on
    trainings = plan_trainings(params, params.model, samples)
    results = run_trainings(trainings, folders, pca, label="train")
    for fold, members in groupby(results, key=lambda result: result.fold):
        model = model_file.average_models([member.model for member in members])
        test = select_test(samples, params.split, fold)
        predict_samples(
            Path("data/predictions"), "network", model, test, folders, selected_on=part, fold=fold
        )
        if fold == 0:
            model_file.save(Path("models/network.safetensors"), model)
    if results:
        curves.write_curves(Path("plots/train"), targets, results[0].log)
        write_metrics(Path("metrics/train.json"), summarise_results(part, targets, results))


if __name__ == "__main__":
    run(main)
