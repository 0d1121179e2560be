"""The examination: the trained network and its rivals on the test copies, and what their answers are worth."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from glassdyn.baselines import predictors
from glassdyn.baselines.predictors import Predictor
from glassdyn.evaluation import noise_ceiling, plot_tables, predictions
from glassdyn.evaluation.predictions import Predictions
from glassdyn.learning.distributed import Group
from glassdyn.learning.labelled_graphs import TableFolders, require_parameters
from glassdyn.learning.model_file import TrainedModel
from glassdyn.learning.training_run import TrainingConfig
from glassdyn.params import Evaluate, Loss, Split, Train
from glassdyn.storage.trajectory import copy_of

__all__ = ["Report", "course_of", "make_report", "models_of"]


class Report(NamedTuple):
    """What is told about the answers.

    Attributes:
        metrics: nested numbers, see `predictions.metrics`.
        plots: tables by name, see `figures.predictions.write`.
    """

    metrics: dict[str, Any]
    plots: dict[str, pl.DataFrame]


def course_of(
    trained: TrainedModel, names: Sequence[str], split: Split, loss: Loss, settings: Train
) -> TrainingConfig:
    """The course that the network took, for its rivals to take too.

    Args:
        trained: the network.
        names: of all samples.
        split: copies of each part.
        loss: of the network's training.
        settings: of the network's training; they say which part stops it and selects the model.
    """
    watched = {"validation": split.validation, "test": split.test}[settings.select_on]
    train, held_out = (
        [name for name in names if copy_of(name) in copies] for copies in (split.train, watched)
    )
    return TrainingConfig(train, held_out, trained.graph, trained.model, loss, settings)


def models_of(
    trained: TrainedModel,
    course: TrainingConfig,
    folders: TableFolders,
    members: Group,
    advance: Callable[[float], None] = lambda _steps: None,
) -> dict[str, Predictor]:
    """The network and all its rivals, fitted.

    Args:
        trained: the network.
        course: that it took.
        folders: of the tables.
        members: this process, and where it computes.
        advance: told of every step of the perceptron's training.

    Raises:
        TableError: where labels were made otherwise than those that the network learnt.
    """
    require_parameters(course.train[0], folders, trained.labels)
    return {
        "network": predictors.network(trained, folders),
        **predictors.fit_linear(course, folders),
        "perceptron": predictors.perceptron(trained, course, folders, members, advance),
    }


def make_report(
    answered: Mapping[str, Predictions], labels: Sequence[str], replicas: Path, settings: Evaluate
) -> Report:
    """Compare answers with the truth.

    Args:
        answered: by sample of the test copies.
        labels: names of the labels.
        replicas: folder of the isoconfigurational runs' tables, where there are any.
        settings: of the errors, and lengths.
    """
    snapshots = list(answered.values())
    pooled = predictions.pool_predictions(snapshots, labels, settings.block_length)
    scores = predictions.scores_of(pooled, settings)
    lengths = noise_ceiling.by_length(snapshots, labels, settings.lengths)
    further: dict[str, predictions.Topic] = {
        "gain": predictions.gains(pooled, settings),
        "coarse": plot_tables.coarse(lengths),
        "isoconfigurational": noise_ceiling.against_runs(replicas, answered, labels),
    }
    plots = plot_tables.plot_tables(pooled, scores, lengths, np.random.default_rng(settings.seed))
    plots["slab"] = plot_tables.slab(snapshots[0], labels)
    return Report(predictions.metrics(pooled, scores, further), plots)
