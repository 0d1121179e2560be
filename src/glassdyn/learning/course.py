"""A whole training, from tables to a model; cut off at any step, it goes on where it was.

Its checkpoint, in the end its result, lies in the scratch folder under a hash of all that determines it: code,
parameters and tables. With another learning rate it begins anew.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from fcntl import LOCK_SH
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from glassdyn.files import publish
from glassdyn.fleet.scratch import Folder, default_root, digest, locked
from glassdyn.learning import checkpoint, processes, training
from glassdyn.learning.exercises import Problem, problem_of
from glassdyn.learning.model_file import TrainedModel, projection_of
from glassdyn.learning.models import Sizes
from glassdyn.learning.models.sizes import sizes_of
from glassdyn.learning.processes import Group
from glassdyn.learning.samples import Tables, labelled, parameters_of, structure_of
from glassdyn.learning.training import Progress
from glassdyn.params import Graph, Loss, Model, Train
from glassdyn.provenance import code_digest

__all__ = ["Course", "Lesson", "attended", "graduate", "prepared"]

NAME = "training.safetensors"
"""Of the file that holds a training's state."""


class Course(NamedTuple):
    """All that determines a training, besides code and tables.

    Attributes:
        train: names of the samples to learn from.
        held_out: names of those that stop it and select the model.
        graph: which pairs are joined and what nodes and edges carry.
        model: kind, recurrences and layers.
        loss: targets and their weights.
        settings: how to descend and when to stop.
    """

    train: Sequence[str]
    held_out: Sequence[str]
    graph: Graph
    model: Model
    loss: Loss
    settings: Train


class Lesson(NamedTuple):
    """What a training works with.

    Attributes:
        problem: exercises.
        network: as it stands.
        optimiser: of its weights.
        sizes: of features and targets.
        structure: what determined the node features, see `structure_of`.
        labels: what determined the targets, see `parameters_of`.
    """

    problem: Problem
    network: nn.Module
    optimiser: torch.optim.Optimizer
    sizes: Sizes
    structure: dict[str, Any]
    labels: dict[str, dict[str, Any]]


def prepared(course: Course, tables: Tables, device: torch.device) -> Lesson:
    """Read the tables and build the untrained network, on a device.

    Whole snapshots lie there too; where a step takes a part of one, only that part is going to.
    """
    train, held_out = (
        [labelled(name, tables, course.graph, course.loss.targets) for name in names]
        for names in (course.train, course.held_out)
    )
    sizes = sizes_of(train[0], course.graph.r_threshold)
    network = training.initial(course.model, sizes, course.settings.seed).to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=course.settings.lr)
    problem = problem_of(train, held_out, course.loss)
    return Lesson(
        problem if course.settings.subgraph else problem.to(device),
        network,
        optimiser,
        sizes,
        structure_of(course.train[0], tables),
        parameters_of(course.train[0], tables, course.loss.targets),
    )


def attended(
    course: Course,
    lesson: Lesson,
    tables: Tables,
    members: Group,
    advance: Callable[[float], None] = lambda _steps: None,
) -> Iterator[Progress]:
    """Train from where an earlier attempt was cut off, if there was one.

    Args:
        course: what determines the training.
        lesson: made from it and the tables; changed in place.
        tables: folders of the tables, whose contents enter the checkpoint's name.
        members: the processes that train together; the first keeps the checkpoint, for all.
        advance: told of every step.

    Yields:
        The progress found, if any, and that of every recording.
    """
    with _opened(course, tables) if members.rank == 0 else nullcontext() as folder:
        stored = processes.of_the_first(_stored(folder) if folder else b"", members)
        found = checkpoint.restore(stored, lesson.network, lesson.optimiser)
        advance(found.step)
        if found.recordings:
            yield found
        for progress in training.fit(
            lesson.network,
            lesson.optimiser,
            lesson.problem,
            course.settings,
            depth=course.model.n_rec,
            progress=found,
            members=members,
            advance=advance,
        ):
            if folder:
                checkpoint.store(folder.checkpoint / NAME, lesson.network, lesson.optimiser, progress)
            yield progress
        if folder and not folder.is_finished():
            publish(folder.checkpoint / NAME, folder.attempt / NAME)
            folder.finish()


@contextmanager
def _opened(course: Course, tables: Tables) -> Iterator[Folder]:
    """The training's place in the scratch folder, for this process alone."""
    root = default_root()
    folder = Folder(root / "jobs" / _key(course, tables))
    with locked(root / "in-use", LOCK_SH), locked(folder.lock, waiting="another run trains this network"):
        folder.describe({"name": "train", "arguments": _arguments(course)})
        if not folder.is_finished():
            folder.begin()
        yield folder


def _stored(folder: Folder) -> bytes:
    path = (folder.result if folder.is_finished() else folder.checkpoint) / NAME
    return path.read_bytes() if path.exists() else b""


def graduate(course: Course, lesson: Lesson, progress: Progress, pca: Path) -> TrainedModel:
    """The selected model, with all that it needs on new data.

    Args:
        course: of the training.
        lesson: after it.
        progress: its end.
        pca: file of the principal components, read where they are the node features.
    """
    network = training.initial(course.model, lesson.sizes, course.settings.seed)
    network.load_state_dict(progress.best)
    return TrainedModel(
        network,
        course.model,
        lesson.sizes,
        course.graph,
        lesson.structure,
        course.loss.targets,
        lesson.labels,
        lesson.problem.normalisation,
        projection_of(pca) if course.graph.nodes == "pca" else None,
    )


def _key(course: Course, tables: Tables) -> str:
    names = [f"{name}.parquet" for name in (*course.train, *course.held_out)]
    of_labels = dict.fromkeys(map(tables.of_label, course.loss.targets))
    folders = [tables.features, *of_labels, *([tables.pca] if course.graph.nodes == "pca" else [])]
    inputs = [digest(folder / name) for folder in folders for name in names]
    entries = [__name__, code_digest(__name__), _arguments(course), inputs]
    return sha256(json.dumps(entries, sort_keys=True, allow_nan=False).encode()).hexdigest()


def _arguments(course: Course) -> dict[str, object]:
    sections = course.graph, course.model, course.loss, course.settings
    return {"train": course.train, "held_out": course.held_out} | {
        type(section).__name__: asdict(section) for section in sections
    }
