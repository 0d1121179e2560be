"""The examination: the trained network and its rivals on the test copies, and what their answers are worth."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from glassdyn.evaluation import assessment, limits, rivals, summaries
from glassdyn.evaluation.assessment import Answers
from glassdyn.evaluation.rivals import Rival
from glassdyn.learning.course import Course
from glassdyn.learning.model_file import TrainedModel
from glassdyn.learning.processes import Group
from glassdyn.learning.samples import Tables, require_parameters
from glassdyn.params import Evaluate, Loss, Split, Train
from glassdyn.trajectory import copy_of

__all__ = ["Grades", "course_of", "graded", "models_of"]


class Grades(NamedTuple):
    """What is told about the answers.

    Attributes:
        metrics: nested numbers, see `assessment.metrics`.
        plots: tables by name, see `figures.predictions.write`.
    """

    metrics: dict[str, Any]
    plots: dict[str, pl.DataFrame]


def course_of(
    trained: TrainedModel, names: Sequence[str], split: Split, loss: Loss, settings: Train
) -> Course:
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
    return Course(train, held_out, trained.graph, trained.model, loss, settings)


def models_of(
    trained: TrainedModel,
    course: Course,
    folders: Tables,
    members: Group,
    advance: Callable[[float], None] = lambda _steps: None,
) -> dict[str, Rival]:
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
        "network": rivals.network(trained, folders),
        **rivals.linear(course, folders),
        "perceptron": rivals.perceptron(trained, course, folders, members, advance),
    }


def graded(
    answered: Mapping[str, Answers], labels: Sequence[str], replicas: Path, settings: Evaluate
) -> Grades:
    """Compare answers with the truth.

    Args:
        answered: by sample of the test copies.
        labels: names of the labels.
        replicas: folder of the isoconfigurational runs' tables, where there are any.
        settings: of the errors, and lengths.
    """
    snapshots = list(answered.values())
    pooled = assessment.pool(snapshots, labels, settings.block_length)
    scores = assessment.scores_of(pooled, settings)
    lengths = limits.by_length(snapshots, labels, settings.lengths)
    further: dict[str, assessment.Topic] = {
        "gain": assessment.gains(pooled, settings),
        "coarse": summaries.coarse(lengths),
        "isoconfigurational": limits.against_runs(replicas, answered, labels),
    }
    plots = summaries.all_of(pooled, scores, lengths, np.random.default_rng(settings.seed))
    plots["slab"] = summaries.slab(snapshots[0], labels)
    return Grades(assessment.metrics(pooled, scores, further), plots)
