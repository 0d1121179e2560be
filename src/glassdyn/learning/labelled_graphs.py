"""Graphs of the recorded samples with their labels, from the tables of features, components and labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch

from glassdyn import label_names
from glassdyn.features.node_features import features_from_tables
from glassdyn.learning.graphs import Snapshot, build_graph
from glassdyn.liquid.configuration import Configuration
from glassdyn.params import Graph
from glassdyn.storage import tables

__all__ = [
    "TableFolders",
    "label_parameters",
    "load_graph",
    "load_labelled_graph",
    "load_labels",
    "structure_parameters",
]


class TableFolders(NamedTuple):
    """Folders with one table per sample (spec of the tables: `glassdyn.storage.tables`).

    Attributes:
        features: middle frames and descriptors.
        pca: principal components.
        labels: labels.
        isoconfigurational: means of labels over isoconfigurational runs.
    """

    features: Path = Path("data/features")
    pca: Path = Path("data/pca")
    labels: Path = Path("data/labels")
    isoconfigurational: Path = Path("data/isoconfigurational")

    def of_label(self, name: str) -> Path:
        """The folder whose tables have a label."""
        return self.isoconfigurational if label_names.is_mean(name) else self.labels


def load_graph(name: str, folders: TableFolders, graph_params: Graph) -> Snapshot:
    """The graph of one sample without labels, features not yet standardised.

    Args:
        name: of the sample, such as "copy02-sample05".
        folders: of the tables.
        graph_params: which pairs are joined and what nodes and edges carry.

    Raises:
        TableError: for a table that is absent or damaged, or was made with parameters other than those of
            the first table in its folder, or of the sample's other tables.
    """
    path = folders.features / f"{name}.parquet"
    tables.require_consistent(path, path)
    axes = ["inherent_positions"] if graph_params.positions == "inherent" else ["x", "y", "z"]
    structure = tables.read(path, ["type", *axes])
    positions = structure[axes[0]] if len(axes) == 1 else structure.select(axes)
    configuration = Configuration(
        positions.to_numpy(), structure["type"].to_numpy(), tables.read_parameters(path)["box_length"]
    )
    features = features_from_tables(path, graph_params.nodes, pca=folders.pca / path.name)
    return build_graph(configuration, features, graph_params)


def load_labelled_graph(
    name: str, folders: TableFolders, graph_params: Graph, targets: Sequence[str]
) -> Snapshot:
    """The graph of one sample with its labels in their own units, features not yet standardised.

    Args:
        name: of the sample.
        folders: of the tables.
        graph_params: as for `load_graph`.
        targets: names of the labels.

    Raises:
        TableError: as `load_graph`, or where a table lacks a target or has other particles.
    """
    graph, labels = load_graph(name, folders, graph_params), load_labels(name, folders, targets)
    if not np.array_equal(labels["type"].to_numpy(), graph.species.numpy()):
        raise tables.TableError(
            f"tables of a sample have a row for each of its particles: {folders.features / name}.parquet and that "
            f"of its labels have {graph.num_nodes} and {len(labels)}, or of other types; run `dvc repro` to make "
            "them anew"
        )
    return graph._replace(y=torch.from_numpy(labels.select(targets).to_numpy().astype(np.float32)))


def load_labels(name: str, folders: TableFolders, targets: Sequence[str]) -> pl.DataFrame:
    """Columns type and the labels of one sample, float64, each from the folder that has it.

    Raises:
        TableError: as `load_labelled_graph`.
    """
    path, columns = folders.features / f"{name}.parquet", [pl.DataFrame()]
    for folder in dict.fromkeys(map(folders.of_label, targets)):
        here = [target for target in targets if folders.of_label(target) == folder]
        tables.require_consistent(folder / path.name, path)
        table = tables.read(folder / path.name, ["type", *here])
        columns.append(table if len(columns) == 1 else table.drop("type"))
    return pl.concat(columns, how="horizontal").select("type", *targets)


def label_parameters(name: str, folders: TableFolders, targets: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What determined the labels of one sample: target -> the parameters of the table that has it."""
    return {
        target: tables.read_parameters(folders.of_label(target) / f"{name}.parquet")
        for target in dict.fromkeys(targets)
    }


def structure_parameters(name: str, folders: TableFolders) -> dict[str, Any]:
    """What determined the structure table of one sample."""
    return tables.read_parameters(folders.features / f"{name}.parquet")
