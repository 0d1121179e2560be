"""Stage `baselines`: what the network has to beat, fitted to the same samples, and its predictions."""

from pathlib import Path

from glassdyn.baselines import baselines_file, fit
from glassdyn.baselines.predict_samples import predict_samples
from glassdyn.learning.labelled_graphs import TableFolders
from glassdyn.learning.training_jobs import run_trainings, select_test
from glassdyn.stages import load_params, run
from glassdyn.storage.trajectory import sample_names

__all__ = ["main"]


def main() -> None:
    """Read tables; write the baselines and their predictions of the test copies."""
    params, folders, pca = load_params(), TableFolders(), Path("models/pca.safetensors")
    samples, part = sample_names(folders.features), params.train.select_on
    trainings = fit.plan_perceptrons(params, samples)
    results = run_trainings(trainings, folders, pca, label="perceptron")
    if not results:
        return
    for fold, baselines in enumerate(fit.fit_baselines(trainings, results, folders)):
        test = select_test(samples, params.split, fold)
        predict_samples(
            Path("data/predictions"), baselines, test, folders=folders, selected_on=part, fold=fold
        )
        if fold == 0:
            baselines_file.save(Path("models/baselines.safetensors"), baselines)


if __name__ == "__main__":
    run(main)
