"""A whole training, from tables to a model; cut off at any step, it goes on where it was.

Its checkpoint, in the end its result, lies in the store under a hash of all that determines it: code,
parameters and tables. With another learning rate it begins anew.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import nn

from glassdyn.features import pca
from glassdyn.features.node_features import reads_components
from glassdyn.jobs import default_root
from glassdyn.jobs.atomic import publish
from glassdyn.jobs.code_digest import code_digest
from glassdyn.jobs.digests import Digests
from glassdyn.jobs.store import JobFolder, claim
from glassdyn.learning import checkpoint, distributed, training
from glassdyn.learning.dataset import Dataset, make_dataset
from glassdyn.learning.distributed import Group
from glassdyn.learning.labelled_graphs import (
    TableFolders,
    label_parameters,
    load_labelled_graph,
    structure_parameters,
)
from glassdyn.learning.model_file import TrainedModel
from glassdyn.learning.models import Sizes
from glassdyn.learning.models.sizes import infer_sizes
from glassdyn.learning.optimisation import make_optimiser
from glassdyn.learning.training import TrainingState
from glassdyn.params import Graph, Loss, Model, Params, Split, Train
from glassdyn.storage.trajectory import copy_of

__all__ = [
    "TrainingConfig",
    "TrainingSetup",
    "configure_training",
    "run_training",
    "select_samples",
    "set_up",
    "trained_model",
]

NAME = "training.safetensors"
"""Of the file that holds a training's state."""


class TrainingConfig(NamedTuple):
    """All that determines a training, besides code and tables.

    Attributes:
        train: names of the samples to train on.
        held_out: names of those that stop training and select the model.
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
        dataset: examples.
        network: as it stands.
        optimiser: of its weights.
        sizes: of features and targets.
        structure: what determined the node features, see `structure_parameters`.
        labels: what determined the targets, see `label_parameters`.
    """

    dataset: Dataset
    network: nn.Module
    optimiser: torch.optim.Optimizer
    sizes: Sizes
    structure: dict[str, Any]
    labels: dict[str, dict[str, Any]]


def configure_training(params: Params, samples: Sequence[str]) -> TrainingConfig:
    """The training that the parameters ask for, of these samples."""
    train, held_out = select_samples(samples, params.split, params.train.select_on)
    return TrainingConfig(train, held_out, params.graph, params.model, params.loss, params.train)


def select_samples(
    samples: Sequence[str], split: Split, select_on: Literal["validation", "test"]
) -> tuple[list[str], list[str]]:
    """The samples to train on, and those that stop training and select the model."""
    held_out = {"validation": split.validation, "test": split.test}[select_on]
    train, held_out_samples = (
        [name for name in samples if copy_of(name) in copies] for copies in (split.train, held_out)
    )
    return train, held_out_samples


def set_up(config: TrainingConfig, folders: TableFolders, device: torch.device) -> TrainingSetup:
    """Read the tables and build the untrained network, on a device.

    Whole snapshots lie there too; where a step takes a part of one, only that part is going to.
    """
    train, held_out = (
        [load_labelled_graph(name, folders, config.graph, config.loss.targets) for name in names]
        for names in (config.train, config.held_out)
    )
    sizes = infer_sizes(train[0], config.graph.r_threshold)
    network = training.initial_network(config.model, sizes, config.settings.seed).to(device)
    optimiser = make_optimiser(network, config.settings)
    dataset = make_dataset(train, held_out, config.loss)
    return TrainingSetup(
        dataset if config.settings.subgraph else dataset.to(device),
        network,
        optimiser,
        sizes,
        structure_parameters(config.train[0], folders),
        label_parameters(config.train[0], folders, config.loss.targets),
    )


def run_training(
    config: TrainingConfig,
    setup: TrainingSetup,
    folders: TableFolders,
    group: Group,
    advance: Callable[[float], None] = lambda _steps: None,
) -> Iterator[TrainingState]:
    """Train from where an earlier run was cut off, if there was one, and store every state.

    Args:
        config: what determines the training.
        setup: made from it and the tables; changed in place.
        folders: of the tables, whose contents enter the checkpoint's name.
        group: the processes that train together; the first stores the states, for all.
        advance: called with the number of steps done since the last call.

    Yields:
        The stored state, if any, and that at every log entry.
    """
    with _claim(config, folders) if group.rank == 0 else nullcontext() as folder:
        stored = distributed.broadcast_bytes(_read(folder) if folder else b"", group)
        restored = checkpoint.restore(stored, setup.network, setup.optimiser)
        advance(restored.step)
        if restored.log:
            yield restored
        for state in training.fit(
            setup.network,
            setup.optimiser,
            setup.dataset,
            config.settings,
            depth=config.model.n_rec,
            state=restored,
            group=group,
            advance=advance,
        ):
            if folder:
                checkpoint.store(folder.checkpoint / NAME, setup.network, setup.optimiser, state)
            yield state
        if folder and not folder.is_finished():
            publish(folder.checkpoint / NAME, folder.attempt / NAME)
            folder.finish()


def _claim(config: TrainingConfig, folders: TableFolders) -> AbstractContextManager[JobFolder]:
    """The training's place in the store, for this process alone."""
    facts = {"name": "train", "arguments": _arguments(config)}
    return claim(_key(config, folders), facts, waiting="another run trains this network")


def _read(folder: JobFolder) -> bytes:
    path = (folder.result if folder.is_finished() else folder.checkpoint) / NAME
    return path.read_bytes() if path.exists() else b""


def trained_model(
    config: TrainingConfig, setup: TrainingSetup, state: TrainingState, components: Path
) -> TrainedModel:
    """The selected model, with all that it needs on new data.

    Args:
        config: of the training.
        setup: after it.
        state: its last.
        components: file of the principal components, read where the node features are made of them.
    """
    network = training.initial_network(config.model, setup.sizes, config.settings.seed)
    network.load_state_dict(state.best)
    return TrainedModel(
        network,
        config.model,
        setup.sizes,
        config.graph,
        setup.structure,
        config.loss.targets,
        setup.labels,
        setup.dataset.normalisation,
        pca.load(components)[0] if reads_components(config.graph.nodes) else None,
    )


def _key(config: TrainingConfig, folders: TableFolders) -> str:
    names = [f"{name}.parquet" for name in (*config.train, *config.held_out)]
    of_labels = dict.fromkeys(map(folders.of_label, config.loss.targets))
    components = [folders.pca] if reads_components(config.graph.nodes) else []
    digests = Digests(default_root())
    inputs = [
        digests.of(folder / name) for folder in (folders.features, *of_labels, *components) for name in names
    ]
    entries = [__name__, code_digest(__name__), _arguments(config), inputs]
    return sha256(json.dumps(entries, sort_keys=True, allow_nan=False).encode()).hexdigest()


def _arguments(config: TrainingConfig) -> dict[str, object]:
    sections = config.graph, config.model, config.loss, config.settings
    return {"train": config.train, "held_out": config.held_out} | {
        type(section).__name__: asdict(section) for section in sections
    }
