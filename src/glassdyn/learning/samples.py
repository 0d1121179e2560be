"""Labelled graphs of the recorded samples, from the tables of features, components and labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from glassdyn import tables
from glassdyn.learning.graphs import Snapshot, node_features, snapshot
from glassdyn.params import Graph

__all__ = ["Tables", "labelled"]


class Tables(NamedTuple):
    """Folders with one table per sample (spec of the tables: `glassdyn.tables`).

    Attributes:
        features: middle frames and descriptors.
        pca: principal components.
        labels: labels.
    """

    features: Path = Path("data/features")
    pca: Path = Path("data/pca")
    labels: Path = Path("data/labels")


def labelled(name: str, folders: Tables, graph: Graph, targets: Sequence[str]) -> Snapshot:
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
    for folder in (folders.features, folders.labels, *([folders.pca] if graph.nodes == "pca" else [])):
        first = min(folder.glob("[!.]*.parquet"), default=folder / path.name)
        tables.agreed_parameters([first, folder / path.name])
        tables.check_together(path, folder / path.name)
    structure = tables.read(path)
    species = structure["type"].to_numpy()
    if graph.nodes == "pca":
        features = tables.read(folders.pca / f"{name}.parquet", ["components"])["components"].to_numpy()
    else:
        features = node_features(species, _descriptors(structure, graph))
    built = snapshot(
        structure.select("x", "y", "z").to_numpy(),
        species,
        features,
        box_length=tables.parameters(path)["box_length"],
        graph=graph,
    )
    labels = tables.read(folders.labels / path.name, ["type", *targets])
    if not labels["type"].equals(structure["type"]):
        raise tables.TableError(
            f"tables of a sample have a row for each of its particles: {path} and {folders.labels / path.name} "
            f"have {len(species)} and {len(labels)}, or of other types; run `dvc repro` to make them anew"
        )
    built.y = torch.from_numpy(labels.select(targets).to_numpy().astype(np.float32))
    return built


def _descriptors(structure: pl.DataFrame, graph: Graph) -> NDArray[np.float32]:
    """(N, F) columns of a structure table: none, the thesis's, or those of `describe` beside them as well."""
    further = structure.columns[structure.columns.index("descriptors") + 1 :]
    wanted = {"full": ["descriptors"], "extended": ["descriptors", *further]}.get(graph.nodes, [])
    nothing = np.empty((len(structure), 0), dtype=np.float32)
    return np.concatenate([nothing, *(structure[name].to_numpy() for name in wanted)], axis=1)
