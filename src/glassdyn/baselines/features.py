"""Features of the linear baselines: radial ones, whatever the network sees, and the network's own.

The radial ones are type and radial descriptors; the averaged ones add two generations of averages over neighbours.

Source of the averages' reach: Boattini, Smallenburg & Filion, Phys. Rev. Lett. 127, 088007 (2021).
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.features.columns import LazyColumns
from glassdyn.features.describe import DescriptorSpec
from glassdyn.features.neighbour_averages import average_generations
from glassdyn.features.node_features import NODE_FEATURES, columns_of_configuration, features_from_tables
from glassdyn.features.pca import PrincipalComponents
from glassdyn.learning.graphs import node_rows
from glassdyn.learning.labelled_graphs import TableFolders
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.neighbours import find_neighbours
from glassdyn.params import Graph
from glassdyn.storage import tables

__all__ = [
    "FEATURES",
    "Inputs",
    "averaged_features",
    "inputs_from_configuration",
    "inputs_from_tables",
    "load_radial_features",
]

Values = NDArray[np.float64]

GENERATIONS = 2
REACH = 3.5
"""Radius of an average, units of sigma_AA; half the box where that is less."""

DECAY = 2.0
"""Length over which a neighbour's share in an average decays, units of sigma_AA."""


class Inputs(NamedTuple):
    """What the features of a sample are computed from.

    Attributes:
        columns: `radial`, (N, F) type and radial descriptors, and `nodes`, (N, F') the network's node features;
            computed or read when they are asked for.
        configuration: positions, species and box.
    """

    columns: Mapping[str, Values]
    configuration: Configuration


def inputs_from_tables(name: str, folders: TableFolders, graph: Graph) -> Inputs:
    """Those of a recorded sample.

    Args:
        name: of the sample.
        folders: of the tables.
        graph: kind of the network's node features, and where they are standardised.
    """
    path = folders.features / f"{name}.parquet"
    table = tables.read(path, ["type", "x", "y", "z"])
    box_length = tables.read_parameters(path)["box_length"]
    configuration = Configuration(
        table.select("x", "y", "z").to_numpy(), table["type"].to_numpy(), box_length
    )
    sources: dict[str, Callable[[], Values]] = {
        "radial": lambda: load_radial_features(name, folders),
        "nodes": lambda: _node_rows(
            features_from_tables(path, graph.nodes, pca=folders.pca / path.name), configuration, graph
        ),
    }
    return Inputs(LazyColumns(sources), configuration)


def load_radial_features(name: str, folders: TableFolders) -> Values:
    """(N, F) type and radial descriptors of a sample, from its structure table."""
    return features_from_tables(folders.features / f"{name}.parquet", "full").astype(np.float64)


def inputs_from_configuration(
    configuration: Configuration, spec: DescriptorSpec, graph: Graph, pca: PrincipalComponents | None
) -> Inputs:
    """Those of any configuration; a column that is asked for raises GlassdynError where it cannot be computed.

    Args:
        configuration: of N particles.
        spec: what `describe` computes.
        graph: kind of the network's node features, and where they are standardised.
        pca: the principal components, where the kind asks for them.
    """
    columns = columns_of_configuration(configuration, spec, pca)
    sources: dict[str, Callable[[], Values]] = {
        "radial": lambda: NODE_FEATURES["full"](columns).astype(np.float64),
        "nodes": lambda: _node_rows(NODE_FEATURES[graph.nodes](columns), configuration, graph),
    }
    return Inputs(LazyColumns(sources), configuration)


def _node_rows(features: NDArray[np.float32], configuration: Configuration, graph: Graph) -> Values:
    return node_rows(features, configuration.species, graph).astype(np.float64)


def radial_features(inputs: Inputs) -> Values:
    """(N, F) radial features as they are."""
    return inputs.columns["radial"]


def averaged_features(inputs: Inputs) -> Values:
    """(N, 3 F) radial features and two generations of their averages over neighbours."""
    positions, _, box_length = inputs.configuration
    pairs = find_neighbours(positions, box_length, min(REACH, box_length / 2))
    return average_generations(inputs.columns["radial"], pairs, count=GENERATIONS, length=DECAY)


def node_features(inputs: Inputs) -> Values:
    """(N, F') the network's own node features."""
    return inputs.columns["nodes"]


FEATURES: Mapping[str, Callable[[Inputs], Values]] = {
    "constant": radial_features,
    "radial_ridge": radial_features,
    "averaged_ridge": averaged_features,
    "ridge": node_features,
}
"""Features of each linear baseline."""
