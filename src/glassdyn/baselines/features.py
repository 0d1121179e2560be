"""Features of the linear baselines, whatever the node features of the network are.

The radial ones are type and radial descriptors; the averaged ones add two generations of averages over neighbours.

Source of the averages' reach: Boattini, Smallenburg & Filion, Phys. Rev. Lett. 127, 088007 (2021).
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from glassdyn.features.describe import DescriptorSpec
from glassdyn.features.neighbour_averages import average_generations
from glassdyn.features.node_features import features_from_configuration, features_from_tables
from glassdyn.learning.labelled_graphs import TableFolders
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.neighbours import find_neighbours
from glassdyn.storage import tables

__all__ = [
    "FEATURES",
    "averaged_features",
    "compute_radial_features",
    "load_configuration",
    "load_radial_features",
]

Values = NDArray[np.float64]

GENERATIONS = 2
REACH = 3.5
"""Radius of an average, units of sigma_AA; half the box where that is less."""

DECAY = 2.0
"""Length over which a neighbour's share in an average decays, units of sigma_AA."""


def load_radial_features(name: str, folders: TableFolders) -> Values:
    """(N, F) type and radial descriptors of a sample, from its structure table."""
    return features_from_tables(folders.features / f"{name}.parquet", "full").astype(np.float64)


def compute_radial_features(configuration: Configuration, spec: DescriptorSpec) -> Values:
    """(N, F) type and radial descriptors of any configuration.

    Raises:
        GlassdynError: where the box is too small or a position is not finite.
    """
    return features_from_configuration(configuration, "full", spec).astype(np.float64)


def load_configuration(name: str, folders: TableFolders) -> Configuration:
    """Positions, species and box of a sample, from its structure table."""
    path = folders.features / f"{name}.parquet"
    table = tables.read(path, ["type", "x", "y", "z"])
    box_length = tables.read_parameters(path)["box_length"]
    return Configuration(table.select("x", "y", "z").to_numpy(), table["type"].to_numpy(), box_length)


def radial_features(radial: Values, _configuration: Configuration) -> Values:
    """(N, F) radial features as they are."""
    return radial


def averaged_features(radial: Values, configuration: Configuration) -> Values:
    """(N, 3 F) radial features and two generations of their averages over neighbours."""
    positions, _, box_length = configuration
    pairs = find_neighbours(positions, box_length, min(REACH, box_length / 2))
    return average_generations(radial, pairs, count=GENERATIONS, length=DECAY)


FEATURES: Mapping[str, Callable[[Values, Configuration], Values]] = {
    "constant": radial_features,
    "ridge": radial_features,
    "averaged_ridge": averaged_features,
}
"""Features of each linear baseline, from radial ones and the configuration."""
