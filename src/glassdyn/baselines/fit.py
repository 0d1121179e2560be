"""The models that the network has to beat, fitted to its samples and chosen on those that it is chosen on.

- `constant`: the mean label of the training copies;
- `radial_ridge`: ridge regression on type and radial descriptors;
- `averaged_ridge`: on these and two generations of their averages over neighbours;
- `ridge`: on the network's own node features, standardised where the network's are;
- `perceptron`: the network's own training without recurrences, on the same node features: it sees no neighbour.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.baselines.features import FEATURES, inputs_from_tables, load_radial_features
from glassdyn.errors import GlassdynError
from glassdyn.features.moments import empty, update
from glassdyn.learning import linear
from glassdyn.learning.labelled_graphs import TableFolders, load_labels
from glassdyn.learning.linear import Linear, RegressionMoments
from glassdyn.learning.model_file import TrainedModel, average_models
from glassdyn.learning.training_jobs import Training, TrainingResult, plan_trainings
from glassdyn.learning.training_run import TrainingConfig
from glassdyn.params import Model, Params

__all__ = ["Baselines", "FeatureScale", "fit_baselines", "fit_linear", "fit_scale", "plan_perceptrons"]

Values = NDArray[np.float64]

RIDGES = ("radial_ridge", "averaged_ridge", "ridge")
"""The baselines that are ridge regressions."""


class FeatureScale(NamedTuple):
    """Statistics of the radial features over all particles of fold 0's training copies; a file holds fold 0's models.

    Attributes:
        mean: (F,).
        scale: (F,) standard deviation; 1 where a feature does not vary.
    """

    mean: Values
    scale: Values


class Baselines(NamedTuple):
    """All baselines.

    Attributes:
        linear: `constant` and the ridge regressions.
        radial: statistics of the radial features: another liquid has others.
        perceptron: a network without recurrences; it knows the labels, and how the features are computed.
    """

    linear: Mapping[str, Linear]
    radial: FeatureScale
    perceptron: TrainedModel


def plan_perceptrons(params: Params, samples: Sequence[str]) -> list[Training]:
    """The network's trainings for a model that sees no neighbour: of `model` it reads `hidden` alone.

    Args:
        params: of the run.
        samples: names of all of them.
    """
    hidden = params.model.hidden
    model = Model(kind="graph_network", linear=False, n_rec=0, shared=False, hidden=hidden, heads=1)
    return plan_trainings(params, model, samples)


def fit_baselines(
    trainings: Sequence[Training], results: Sequence[TrainingResult], folders: TableFolders
) -> list[Baselines]:
    """The baselines of each fold.

    Args:
        trainings: of the perceptrons, see `plan_perceptrons`.
        results: what these left.
        folders: of the tables.
    """
    perceptrons = [
        average_models([result.model for result in members])
        for _, members in groupby(results, key=lambda result: result.fold)
    ]
    configs = [next(members).config for _, members in groupby(trainings, key=lambda training: training.fold)]
    radial = fit_scale(configs[0].train, folders)
    return [
        Baselines(fits, radial, perceptron)
        for fits, perceptron in zip(fit_linear(configs, folders), perceptrons, strict=True)
    ]


def fit_linear(configs: Sequence[TrainingConfig], folders: TableFolders) -> list[dict[str, Linear]]:
    """Fit the baselines that need no gradient descent; the held-out samples choose the penalties.

    Every sample is read once for each regression, whatever the number of folds: moments are summed over samples that are
    in the same part in every fold, and those of a fold are put together from these. Labels are taken as they are, whatever
    `loss.standardise` and `loss.alpha` say.

    Args:
        configs: of the folds: their samples; node features and targets, which are the same in each.
        folders: of the tables.

    Returns:
        For each fold `constant` and the ridge regressions.
    """
    models: list[dict[str, Linear]] = [{} for _ in configs]
    for name in RIDGES:
        moments = {
            parts: linear.sum_moments(_read_a_particles(name, samples, folders, configs[0]))
            for parts, samples in _group_samples(configs).items()
        }
        for fold, fits in enumerate(models):
            training, held_out = (_moments_of(moments, fold, part) for part in ("train", "held_out"))
            fits.setdefault("constant", linear.fit_constant(training))
            fits[name], _ = linear.select_ridge(training, held_out)
    return models


def _group_samples(configs: Sequence[TrainingConfig]) -> dict[tuple[str, ...], list[str]]:
    """The part of each fold that a sample belongs to -> the samples of which that is true."""
    parts: defaultdict[str, list[str]] = defaultdict(lambda: [""] * len(configs))
    for fold, config in enumerate(configs):
        for part in ("train", "held_out"):
            for sample in getattr(config, part):
                parts[sample][fold] = part
    groups: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for sample in sorted(parts):
        groups[tuple(parts[sample])].append(sample)
    return groups


def _moments_of(
    moments: Mapping[tuple[str, ...], RegressionMoments], fold: int, part: str
) -> RegressionMoments:
    return linear.merge_moments([group for parts, group in moments.items() if parts[fold] == part])


def fit_scale(samples: Sequence[str], folders: TableFolders) -> FeatureScale:
    """Mean and standard deviation of the radial features over all particles, one snapshot in memory at a time."""
    total = None
    for name in samples:
        rows = load_radial_features(name, folders)
        total = update(total or empty(rows.shape[1]), rows)
    if total is None:
        raise GlassdynError("a baseline needs training samples: got none (params.yaml: split.train)")
    spread = np.sqrt(np.diag(total.scatter) / total.rows)
    return FeatureScale(total.mean, np.where(spread > 1e-6, spread, 1.0))


def _read_a_particles(
    model: str, samples: Sequence[str], folders: TableFolders, config: TrainingConfig
) -> Iterator[tuple[Values, Values]]:
    """Features and labels of the A particles, sample by sample."""
    for name in samples:
        table = load_labels(name, folders, config.loss.targets)
        is_a = (table["type"] == 0).to_numpy()
        features = FEATURES[model](inputs_from_tables(name, folders, config.graph))
        yield features[is_a], table.select(config.loss.targets).to_numpy()[is_a]
