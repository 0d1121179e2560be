"""What an evaluation reads: every model's predictions of the test copies, the true labels, the snapshots.

A model is a folder of tables (`glassdyn.storage.predictions`), whoever made them. Those of the pipeline predict every
target; others those that they have, and are left out where they have none.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn import label_names
from glassdyn.evaluation.predictions import Predictions
from glassdyn.evaluation.runs import SampleRuns, load_runs
from glassdyn.labels import LABELS
from glassdyn.storage import tables
from glassdyn.storage.predictions import PredictionTable, read_predictions
from glassdyn.storage.snapshots import read_snapshot
from glassdyn.storage.tables import TableError
from glassdyn.storage.trajectory import copy_of, sample_names

__all__ = ["EvaluationData", "EvaluationFolders", "find_models", "load_evaluation_data"]

Values = NDArray[np.float64]

MODELS = ("network", "constant", "ridge", "radial_ridge", "averaged_ridge", "perceptron")
"""Models of the pipeline, in the order of metrics and plots; others come behind, by their names."""


class EvaluationFolders(NamedTuple):
    """Folders of the tables.

    Attributes:
        predictions: a folder for each model, in it a table for each sample of the test copies.
        snapshots: middle frames, of all samples.
        labels: labels of all samples.
        isoconfigurational: means of labels over isoconfigurational runs, and the runs.
    """

    predictions: Path = Path("data/predictions")
    snapshots: Path = Path("data/snapshots")
    labels: Path = Path("data/labels")
    isoconfigurational: Path = Path("data/isoconfigurational")


class EvaluationData(NamedTuple):
    """The test set.

    Attributes:
        selected_on: the part that the network was selected on.
        folds: copy that is tested -> fold that tests it.
        snapshots: true and predicted labels, by sample of these copies.
        unrelated: models that predict none of the labels.
        thresholds: of the labels that have one, by label; above it a label means an event.
        runs: label -> sample -> isoconfigurational runs, of all samples that have such runs, of any part.
    """

    selected_on: str
    folds: Mapping[int, int]
    snapshots: Mapping[str, Predictions]
    unrelated: Sequence[str]
    thresholds: Mapping[str, float]
    runs: Mapping[str, Mapping[str, SampleRuns]]


def load_evaluation_data(
    folds: Mapping[int, int], labels: Sequence[str], folders: EvaluationFolders
) -> EvaluationData:
    """Read the predictions of all models for the samples of the test copies, and the truth.

    Args:
        folds: copy that is tested -> fold that tests it.
        labels: that the models predict.
        folders: of the tables.

    Raises:
        TableError: without predictions of the network; for a table that is absent or damaged, lacks a label, has
            other particles than the snapshot, was made with other parameters than one that it is compared with, or
            by the models of a fold that does not test its copy.
    """
    every = sample_names(folders.snapshots)
    samples = [name for name in every if copy_of(name) in folds]
    if not samples:
        raise TableError(
            f"the test copies have at least one sample: {folders.snapshots} has none of copies {list(folds)} "
            "(params.yaml: split.test)"
        )
    models = find_models(folders.predictions, samples)
    predicted = {
        name: {model: read_predictions(folders.predictions, name, model) for model in models}
        for name in samples
    }
    for name in samples:
        _require_fold(name, folds[copy_of(name)], predicted[name])
    predicts = _labels_of_models(predicted, labels, folders.predictions)
    unrelated = [model for model in models if not predicts[model]]
    for by_model in predicted.values():
        for model in unrelated:
            del by_model[model]
    snapshots = {name: _load_sample(name, labels, predicted[name], folders) for name in samples}
    selected_on = _selected_on(predicted[samples[0]]["network"])
    tables_of_runs = folders.isoconfigurational, folders.labels, folders.snapshots
    runs = {label: load_runs(*tables_of_runs, every, label) for label in labels}
    thresholds = _thresholds(samples[0], labels, folders)
    return EvaluationData(selected_on, folds, snapshots, unrelated, thresholds, runs)


def find_models(folder: Path, samples: Sequence[str]) -> list[str]:
    """Names of the models that have predictions: those of the pipeline first.

    Args:
        folder: of all predictions.
        samples: of the test copies.

    Raises:
        TableError: where the network has no predictions, or a model lacks a sample.
    """
    names = {path.name for path in folder.glob("[!.]*") if path.is_dir()}
    if "network" not in names:
        raise TableError(
            f"baselines are compared with the network: there is no folder {folder / 'network'}; run `dvc repro train`"
        )
    models = [name for name in MODELS if name in names] + sorted(names - set(MODELS))
    for model in models:
        absent = [name for name in samples if not (folder / model / f"{name}.parquet").exists()]
        if absent:
            raise TableError(
                f"a model predicts every sample of the test copies: {folder / model} has no table of "
                f"{', '.join(absent)}; run `dvc repro` for the pipeline's own models, add the tables, or move the "
                "folder away"
            )
    return models


def _labels_of_models(
    predicted: Mapping[str, Mapping[str, PredictionTable]], labels: Sequence[str], folder: Path
) -> dict[str, list[str]]:
    """Model -> those of the labels that it predicts, of every sample."""
    first = next(iter(predicted.values()))
    of_models = {
        model: [label for label in labels if label in table.predictions] for model, table in first.items()
    }
    for name, by_model in predicted.items():
        for model, table in by_model.items():
            wanted = labels if model in MODELS else of_models[model]
            absent = [f"predicted_{label}" for label in wanted if label not in table.predictions]
            if absent:
                raise TableError(
                    f"the pipeline's models predict all targets, {', '.join(labels)} (params.yaml: loss.targets), and "
                    f"others the same in every table: {folder / model / name}.parquet has no column "
                    f"{', '.join(absent)}; run `dvc repro` for the pipeline's own models, or add it"
                )
    return of_models


def _require_fold(name: str, fold: int, predicted: Mapping[str, PredictionTable]) -> None:
    """Refuse predictions by models that learnt from the copy; a foreign table need not say of which fold it is."""
    for model, table in predicted.items():
        stored = table.metadata.get("fold", fold)
        if stored != fold:
            raise TableError(
                f"a sample is predicted by the models of the fold that tests its copy: {model} predicts {name} in "
                f"fold {stored}, it is tested in fold {fold}; run `dvc repro` to make the predictions anew"
            )


def _selected_on(network: PredictionTable) -> str:
    part = network.metadata.get("selected_on")
    if not isinstance(part, str):
        raise TableError(
            f"the network's tables name the part that it was selected on: got {part}; run `dvc repro train`"
        )
    return part


def _load_sample(
    name: str,
    labels: Sequence[str],
    predicted: Mapping[str, PredictionTable],
    folders: EvaluationFolders,
) -> Predictions:
    snapshot = folders.snapshots / f"{name}.parquet"
    positions, species, box_length = read_snapshot(snapshot)
    targets: dict[str, Values] = {}
    for model, table in predicted.items():
        _require_species(folders.predictions / model / f"{name}.parquet", table.species, species)
    for path, labels_here in _label_tables(name, labels, folders).items():
        tables.require_consistent(path, snapshot)
        _require_parameters(path, labels_here, predicted)
        types, *columns = (column.to_numpy() for column in tables.read(path, ["type", *labels_here]))
        _require_species(path, types, species)
        targets |= dict(zip(labels_here, columns, strict=True))
    predictions = {
        label: {
            model: table.predictions[label]
            for model, table in predicted.items()
            if label in table.predictions
        }
        for label in labels
    }
    in_order = {label: targets[label] for label in labels}
    return Predictions(species, in_order, predictions, positions, box_length)


def _thresholds(sample: str, labels: Sequence[str], folders: EvaluationFolders) -> dict[str, float]:
    """The thresholds of labels of that very name, with which their tables were made."""
    keys = {label.name: label.threshold for label in LABELS if label.threshold}
    stored = tables.read_parameters(folders.labels / f"{sample}.parquet") if keys.keys() & set(labels) else {}
    return {label: float(stored[keys[label]]) for label in labels if label in keys}


def _label_tables(name: str, labels: Sequence[str], folders: EvaluationFolders) -> dict[Path, list[str]]:
    """The tables that have the labels of a sample, and which of them each has."""
    by_path: dict[Path, list[str]] = {}
    for label in labels:
        folder = folders.isoconfigurational if label_names.is_mean(label) else folders.labels
        by_path.setdefault(folder / f"{name}.parquet", []).append(label)
    return by_path


def _require_species(path: Path, types: NDArray[Any], species: NDArray[np.uint8]) -> None:
    """Refuse a table that has other particles than the snapshot."""
    if not np.array_equal(types, species):
        raise TableError(
            f"tables of a sample have a row for each of its particles: {path} has {len(types)} rows, the snapshot "
            f"{len(species)} particles, or their types differ; run `dvc repro` to make it anew"
        )


def _require_parameters(path: Path, labels: Sequence[str], predicted: Mapping[str, PredictionTable]) -> None:
    """Refuse labels made with other parameters than those that a model was trained on."""
    stored = tables.read_parameters(path)
    for model, table in predicted.items():
        for label in labels:
            for key, wanted in table.metadata.get("labels", {}).get(label, {}).items():
                if stored.get(key) != wanted:
                    raise TableError(
                        f"{path} was made with another {key} than the labels that {model} was trained on: wanted "
                        f"{wanted}, got {stored.get(key)}; run `dvc repro` to make the predictions anew"
                    )
