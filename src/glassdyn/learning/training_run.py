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

from glassdyn.jobs.atomic import publish
from glassdyn.jobs.code_digest import code_digest
from glassdyn.jobs.digests import digest
from glassdyn.jobs.store import JobFolder, default_root, locked
from glassdyn.learning import checkpoint, distributed, training
from glassdyn.learning.dataset import Dataset, make_dataset
from glassdyn.learning.distributed import Group
from glassdyn.learning.labelled_graphs import (
    TableFolders,
    label_parameters,
    load_labelled_graph,
    structure_parameters,
)
from glassdyn.learning.model_file import TrainedModel, load_projection
from glassdyn.learning.models import Sizes
from glassdyn.learning.models.sizes import infer_sizes
from glassdyn.learning.training import Progress
from glassdyn.params import Graph, Loss, Model, Train

__all__ = ["TrainingConfig", "TrainingSetup", "run_training", "set_up", "trained_model"]

NAME = "training.safetensors"
"""Of the file that holds a training's state."""


class TrainingConfig(NamedTuple):
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


class TrainingSetup(NamedTuple):
    """What a training works with.

    Attributes:
        problem: exercises.
        network: as it stands.
        optimiser: of its weights.
        sizes: of features and targets.
        structure: what determined the node features, see `structure_parameters`.
        labels: what determined the targets, see `label_parameters`.
    """

    problem: Dataset
    network: nn.Module
    optimiser: torch.optim.Optimizer
    sizes: Sizes
    structure: dict[str, Any]
    labels: dict[str, dict[str, Any]]


def set_up(course: TrainingConfig, tables: TableFolders, device: torch.device) -> TrainingSetup:
    """Read the tables and build the untrained network, on a device.

    Whole snapshots lie there too; where a step takes a part of one, only that part is going to.
    """
    train, held_out = (
        [load_labelled_graph(name, tables, course.graph, course.loss.targets) for name in names]
        for names in (course.train, course.held_out)
    )
    sizes = infer_sizes(train[0], course.graph.r_threshold)
    network = training.initial_network(course.model, sizes, course.settings.seed).to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=course.settings.lr)
    problem = make_dataset(train, held_out, course.loss)
    return TrainingSetup(
        problem if course.settings.subgraph else problem.to(device),
        network,
        optimiser,
        sizes,
        structure_parameters(course.train[0], tables),
        label_parameters(course.train[0], tables, course.loss.targets),
    )


def run_training(
    course: TrainingConfig,
    lesson: TrainingSetup,
    tables: TableFolders,
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
        stored = distributed.broadcast_bytes(_stored(folder) if folder else b"", members)
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
def _opened(course: TrainingConfig, tables: TableFolders) -> Iterator[JobFolder]:
    """The training's place in the scratch folder, for this process alone."""
    root = default_root()
    folder = JobFolder(root / "jobs" / _key(course, tables))
    with locked(root / "in-use", LOCK_SH), locked(folder.lock, waiting="another run trains this network"):
        folder.describe({"name": "train", "arguments": _arguments(course)})
        if not folder.is_finished():
            folder.begin()
        yield folder


def _stored(folder: JobFolder) -> bytes:
    path = (folder.result if folder.is_finished() else folder.checkpoint) / NAME
    return path.read_bytes() if path.exists() else b""


def trained_model(
    course: TrainingConfig, lesson: TrainingSetup, progress: Progress, pca: Path
) -> TrainedModel:
    """The selected model, with all that it needs on new data.

    Args:
        course: of the training.
        lesson: after it.
        progress: its end.
        pca: file of the principal components, read where they are the node features.
    """
    network = training.initial_network(course.model, lesson.sizes, course.settings.seed)
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
        load_projection(pca) if course.graph.nodes == "pca" else None,
    )


def _key(course: TrainingConfig, tables: TableFolders) -> str:
    names = [f"{name}.parquet" for name in (*course.train, *course.held_out)]
    of_labels = dict.fromkeys(map(tables.of_label, course.loss.targets))
    folders = [tables.features, *of_labels, *([tables.pca] if course.graph.nodes == "pca" else [])]
    inputs = [digest(folder / name) for folder in folders for name in names]
    entries = [__name__, code_digest(__name__), _arguments(course), inputs]
    return sha256(json.dumps(entries, sort_keys=True, allow_nan=False).encode()).hexdigest()


def _arguments(course: TrainingConfig) -> dict[str, object]:
    sections = course.graph, course.model, course.loss, course.settings
    return {"train": course.train, "held_out": course.held_out} | {
        type(section).__name__: asdict(section) for section in sections
    }
