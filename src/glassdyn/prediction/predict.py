"""A model file applied to any configuration of the liquid, with a column per label as the answer."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.features.describe import spec_from_metadata
from glassdyn.features.node_features import features_from_configuration
from glassdyn.learning import model_file
from glassdyn.learning.graphs import Snapshot, build_graph, standardise
from glassdyn.learning.model_file import TrainedModel
from glassdyn.liquid.box import wrap
from glassdyn.liquid.configuration import Configuration
from glassdyn.prediction import extended_xyz
from glassdyn.prediction.frames import ConfigurationError, Frame, read_trajectory
from glassdyn.storage import tables

__all__ = [
    "MAX_SHIFT",
    "Prediction",
    "Summary",
    "answers",
    "apply",
    "distribution_shift",
    "graph_of",
    "predict",
    "read",
    "require_writable",
    "write",
]

Columns = Mapping[str, NDArray[np.float64]]

H5MD = (".h5", ".h5md", ".hdf5")
XYZ = (".xyz", ".extxyz")

MAX_SHIFT = 0.2
"""`distribution_shift` above which a configuration is another liquid than the model knows. Between samples of one liquid
it is 0.03; 20 % more density make 0.5, other proportions of A and B as much."""


class Prediction(NamedTuple):
    """One frame, and what the model says about it.

    Attributes:
        frame: its number in the file.
        configuration: wrapped.
        predictions: `predicted_<label>` -> (N,), in the label's unit.
        distribution_shift: see `distribution_shift`.
    """

    frame: int
    configuration: Configuration
    predictions: Columns
    distribution_shift: float


class Summary(NamedTuple):
    """What there is to say about many answers.

    Attributes:
        frames: their number.
        particles: N, of the largest.
        distribution_shift: of the strangest.
    """

    frames: int
    particles: int
    distribution_shift: float


def read(
    path: Path, frame: Frame = None, names: Mapping[str, int] | None = None
) -> Iterator[tuple[int, Configuration]]:
    """Read configurations, with their frames' numbers, from H5MD (.h5) or extended XYZ (.xyz, .extxyz).

    Args:
        path: of the file.
        frame: which; the middle one where absent.
        names: of species 0 and 1 in an XYZ file; A and B where absent.

    Raises:
        ConfigurationError: for another kind of file, one that lacks something, or names for a trajectory.
        TrajectoryError: for a trajectory that is none.
    """
    if path.suffix in XYZ:
        return extended_xyz.read(path, frame, names or extended_xyz.NAMES)
    if path.suffix not in H5MD:
        raise ConfigurationError(f"a configuration is read from .h5 (H5MD) or .xyz: got {path}")
    if names is not None:
        raise ConfigurationError(
            f"species of a trajectory are 0 for A and 1 for B: {path} needs no --species"
        )
    return read_trajectory(path, frame)


def require_writable(path: Path) -> None:
    """Refuse an output that could not be written, before anything is computed.

    Raises:
        ConfigurationError: for another kind of file, or a folder that does not exist.
    """
    if path.suffix not in {*XYZ, ".parquet"}:
        raise ConfigurationError(f"predictions are written to .parquet or .xyz: got {path}")
    if not path.parent.is_dir():
        raise ConfigurationError(f"the output's folder must exist: got {path}")


def graph_of(trained: TrainedModel, configuration: Configuration) -> Snapshot:
    """Make the graph that the model was trained on the like of, features not yet standardised.

    Raises:
        ValueError: where the box is too small for the descriptors or a position is not finite.
    """
    spec = spec_from_metadata(trained.structure)
    features = features_from_configuration(configuration, trained.graph.nodes, spec, trained.projection)
    return build_graph(configuration, features, trained.graph)


def predict(trained: TrainedModel, graph: Snapshot) -> dict[str, NDArray[np.float64]]:
    """Predict every label: `predicted_<label>` -> (N,) float64, in the label's unit.

    B particles have a number too, but the model never learnt from one.
    """
    found = model_file.predict(trained, graph).double().numpy()
    return {f"predicted_{label}": found[:, k] for k, label in enumerate(trained.targets)}


def distribution_shift(trained: TrainedModel, graph: Snapshot) -> float:
    """How far a configuration lies from those that the model learnt from.

    Root mean square, over type and radial descriptors, of what their means over particles differ by, in standard
    deviations of the training particles. With type alone as a feature only the composition can be strange.
    Averages over neighbours are left out: their own deviations are so small that every sample would be strange.
    """
    radial = 2 * len(trained.structure["edges"]) - 1
    means = standardise(graph, trained.normalisation).x[:, :radial].double().mean(dim=0)  # (F,)
    return float(means.square().mean().sqrt())


def answers(
    trained: TrainedModel, configurations: Iterable[tuple[int, Configuration]]
) -> Iterator[Prediction]:
    """Apply a model to one configuration after the other; errors as `graph_of`."""
    for frame, configuration in configurations:
        graph = graph_of(trained, configuration)
        wrapped = wrap(configuration.positions, configuration.box_length)
        shown = configuration._replace(positions=wrapped)
        yield Prediction(frame, shown, predict(trained, graph), distribution_shift(trained, graph))


def apply(trained: TrainedModel, configurations: Iterable[tuple[int, Configuration]], path: Path) -> Summary:
    """Predict one configuration after the other, and write what is predicted; errors as `graph_of` and `write`."""
    notes = []

    def noted() -> Iterator[Prediction]:
        for answer in answers(trained, configurations):
            notes.append((len(answer.configuration.species), answer.distribution_shift))
            yield answer

    write(path, noted(), trained.labels)
    particles, strange = zip(*notes, strict=True)
    return Summary(len(notes), max(particles), max(strange))


def write(path: Path, answered: Iterable[Prediction], labels: Mapping[str, Mapping[str, Any]]) -> None:
    """Write predictions beside species and positions: as a table (.parquet) or for OVITO (.xyz).

    Args:
        path: where to.
        answered: one at least.
        labels: what determined the labels that the model learnt, to be stored with a table.

    Raises:
        ConfigurationError: where a table's frames have different boxes.
    """
    if path.suffix in XYZ:
        extended_xyz.write(path, (extended_xyz.XyzFrame(*answer[:3]) for answer in answered))
        return
    others = iter(answered)
    first = next(others)
    box_length = first.configuration.box_length
    stored = {"box_length": box_length, "labels": labels}
    blocks = (_block(path, answer, box_length) for answer in chain([first], others))
    tables.write(path, tables.configurations_schema(list(first.predictions)), blocks, stored)


def _block(path: Path, answer: Prediction, box_length: float) -> tables.Columns:
    positions, species, own = answer.configuration
    if own != box_length:
        raise ConfigurationError(
            f"frames of one table share a box: got L = {box_length} and {own}; write {path.with_suffix('.xyz')}, "
            "or choose one (--frame)"
        )
    return {
        "frame": np.full(len(species), answer.frame, dtype=np.uint32),
        "particle": np.arange(len(species), dtype=np.uint32),
        "type": species,
        **dict(zip("xyz", positions.T, strict=True)),
        **answer.predictions,
    }
