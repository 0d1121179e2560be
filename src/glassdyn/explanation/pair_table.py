"""The pair functions of a model's predictions, beside g(r), and what a sum of them keeps."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.explanation.distillation import Distillate
from glassdyn.explanation.examples import Sample
from glassdyn.explanation.pair_functions import (
    WIDTH,
    PairFunctions,
    PairSums,
    fit_pair_functions,
    pair_sums,
    shell_sums,
)
from glassdyn.storage.trajectory import copy_of

__all__ = ["PairExplanation", "explain_by_pairs"]

Values = NDArray[np.float64]

REACH = 4.7
"""Of the pair functions, or half the box where that is less, units of sigma_AA."""


class PairExplanation(NamedTuple):
    """Pair functions.

    Attributes:
        table: columns pair (AA, AB, BA, BB: the particle, then its neighbour), distance, value, error, g.
        distillate: the sum of f_AA and f_AB around A particles.
    """

    table: pl.DataFrame
    distillate: Distillate


def explain_by_pairs(
    train: Sequence[Sample], validation: Sequence[Sample], test: Sequence[Sample]
) -> PairExplanation:
    """Fit f_AA and f_AB to the predictions of A particles, and f_BA and f_BB to those of B.

    Models are not trained on B particles: f_BA and f_BB say what a model says, not what is true.

    Args:
        train: to fit on.
        validation: to select the smoothness on.
        test: to predict.
    """
    half = min(sample.configuration.box_length for sample in train) / 2
    reach = WIDTH * int(min(REACH, half) / WIDTH + 1e-9)
    shells = [
        [shell_sums(sample.configuration, reach) for sample in part] for part in (train, validation, test)
    ]
    rows = []
    for kind, name in enumerate("AB"):
        sums = [
            _gather(part, sums, kind) for part, sums in zip((train, validation, test), shells, strict=True)
        ]
        functions = fit_pair_functions(sums[0], sums[1], reach)
        rows.append(_table(name, functions, sums[0].shells, train[0]))
        if kind == 0:
            said = [pair_sums(functions, sums[part].shells) for part in (0, 2)]
            distillate = Distillate("sum over pairs", functions.values.size + 1, *said)
    return PairExplanation(pl.concat(rows), distillate)


def _gather(samples: Sequence[Sample], shells: Sequence[Values], kind: int) -> PairSums:
    """Sums and predictions of the particles of a species."""
    rows = [np.flatnonzero(sample.configuration.species == kind) for sample in samples]
    return PairSums(
        np.concatenate([sums[row] for sums, row in zip(shells, rows, strict=True)]),
        np.concatenate([sample.scored.prediction[row] for sample, row in zip(samples, rows, strict=True)]),
        np.repeat([copy_of(sample.scored.name) for sample in samples], [len(row) for row in rows]),
    )


def _table(name: str, functions: PairFunctions, shells: Values, sample: Sample) -> pl.DataFrame:
    """Two functions of one species, and g(r) at the same knots."""
    knots = len(functions.distances)
    species, box_length = sample.configuration.species, sample.configuration.box_length
    densities = np.bincount(species, minlength=2) / box_length**3  # (2,)
    distribution = shells.mean(axis=0).reshape(2, knots) / (
        densities[:, None] * _volumes(functions.distances)
    )
    return pl.concat(
        [
            pl.DataFrame(
                {
                    "pair": [name + neighbour] * knots,
                    "distance": functions.distances,
                    "value": functions.values[k],
                    "error": functions.errors[k],
                    "g": distribution[k],
                }
            ).with_columns(pl.col("error").fill_nan(None))
            for k, neighbour in enumerate("AB")
        ]
    )


def _volumes(distances: Values) -> Values:
    """(K,) integrals of 4 pi r^2 over triangular shells, the last of which is half a one, units of sigma_AA^3."""
    volumes = 4 * np.pi * WIDTH * (distances**2 + WIDTH**2 / 6)
    last = distances[-1]
    volumes[-1] = 4 * np.pi * WIDTH * (last**2 / 2 - last * WIDTH / 3 + WIDTH**2 / 12)
    return volumes
