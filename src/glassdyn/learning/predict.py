"""A model file applied to any configuration of the liquid, with a column per label as the answer."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glassdyn import tables
from glassdyn.features.descriptors import bin_edges, radial_descriptors
from glassdyn.geometry import wrap
from glassdyn.learning import model_file
from glassdyn.learning.configuration import Configuration, ConfigurationError, write_xyz
from glassdyn.learning.graphs import Snapshot, node_features, snapshot
from glassdyn.learning.model_file import TrainedModel

__all__ = ["graph_of", "predict", "write"]

Columns = Mapping[str, NDArray[np.float64]]


def graph_of(trained: TrainedModel, configuration: Configuration) -> Snapshot:
    """Make the graph that the model was trained on the like of, features not yet standardised.

    Raises:
        ValueError: where the box is too small for the descriptors or a position is not finite.
        ConfigurationError: for a model of extended features, which only the road computes.
    """
    if trained.graph.nodes == "extended":
        raise ConfigurationError(
            "a model applied to a configuration knows its type and descriptors: this one was trained with "
            "graph.nodes extended; take one trained with type, full or pca"
        )
    positions, species, box_length = configuration
    descriptors = np.empty((len(species), 0), dtype=np.float32)
    if trained.graph.nodes != "type":
        descriptors = radial_descriptors(positions, species, box_length, bin_edges(trained.descriptors))
    features = node_features(species, descriptors)
    if trained.projection is not None:
        mean, components = (part.numpy() for part in trained.projection)
        features = ((features - mean) @ components.T).astype(np.float32)
    return snapshot(positions, species, features, box_length=box_length, graph=trained.graph)


def predict(trained: TrainedModel, configuration: Configuration) -> dict[str, NDArray[np.float64]]:
    """Predict every label: `predicted_<label>` -> (N,) float64, in the label's unit.

    B particles have a number too, but the model never learnt from one.
    """
    answers = model_file.predict(trained, graph_of(trained, configuration)).double().numpy()
    return {f"predicted_{label}": answers[:, k] for k, label in enumerate(trained.targets)}


def write(path: Path, configuration: Configuration, predictions: Columns) -> None:
    """Write predictions beside the positions, wrapped: as a table (.parquet) or for OVITO (.xyz).

    Raises:
        ConfigurationError: for any other kind of file.
    """
    positions, species, box_length = configuration
    wrapped = wrap(positions, box_length)
    if path.suffix in {".xyz", ".extxyz"}:
        write_xyz(path, configuration._replace(positions=wrapped), predictions)
    elif path.suffix == ".parquet":
        particles = np.arange(len(species), dtype=np.uint32)
        columns = {"particle": particles, "type": species, **dict(zip("xyz", wrapped.T, strict=True))}
        schema = tables.answers_schema(list(predictions))
        tables.write(path, schema, [columns | dict(predictions)], {"box_length": box_length})
    else:
        raise ConfigurationError(f"predictions are written to .parquet or .xyz: got {path}")
