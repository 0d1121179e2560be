"""Stage `train`: the network that regresses the labels from the structure, and its predictions of the test copies."""

from pathlib import Path

from glassdyn.learning import curves, distributed, model_file, training_run
from glassdyn.learning.labelled_graphs import TableFolders
from glassdyn.learning.predict_samples import predict_samples
from glassdyn.stages import load_params, run
from glassdyn.storage.outputs import write_metrics
from glassdyn.storage.trajectory import copy_of, sample_names

__all__ = ["main"]


def main() -> None:
    """Read tables; write the selected model, its predictions, its metrics and the curves of its training."""
    params, folders = load_params(), TableFolders()
    samples, targets, part = sample_names(folders.features), params.loss.targets, params.train.select_on
    config = training_run.configure_training(params, samples)
    with distributed.join_group() as group:
        setup = training_run.set_up(config, folders, group.device)
        with curves.monitor_training(Path("plots/train"), targets, params.train, group) as monitor:
            for state in training_run.run_training(config, setup, folders, group, monitor.advance):
                monitor.log(state)
    if group.rank == 0:
        model = training_run.trained_model(config, setup, state, Path("models/pca.safetensors"))
        model_file.save(Path("models/network.safetensors"), model)
        test = [name for name in samples if copy_of(name) in params.split.test]
        predict_samples(Path("data/predictions"), "network", model, test, folders, part)
        write_metrics(Path("metrics/train.json"), curves.summarise_training(part, targets, state))


if __name__ == "__main__":
    run(main)
