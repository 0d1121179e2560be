"""A whole training, from tables to a model; cut off at any step, it goes on where it was."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import nn

from glassdyn.features import pca
from glassdyn.features.node_features import reads_components
from glassdyn.learning import checkpoint, distributed, regression, training
from glassdyn.learning.dataset import Dataset, make_dataset
from glassdyn.learning.distributed import Group
from glassdyn.learning.labelled_graphs import (
    TableFolders,
    label_parameters,
    load_labelled_graph,
    structure_parameters,
)
from glassdyn.learning.model_file import TrainedModel
from glassdyn.learning.models import Residual, Sizes
from glassdyn.learning.models.sizes import infer_sizes
from glassdyn.learning.optimisation import make_optimiser
from glassdyn.learning.training import TrainingState
from glassdyn.params import Graph, Loss, Model, Split, Train
from glassdyn.storage.trajectory import copy_of

__all__ = [
    "TrainingConfig",
    "TrainingSetup",
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
        settings: how to descend and when to stop; of `seed` alone, whatever `seeds` says.
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
        sizes: of features and targets.
        structure: what determined the node features, see `structure_parameters`.
        labels: what determined the targets, see `label_parameters`.
    """

    dataset: Dataset
    network: nn.Module
    sizes: Sizes
    structure: dict[str, Any]
    labels: dict[str, dict[str, Any]]


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
    sizes, dataset = (
        infer_sizes(train[0], config.graph.r_threshold),
        make_dataset(train, held_out, config.loss),
    )
    network = training.initial_network(config.model, sizes, config.settings.seed)
    if isinstance(network, Residual):
        network.start_from(*regression.fit_linear(dataset), degree=_mean_degree(dataset))
    return TrainingSetup(
        dataset if config.settings.subgraph else dataset.to(device),
        network.to(device),
        sizes,
        structure_parameters(config.train[0], folders),
        label_parameters(config.train[0], folders, config.loss.targets),
    )


def _mean_degree(dataset: Dataset) -> float:
    """Edges that a node receives, mean over the training snapshots."""
    graphs = [example.graph for example in dataset.train]
    return sum(graph.num_edges for graph in graphs) / sum(graph.num_nodes for graph in graphs)


def run_training(
    config: TrainingConfig,
    setup: TrainingSetup,
    folder: Path,
    group: Group,
    advance: Callable[[float], None] = lambda _steps: None,
) -> Iterator[TrainingState]:
    """Train from where an earlier run was cut off, if there was one, and store every state.

    Args:
        config: what determines the training.
        setup: made from it and the tables; changed in place.
        folder: of the checkpoint; read and written by the first of the processes, for all.
        group: the processes that train together.
        advance: called with the number of steps done since the last call.

    Yields:
        The stored state, if any, and that at every log entry; for a regression the state that it ends in.
    """
    if config.model.kind == "ridge":
        yield regression.fit_ridge(setup.dataset)
    elif config.model.kind == "boosting":
        yield regression.fit_boosting(setup.dataset, config.settings)
    else:
        yield from _descend(config, setup, folder / NAME, group, advance)


def _descend(
    config: TrainingConfig,
    setup: TrainingSetup,
    path: Path,
    group: Group,
    advance: Callable[[float], None],
) -> Iterator[TrainingState]:
    optimiser = make_optimiser(setup.network, config.settings)
    content = path.read_bytes() if group.rank == 0 and path.exists() else b""
    stored = distributed.broadcast_bytes(content, group)
    restored = checkpoint.restore(stored, setup.network, optimiser)
    advance(restored.step)
    if restored.log:
        yield restored
    for state in training.fit(
        setup.network,
        optimiser,
        setup.dataset,
        config.settings,
        depth=config.model.n_rec,
        state=restored,
        group=group,
        advance=advance,
    ):
        if group.rank == 0:
            checkpoint.store(path, setup.network, optimiser, state)
        yield state


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
        (network,),
        config.model,
        setup.sizes,
        config.graph,
        setup.structure,
        config.loss.targets,
        setup.labels,
        setup.dataset.normalisation,
        pca.load(components)[0] if reads_components(config.graph.nodes) else None,
    )
