"""The samples that an explanation is fitted on and scored on, with all that is known of their particles."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.explanation.explained_model import ExplainedModel
from glassdyn.explanation.importance import ScoredSample
from glassdyn.explanation.intervals import units_of
from glassdyn.learning.labelled_graphs import TableFolders, load_labels
from glassdyn.liquid.configuration import Configuration
from glassdyn.params import Split
from glassdyn.storage import tables
from glassdyn.storage.trajectory import copy_of

__all__ = ["PARTS", "Part", "Sample", "load_sample", "make_part", "split_samples"]

Values = NDArray[np.float64]

PARTS = ("train", "validation", "test")
"""Explanations are fitted on the first, selected on the second and scored on the third."""


class Sample(NamedTuple):
    """A sample as explanations see it.

    Attributes:
        scored: what the model reads and says, and the truth.
        configuration: positions, species and box.
        quantities: name -> (N,) hand-made quantities.
    """

    scored: ScoredSample
    configuration: Configuration
    quantities: Mapping[str, Values]


class Part(NamedTuple):
    """The A particles of some samples, one row each: the only ones that models are trained on.

    Attributes:
        features: (n, F) what the model reads of them.
        quantities: (n, Q) hand-made.
        prediction: (n,) of the model.
        truth: (n,).
        copies: (n,) int64, number of the copy.
        units: (n,) int64, copies, or samples where there is one copy: what errors are taken over.
    """

    features: Values
    quantities: Values
    prediction: Values
    truth: Values
    copies: NDArray[np.int64]
    units: NDArray[np.int64]


def split_samples(names: Sequence[str], split: Split) -> dict[str, list[str]]:
    """Part -> names of its samples.

    Raises:
        GlassdynError: where a part has none.
    """
    copies = {part: getattr(split, part) for part in PARTS}
    parts = {part: [name for name in names if copy_of(name) in copies[part]] for part in PARTS}
    for part, members in parts.items():
        if not members:
            raise GlassdynError(
                f"an explanation needs samples of every part: got none of the copies {list(copies[part])} for {part} "
                f"(params.yaml: split.{part}); select more by --samples"
            )
    return parts


def load_sample(name: str, model: ExplainedModel, folders: TableFolders, quantities: Path) -> Sample:
    """Read a sample and predict it.

    Args:
        name: of the sample.
        model: that is explained.
        folders: of the tables.
        quantities: folder of the tables of `write_quantities`.

    Raises:
        TableError: for a table that is absent, damaged, or not of the same particles as the others.
    """
    path = folders.features / f"{name}.parquet"
    inputs, labels = model.load(name, folders), load_labels(name, folders, [model.label])
    positions = tables.read(path, ["x", "y", "z"]).to_numpy()
    configuration = Configuration(positions, inputs.species, tables.read_parameters(path)["box_length"])
    measured = tables.read(quantities / path.name).drop("particle", "type")
    truth = labels[model.label].to_numpy().astype(np.float64)
    return Sample(
        ScoredSample(name, inputs, model.predict(inputs), truth),
        configuration,
        {column.name: column.to_numpy() for column in measured},
    )


def make_part(samples: Sequence[Sample]) -> Part:
    """The A particles of the samples, in their order."""
    names = [sample.scored.name for sample in samples]
    unit_of = {i: number for number, unit in enumerate(units_of(names)) for i in unit}
    rows = [np.flatnonzero(sample.scored.inputs.species == 0) for sample in samples]
    sizes = [len(row) for row in rows]

    def gather(arrays: Sequence[Values]) -> Values:
        return np.concatenate([array[row] for array, row in zip(arrays, rows, strict=True)])

    return Part(
        gather([sample.scored.inputs.features for sample in samples]),
        gather([np.column_stack(list(sample.quantities.values())) for sample in samples]),
        gather([sample.scored.prediction for sample in samples]),
        gather([sample.scored.truth for sample in samples]),
        np.repeat([copy_of(name) for name in names], sizes),
        np.repeat([unit_of[i] for i in range(len(names))], sizes),
    )
