"""Models that need no gradient descent, fitted to the examples that networks are trained on: ridge and boosting.

Both read the standardised features of the A particles of the training examples, and are chosen on the held-out ones;
the weights of rare labels count as they do in the loss of a network.
"""

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glassdyn.learning.dataset import Dataset, Example
from glassdyn.learning.linear import Linear, predict, select_ridge, sum_weighted_moments
from glassdyn.learning.metrics import measure
from glassdyn.learning.models.boosting import TREES
from glassdyn.learning.training import LogEntry, TrainingState, best_entry
from glassdyn.params import Train

__all__ = ["fit_boosting", "fit_linear", "fit_ridge"]

Values = NDArray[np.float64]

SHRINKAGE = 0.05
"""Fraction of a tree that is added, which thus corrects a twentieth of what it sees."""

LEAVES, PER_LEAF = 8, 50
"""Leaves of a tree at most, and training particles in each at least."""


class Columns(NamedTuple):
    """The A particles of some examples.

    Attributes:
        features: (n, F) standardised node features.
        targets: (n, targets) standardised labels.
        weight: (n, targets) of their squared errors.
    """

    features: Values
    targets: Values
    weight: Values


def fit_linear(dataset: Dataset) -> Linear:
    """Ridge regression of each standardised target, its penalty chosen by the held-out correlation."""
    moments = (
        [sum_weighted_moments(_snapshots(part, target)) for part in (dataset.train, dataset.held_out)]
        for target in range(dataset.train[0].targets.shape[1])
    )
    fits = [select_ridge(training, held_out)[0] for training, held_out in moments]
    return Linear(np.hstack([fit.weights for fit in fits]), np.hstack([fit.intercept for fit in fits]))


def fit_ridge(dataset: Dataset) -> TrainingState:
    """The weights of a `LinearModel` and its metrics, as the state of a training of one step."""
    fitted, parts = fit_linear(dataset), _both(dataset)
    predictions = [predict(fitted, part.features) for part in parts]
    entry = _log_entry(1, parts, predictions, dataset.normalisation.targets.scale)
    return TrainingState((entry,), {name: torch.from_numpy(part) for name, part in fitted._asdict().items()})


def fit_boosting(dataset: Dataset, settings: Train) -> TrainingState:
    """The arrays of `BoostedTrees`, one tree of each target per step, and the metrics of every step.

    Trees are added until the held-out error has not fallen for `patience` of them, `max_steps` at most; those up to
    the best step stay.

    Source: Friedman, Ann. Stat. 29, 1189 (2001); scikit-learn's HistGradientBoostingRegressor.
    """
    train, held_out = parts = _both(dataset)
    targets = range(train.targets.shape[1])
    regressors = [_grow_trees(train, held_out, target, settings) for target in targets]
    steps = max(regressor.n_iter_ for regressor in regressors)
    stages = zip(*(_stages(regressors, part.features, steps) for part in parts), strict=True)
    scale = dataset.normalisation.targets.scale
    log = tuple(_log_entry(step, parts, stage, scale) for step, stage in enumerate(stages, start=1))
    return TrainingState(log, _tree_arrays(regressors, best_entry(log).step))


def _grow_trees(train: Columns, held_out: Columns, target: int, settings: Train) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415 (a second to import)

    regressor = HistGradientBoostingRegressor(
        learning_rate=SHRINKAGE,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=PER_LEAF,
        max_iter=settings.max_steps,
        early_stopping=True,
        n_iter_no_change=settings.patience,
        tol=0.0,
        random_state=settings.seed,
    )
    return regressor.fit(
        train.features,
        train.targets[:, target],
        train.weight[:, target],
        X_val=held_out.features,
        y_val=held_out.targets[:, target],
        sample_weight_val=held_out.weight[:, target],
    )


def _stages(regressors: Sequence[Any], features: Values, steps: int) -> Iterator[Values]:
    """(n, targets) predictions after 1, 2, ... trees; a target whose trees have ended stays as it is."""
    columns = [_staged(regressor, features, steps) for regressor in regressors]
    return (np.column_stack(stage) for stage in zip(*columns, strict=True))


def _staged(regressor: Any, features: Values, steps: int) -> Iterator[Values]:
    for stage in regressor.staged_predict(features):
        yield stage
    yield from repeat(stage, steps - regressor.n_iter_)


def _tree_arrays(regressors: Sequence[Any], steps: int) -> dict[str, Tensor]:
    """The first trees of every regressor as the arrays of `BoostedTrees`."""
    trees = [
        (target, predictor.nodes)
        for target, regressor in enumerate(regressors)
        for (predictor,) in regressor._predictors[:steps]  # noqa: SLF001 (no public interface has the trees)
    ]
    sizes = [len(nodes) for _, nodes in trees]
    roots = np.cumsum([0, *sizes])[:-1]
    nodes, shift = np.concatenate([nodes for _, nodes in trees]), np.repeat(roots, sizes)
    own, is_leaf = np.arange(len(nodes)), nodes["is_leaf"].astype(bool)
    arrays = {
        "feature": nodes["feature_idx"],
        "threshold": nodes["num_threshold"],
        "left": np.where(is_leaf, own, nodes["left"] + shift),
        "right": np.where(is_leaf, own, nodes["right"] + shift),
        "value": nodes["value"],
        "root": roots,
        "target": np.array([target for target, _ in trees]),
    }
    baseline = [float(regressor._baseline_prediction.item()) for regressor in regressors]  # noqa: SLF001
    tensors = {
        name: torch.as_tensor(arrays[name].astype(np.float64)).to(dtype) for name, dtype in TREES.items()
    }
    return {"baseline": torch.tensor(baseline, dtype=torch.float64), **tensors}


def _log_entry(step: int, parts: Sequence[Columns], predictions: Sequence[Values], scale: Tensor) -> LogEntry:
    """The metrics of (n, targets) predictions of the training and of the held-out examples."""
    train, held_out = (
        measure(torch.from_numpy(np.hstack([predicted, part.targets, part.weight])), scale)
        for predicted, part in zip(predictions, parts, strict=True)
    )
    return LogEntry(step, train, held_out)


def _both(dataset: Dataset) -> tuple[Columns, Columns]:
    return _stack(dataset.train), _stack(dataset.held_out)


def _stack(examples: Sequence[Example]) -> Columns:
    return Columns(*map(np.concatenate, zip(*map(_columns, examples), strict=True)))


def _snapshots(examples: Sequence[Example], target: int) -> Iterator[tuple[Values, Values, Values]]:
    """Features, one target and its weights, snapshot by snapshot."""
    for features, targets, weight in map(_columns, examples):
        yield features, targets[:, target : target + 1], weight[:, target]


def _columns(example: Example) -> Columns:
    tensors = (example.graph.x[example.a_particles], example.targets, example.weight)
    return Columns(*(tensor.double().cpu().numpy() for tensor in tensors))
