"""A model file applied to any configuration of the liquid: a column of predictions for each label."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.liquid.box import wrap
from glassdyn.liquid.configuration import Configuration
from glassdyn.prediction import extended_xyz
from glassdyn.prediction.frames import ConfigurationError, Frame, read_trajectory
from glassdyn.prediction.predictors import Predictor
from glassdyn.storage import tables

__all__ = [
    "Prediction",
    "Summary",
    "predict_file",
    "predict_frames",
    "read",
    "require_writable",
    "write",
]

Columns = Mapping[str, NDArray[np.float64]]

H5MD = (".h5", ".h5md", ".hdf5")
XYZ = (".xyz", ".extxyz")


class Prediction(NamedTuple):
    """One frame, and what a model predicts for it.

    Attributes:
        frame: its number in the file.
        configuration: wrapped.
        predictions: `predicted_<label>` -> (N,), in the label's unit.
        distribution_shift: see `predictors.measure_shift`.
    """

    frame: int
    configuration: Configuration
    predictions: Columns
    distribution_shift: float


class Summary(NamedTuple):
    """What there is to say about the predictions of many frames.

    Attributes:
        frames: their number.
        particles: N, of the largest.
        distribution_shift: the largest.
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


def predict_frames(
    predictor: Predictor, configurations: Iterable[tuple[int, Configuration]]
) -> Iterator[Prediction]:
    """Apply a model to one configuration after another; errors as `Predictor.predict`."""
    for frame, configuration in configurations:
        labels, shift = predictor.predict(configuration)
        wrapped = wrap(configuration.positions, configuration.box_length)
        columns = {f"predicted_{label}": values for label, values in labels.items()}
        yield Prediction(frame, configuration._replace(positions=wrapped), columns, shift)


def predict_file(
    predictor: Predictor, configurations: Iterable[tuple[int, Configuration]], path: Path
) -> Summary:
    """Predict one configuration after another, and write the predictions; errors as `Predictor.predict` and `write`."""
    sizes, shifts = [], []

    def collect() -> Iterator[Prediction]:
        for prediction in predict_frames(predictor, configurations):
            sizes.append(len(prediction.configuration.species))
            shifts.append(prediction.distribution_shift)
            yield prediction

    write(path, collect(), predictor.labels)
    return Summary(len(sizes), max(sizes), max(shifts))


def write(path: Path, predictions: Iterable[Prediction], labels: Mapping[str, Mapping[str, Any]]) -> None:
    """Write predictions beside species and positions: as a table (.parquet) or for OVITO (.xyz).

    Args:
        path: where to.
        predictions: of one frame at least.
        labels: what determined the labels that the model was trained on, to be stored with a table.

    Raises:
        ConfigurationError: where a table's frames have different boxes.
    """
    if path.suffix in XYZ:
        extended_xyz.write(path, (extended_xyz.XyzFrame(*prediction[:3]) for prediction in predictions))
        return
    rest = iter(predictions)
    first = next(rest)
    box_length = first.configuration.box_length
    blocks = (_block(path, prediction, box_length) for prediction in chain([first], rest))
    schema = tables.configurations_schema(list(first.predictions))
    tables.write(path, schema, blocks, {"box_length": box_length, "labels": labels})


def _block(path: Path, prediction: Prediction, table_box_length: float) -> tables.Columns:
    positions, species, box_length = prediction.configuration
    if box_length != table_box_length:
        raise ConfigurationError(
            f"frames of one table share a box: got L = {table_box_length} and {box_length}; write "
            f"{path.with_suffix('.xyz')}, or choose one (--frame)"
        )
    return {
        "frame": np.full(len(species), prediction.frame, dtype=np.uint32),
        "particle": np.arange(len(species), dtype=np.uint32),
        "type": species,
        **dict(zip("xyz", positions.T, strict=True)),
        **prediction.predictions,
    }
