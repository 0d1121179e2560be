"""Labelled graphs of the recorded samples, from the tables of features, components and labels."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from glassdyn import label_names
from glassdyn.learning.graphs import Snapshot, build_graph, node_features
from glassdyn.params import Graph
from glassdyn.storage import tables

__all__ = [
    "TableFolders",
    "label_parameters",
    "load_labelled_graph",
    "load_labels",
    "require_parameters",
    "structure_parameters",
]


class TableFolders(NamedTuple):
    """Folders with one table per sample (spec of the tables: `glassdyn.storage.tables`).

    Attributes:
        features: middle frames and descriptors.
        pca: principal components.
        labels: labels.
        replicas: means of labels over isoconfigurational runs.
    """

    features: Path = Path("data/features")
    pca: Path = Path("data/pca")
    labels: Path = Path("data/labels")
    replicas: Path = Path("data/isoconfigurational")

    def of_label(self, name: str) -> Path:
        """The folder whose tables have a label."""
        return self.replicas if label_names.is_mean(name) else self.labels


def load_labelled_graph(name: str, folders: TableFolders, graph: Graph, targets: Sequence[str]) -> Snapshot:
    """The graph of one sample with its labels in their own units, features not yet standardised.

    Args:
        name: of the sample, such as "copy02-sample05".
        folders: of the tables.
        graph: which pairs are joined and what nodes and edges carry.
        targets: names of the labels.

    Raises:
        TableError: for a table that is absent or damaged, lacks a target, or was made with parameters
            other than those of the first table in its folder, or of the sample's other tables.
    """
    path = folders.features / f"{name}.parquet"
    for folder in (folders.features, *([folders.pca] if graph.nodes == "pca" else [])):
        _check(folder, path)
    structure = tables.read(path)
    species = structure["type"].to_numpy()
    if graph.nodes == "pca":
        features = tables.read(folders.pca / f"{name}.parquet", ["components"])["components"].to_numpy()
    else:
        features = node_features(species, _descriptors(structure, graph))
    built = build_graph(
        structure.select("x", "y", "z").to_numpy(),
        species,
        features,
        box_length=tables.read_parameters(path)["box_length"],
        graph=graph,
    )
    labels = load_labels(name, folders, targets)
    if not labels["type"].equals(structure["type"]):
        raise tables.TableError(
            f"tables of a sample have a row for each of its particles: {path} and that of its labels have "
            f"{len(species)} and {len(labels)}, or of other types; run `dvc repro` to make them anew"
        )
    built.y = torch.from_numpy(labels.select(targets).to_numpy().astype(np.float32))
    return built


def load_labels(name: str, folders: TableFolders, targets: Sequence[str]) -> pl.DataFrame:
    """Columns type and the labels of one sample, float64, each from the folder that has it.

    Raises:
        TableError: as `load_labelled_graph`.
    """
    path, columns = folders.features / f"{name}.parquet", [pl.DataFrame()]
    for folder in dict.fromkeys(map(folders.of_label, targets)):
        here = [target for target in targets if folders.of_label(target) == folder]
        _check(folder, path)
        found = tables.read(folder / path.name, ["type", *here])
        columns.append(found if len(columns) == 1 else found.drop("type"))
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


def require_parameters(name: str, folders: TableFolders, wanted: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse labels of one sample that were made otherwise than those that a model learnt.

    Args:
        name: of the sample.
        folders: of the tables.
        wanted: as `label_parameters` told at the training.

    Raises:
        TableError: naming the parameter.
    """
    for target, parameters in wanted.items():
        tables.read(folders.of_label(target) / f"{name}.parquet", [target], parameters)


def _check(folder: Path, structure: Path) -> None:
    """Refuse a sample's table in a folder that differs from the first one there, or was made from another window."""
    path = folder / structure.name
    first = min(folder.glob("[!.]*.parquet"), default=path)
    tables.agreed_parameters([first, path])
    tables.check_together(structure, path)


def _descriptors(structure: pl.DataFrame, graph: Graph) -> NDArray[np.float32]:
    """(N, F) columns of a structure table: none, the thesis's, or those of `describe` beside them as well."""
    further = structure.columns[structure.columns.index("descriptors") + 1 :]
    wanted = {"full": ["descriptors"], "extended": ["descriptors", *further]}.get(graph.nodes, [])
    nothing = np.empty((len(structure), 0), dtype=np.float32)
    return np.concatenate([nothing, *(structure[name].to_numpy() for name in wanted)], axis=1)
