"""A model file applied to any configuration of the liquid: a column of predictions for each label."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.importing.formats import open_source
from glassdyn.importing.liquid_frame import (
    LiquidFrame,
    Selection,
    read_frames,
    refuse_coincident,
    select_frames,
)
from glassdyn.importing.source import ReadOptions
from glassdyn.liquid.box import wrap
from glassdyn.liquid.configuration import Configuration
from glassdyn.prediction import extended_xyz
from glassdyn.prediction.frames import ConfigurationError
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

XYZ = (".xyz", ".extxyz")

SAME = 1e-6
"""Part of L by which the boxes of frames of one table may differ: rounding of the program that wrote them."""


class Prediction(NamedTuple):
    """One frame, and what a model predicts for it.

    Attributes:
        frame: its number in the file.
        configuration: wrapped.
        predictions: `predicted_<label>` -> (N,), in the label's unit.
        ids: (N,) of the particles in the file; None where it has none, so that rows are the particles.
        distribution_shift: beyond chance; see `distribution_shift.measure_excess`.
    """

    frame: int
    configuration: Configuration
    predictions: Columns
    ids: NDArray[np.int64] | None
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
    path: Path, selection: Selection = None, options: ReadOptions | None = None
) -> Iterator[LiquidFrame]:
    """Read configurations from a file of any format, each when it is asked for.

    Args:
        path: of the file.
        selection: of frames; the middle one where absent.
        options: what the user says about the file.

    Raises:
        ImportingError: for a file that is none, lacks something, or does not hold the frame.
    """
    stated = options or ReadOptions()
    source = open_source(path, stated)
    for frame in read_frames(source, select_frames(path, selection, source.count()), stated):
        refuse_coincident(frame)
        yield frame


def require_writable(path: Path, inputs: Iterable[Path]) -> None:
    """Refuse an output that could not be written, before anything is computed.

    Args:
        path: of the output.
        inputs: the files that are read.

    Raises:
        ConfigurationError: for another kind of file, a folder that does not exist, or a file that is read.
    """
    if path.suffix not in {*XYZ, ".parquet"}:
        raise ConfigurationError(f"predictions are written to .parquet or .xyz: got {path}")
    if not path.parent.is_dir():
        raise ConfigurationError(f"the output's folder must exist: got {path}")
    if any(path.exists() and source.exists() and path.samefile(source) for source in inputs):
        raise ConfigurationError(
            f"the output is another file than the input: got {path} for both; name another"
        )


def predict_frames(predictor: Predictor, frames: Iterable[LiquidFrame]) -> Iterator[Prediction]:
    """Apply a model to one configuration after another; errors as `Predictor.predict`."""
    for frame in frames:
        configuration = frame.configuration
        labels, shift = predictor.predict(configuration)
        wrapped = configuration._replace(positions=wrap(configuration.positions, configuration.box_length))
        columns = {f"predicted_{label}": values for label, values in labels.items()}
        yield Prediction(frame.number, wrapped, columns, frame.ids, shift)


def predict_file(predictor: Predictor, frames: Iterable[LiquidFrame], path: Path) -> Summary:
    """Predict one configuration after another, and write the predictions; errors as `Predictor.predict` and `write`."""
    sizes, shifts = [], []

    def collect() -> Iterator[Prediction]:
        for prediction in predict_frames(predictor, frames):
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
        ConfigurationError: where a table's frames have different boxes, or some have ids and others none.
    """
    if path.suffix in XYZ:
        extended_xyz.write(path, (extended_xyz.XyzFrame(*prediction[:4]) for prediction in predictions))
        return
    rest = iter(predictions)
    first = next(rest)
    box_length = first.configuration.box_length
    blocks = (_block(path, prediction, box_length) for prediction in chain([first], rest))
    schema = tables.configurations_schema(list(first.predictions), with_ids=first.ids is not None)
    tables.write(path, schema, blocks, {"box_length": box_length, "labels": labels})


def _block(path: Path, prediction: Prediction, table_box_length: float) -> tables.Columns:
    positions, species, box_length = prediction.configuration
    if abs(box_length - table_box_length) > SAME * table_box_length:
        raise ConfigurationError(
            f"frames of one table share a box: got L = {table_box_length} and {box_length}; write "
            f"{path.with_suffix('.xyz')}, or choose one (--frame)"
        )
    return {
        "frame": np.full(len(species), prediction.frame, dtype=np.uint32),
        "particle": np.arange(len(species), dtype=np.uint32),
        **({} if prediction.ids is None else {"id": prediction.ids}),
        "type": species,
        **dict(zip("xyz", positions.T, strict=True)),
        **prediction.predictions,
    }
