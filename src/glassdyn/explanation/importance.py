"""Permutation importance: what a prediction loses when a group of features says nothing any more.

A group's values change places among the particles of the same species in the same snapshot, all features of the group
by one permutation, so that their joint distribution stays and their relation to everything else goes.

Source: Breiman, Machine Learning 45, 5 (2001); on correlated features: Hooker, Mentch & Zhou, Stat. Comput. 31, 82
(2021).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.correlation import pearson
from glassdyn.explanation.explained_model import ExplainedModel, ModelInputs, permute_edges, permute_within
from glassdyn.explanation.intervals import mean_and_error, units_of

__all__ = ["EDGES", "ScoredSample", "permutation_importance", "permute_groups"]

Values = NDArray[np.float64]

EDGES = "distances of neighbours"
"""The group of what edges carry, of models that read it."""


class ScoredSample(NamedTuple):
    """A sample, what the model says of it, and the truth.

    Attributes:
        name: such as "copy02-sample05".
        inputs: what the model reads.
        prediction: (N,) in the label's unit.
        truth: (N,) in the label's unit.
    """

    name: str
    inputs: ModelInputs
    prediction: Values
    truth: Values


def permutation_importance(
    model: ExplainedModel,
    samples: Sequence[ScoredSample],
    groups: Mapping[str, Sequence[int]],
    *,
    repeats: int,
    seed: int,
) -> pl.DataFrame:
    """How much Pearson's coefficient falls without each group, and what remains with the group alone.

    drop_g = rho(t, m) - <rho(t, m_g)>,  alone_g = <rho(t, m_not g)>,  total_effect_g = <(m - m_g)^2> / (2 var m)

    m_g: predictions with the group permuted; m_not g: with all other groups permuted, each by itself; <..>: over
    permutations; A particles. The total effect is Sobol's where groups are independent of each other. Means and
    standard errors are over copies, or over samples where there is one copy.

    Args:
        model: that predicts.
        samples: of the test copies.
        groups: group -> numbers of its features.
        repeats: permutations of every sample.
        seed: of the permutations.

    Returns:
        A row for each group, the largest drop first: group, features, pearson, drop, drop_error, alone, alone_error,
        total_effect.
    """
    names = [*groups, *[EDGES] * model.reads_edges]
    units = units_of([sample.name for sample in samples])
    rows = [_measure_group(name, model, samples, units, groups, repeats, seed) for name in names]
    return pl.DataFrame(rows).sort("drop", descending=True)


def _measure_group(
    name: str,
    model: ExplainedModel,
    samples: Sequence[ScoredSample],
    units: Sequence[Sequence[int]],
    groups: Mapping[str, Sequence[int]],
    repeats: int,
    seed: int,
) -> dict[str, object]:
    """The row of one group."""
    others = {group for group in [*groups, EDGES] if group != name}
    without, alone = (
        [
            list(_predict_permuted(model, sample, groups, permuted, repeats, [seed, number]))
            for number, sample in enumerate(samples)
        ]
        for permuted in ({name}, others)
    )
    whole = [_pearson_of(unit, samples, [[sample.prediction] for sample in samples]) for unit in units]
    drops = [rho - _pearson_of(unit, samples, without) for rho, unit in zip(whole, units, strict=True)]
    rest = [_pearson_of(unit, samples, alone) for unit in units]
    return {
        "group": name,
        "features": len(groups.get(name, ())),
        "pearson": float(np.mean(whole)),
        **mean_and_error("drop", drops),
        **mean_and_error("alone", rest),
        "total_effect": _total_effect(samples, without),
    }


def _predict_permuted(
    model: ExplainedModel,
    sample: ScoredSample,
    groups: Mapping[str, Sequence[int]],
    permuted: set[str],
    repeats: int,
    seed: Sequence[int],
) -> Iterator[Values]:
    """(N,) predictions, one after each permutation; the permutations of a sample are the same for all groups."""
    for repeat in range(repeats):
        generator = np.random.default_rng([*seed, repeat])
        yield model.predict(permute_groups(sample.inputs, groups, permuted, generator))


def permute_groups(
    inputs: ModelInputs,
    groups: Mapping[str, Sequence[int]],
    permuted: set[str],
    generator: np.random.Generator,
) -> ModelInputs:
    """The same inputs, the features of each of these groups permuted among particles of the same species.

    Args:
        inputs: of a sample.
        groups: group -> numbers of its features.
        permuted: which of the groups, `EDGES` among them.
        generator: draws a permutation for each group.
    """
    features = inputs.features.copy()
    for group, members in groups.items():
        order = permute_within(inputs.species, generator)
        if group in permuted:
            features[:, members] = inputs.features[order][:, members]
    graph = inputs.graph
    if graph is not None and EDGES in permuted:
        graph = permute_edges(graph, generator)
    return inputs._replace(features=features, graph=graph)


def _pearson_of(
    unit: Sequence[int], samples: Sequence[ScoredSample], predictions: Sequence[Sequence[Values]]
) -> float:
    """Pooled over the A particles of a unit's samples, mean over repeats; 0 for a constant prediction."""
    truth = np.concatenate([samples[i].truth[samples[i].inputs.species == 0] for i in unit])
    repeats = [
        np.concatenate([predictions[i][n][samples[i].inputs.species == 0] for i in unit])
        for n in range(len(predictions[0]))
    ]
    return float(np.mean([pearson(truth, predicted) for predicted in repeats]))


def _total_effect(samples: Sequence[ScoredSample], permuted: Sequence[Sequence[Values]]) -> float:
    """<(m - m_g)^2> / (2 var m) over all A particles and permutations; 0 for a constant prediction."""
    own = [sample.prediction[sample.inputs.species == 0] for sample in samples]
    squares = [
        np.mean((predicted[sample.inputs.species == 0] - mine) ** 2)
        for sample, mine, repeats in zip(samples, own, permuted, strict=True)
        for predicted in repeats
    ]
    variance = np.concatenate(own).var()
    return float(np.mean(squares) / (2 * variance)) if variance > 0 else 0.0
