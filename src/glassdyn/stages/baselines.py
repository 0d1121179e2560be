"""Stage `baselines`: what the network has to beat, fitted to the same samples, and its predictions."""

from pathlib import Path

from glassdyn.baselines import baselines_file, fit
from glassdyn.baselines.predict_samples import predict_samples
from glassdyn.jobs import progress
from glassdyn.learning import distributed
from glassdyn.learning.labelled_graphs import TableFolders
from glassdyn.stages import load_params, run
from glassdyn.storage.trajectory import copy_of, sample_names

__all__ = ["main"]


def main() -> None:
    """Read tables; write the baselines and their predictions of the test copies."""
    params, folders, pca = load_params(), TableFolders(), Path("models/pca.safetensors")
    samples = sample_names(folders.features)
    config = fit.configure_perceptron(params, samples)
    bar = progress.show_progress("baselines: perceptron", total=config.settings.max_steps, unit="steps")
    with distributed.join_group() as group, bar as advance:
        perceptron = fit.fit_perceptron(config, folders, group, pca=pca, advance=advance)
    if group.rank == 0:
        linear, radial = fit.fit_linear(config, folders), fit.fit_scale(config.train, folders)
        baselines = fit.Baselines(linear, radial, perceptron)
        baselines_file.save(Path("models/baselines.safetensors"), baselines)
        test = [name for name in samples if copy_of(name) in params.split.test]
        part = params.train.select_on
        predict_samples(Path("data/predictions"), baselines, test, folders=folders, selected_on=part)


if __name__ == "__main__":
    run(main)
