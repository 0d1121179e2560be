"""The test set before every rival: what the network and its baselines answer, and what that is worth."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.baselines.predictors import Predictor
from glassdyn.evaluation.bootstrap import Comparison, improvement
from glassdyn.evaluation.calibration import calibration
from glassdyn.evaluation.scores import Scores, score, spatial_blocks
from glassdyn.learning.labelled_graphs import TableFolders, load_labels
from glassdyn.params import Evaluate
from glassdyn.storage import tables

__all__ = [
    "PooledPredictions",
    "Predictions",
    "Topic",
    "answer",
    "gains",
    "metrics",
    "pool_predictions",
    "scores_of",
    "write",
]

Values = NDArray[np.float64]

Topic = Mapping[str, Mapping[str, Any]]
"""Label -> nested numbers for the metrics file."""

RELIABILITY_BINS = 20
"""Bins of prediction behind the calibration error."""


class Predictions(NamedTuple):
    """One snapshot: truth and the answers of several models.

    Attributes:
        species: (N,) 0 for A, 1 for B.
        targets: (N, K) float64, the labels' units.
        predictions: model -> (N, K).
        positions: (N, 3) wrapped, units of sigma_AA.
        box_length: L, units of sigma_AA.
    """

    species: NDArray[np.uint8]
    targets: Values
    predictions: Mapping[str, Values]
    positions: Values
    box_length: float


class PooledPredictions(NamedTuple):
    """All A particles of all snapshots; for each of K labels, the answers of each model.

    Attributes:
        labels: names of the labels.
        targets: (N, K).
        predictions: model -> (N, K).
        samples: (N,) index of the snapshot.
        blocks: (N,) index of the spatial block, distinct between snapshots.
    """

    labels: tuple[str, ...]
    targets: Values
    predictions: Mapping[str, Values]
    samples: NDArray[np.int64]
    blocks: NDArray[np.int64]

    def comparison(self, model: str, label: str) -> Comparison:
        """One model on one label."""
        k = self.labels.index(label)
        return Comparison(self.targets[:, k], self.predictions[model][:, k], self.samples, self.blocks)


def answer(
    name: str, models: Mapping[str, Predictor], *, folders: TableFolders, labels: Sequence[str]
) -> Predictions:
    """Ask every model about one sample.

    Args:
        name: of the sample.
        models: by name.
        folders: of the tables.
        labels: names of the labels that the models predict.

    Raises:
        TableError: for a table that is absent or damaged, or lacks a label.
    """
    path = folders.features / f"{name}.parquet"
    structure = tables.read(path, ["type", "x", "y", "z"])
    return Predictions(
        structure["type"].to_numpy(),
        load_labels(name, folders, labels).select(labels).to_numpy(),
        {model: rival(name) for model, rival in models.items()},
        structure.select("x", "y", "z").to_numpy(),
        tables.read_parameters(path)["box_length"],
    )


def write(path: Path, answers: Predictions, *, model: str, labels: Sequence[str]) -> None:
    """Write the targets and one model's predictions of a sample as a table of all its particles."""
    columns: dict[str, NDArray[Any]] = {
        "particle": np.arange(len(answers.species), dtype=np.uint32),
        "type": answers.species,
    }
    for k, label in enumerate(labels):
        columns[f"target_{label}"] = answers.targets[:, k]
        columns[f"predicted_{label}"] = answers.predictions[model][:, k]
    tables.write(path, tables.predictions_schema(labels), [columns], {"model": model})


def pool_predictions(
    snapshots: Sequence[Predictions], labels: Sequence[str], block_length: float
) -> PooledPredictions:
    """Put the A particles of all snapshots together.

    Args:
        snapshots: one after the other.
        labels: names of the labels.
        block_length: see `spatial_blocks`.
    """
    learnt = [answers.species == 0 for answers in snapshots]
    blocks = [spatial_blocks(one.positions, one.box_length, block_length) for one in snapshots]
    each = max(int(block.max()) for block in blocks) + 1

    def joined(parts: Iterable[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([part[a] for part, a in zip(parts, learnt, strict=True)])

    return PooledPredictions(
        tuple(labels),
        joined(one.targets for one in snapshots),
        {model: joined(one.predictions[model] for one in snapshots) for model in snapshots[0].predictions},
        np.repeat(np.arange(len(snapshots)), [int(a.sum()) for a in learnt]),
        joined(each * number + block for number, block in enumerate(blocks)),
    )


def scores_of(pooled: PooledPredictions, settings: Evaluate) -> dict[str, dict[str, Scores]]:
    """Score every model on every label: model -> label -> scores; the same draws for all of them."""
    return {
        model: {
            label: score(
                pooled.comparison(model, label),
                parts=settings.subsets,
                resamples=settings.resamples,
                confidence=settings.confidence,
                generator=np.random.default_rng(settings.seed),
            )
            for label in pooled.labels
        }
        for model in pooled.predictions
    }


def gains(pooled: PooledPredictions, settings: Evaluate) -> dict[str, dict[str, dict[str, float]]]:
    """Bound what the network's rho has over each baseline's: label -> baseline -> `low`, `high`."""
    return {
        label: {
            model: improvement(
                pooled.comparison("network", label),
                pooled.comparison(model, label),
                resamples=settings.resamples,
                confidence=settings.confidence,
                generator=np.random.default_rng(settings.seed),
            )._asdict()
            for model in pooled.predictions
            if model not in {"network", "constant"}
        }
        for label in pooled.labels
    }


def metrics(
    pooled: PooledPredictions,
    scores: Mapping[str, Mapping[str, Scores]],
    further: Mapping[str, Topic],
) -> dict[str, Any]:
    """Lay out the metrics file: `test.<label>` for the network, `baselines.<model>.<label>` for the others.

    The constant has losses only: its correlation is not defined.

    Args:
        pooled: the test set.
        scores: of every model on every label.
        further: topic -> label -> numbers, put at `test.<label>.<topic>`.
    """
    test = {
        label: found._asdict()
        | {"calibration": _calibration(pooled, label)}
        | {topic: dict(of_labels[label]) for topic, of_labels in further.items() if label in of_labels}
        for label, found in scores["network"].items()
    }
    rivals = {
        model: {label: _defined(found) for label, found in of_labels.items()}
        for model, of_labels in scores.items()
        if model != "network"
    }
    return {"test": test, "baselines": rivals, "particles": len(pooled.samples)}


def _calibration(pooled: PooledPredictions, label: str) -> dict[str, float]:
    pair = pooled.comparison("network", label)
    return calibration(pair.targets, pair.predictions, bins=RELIABILITY_BINS)._asdict()


def _defined(scores: Scores) -> dict[str, float]:
    found = scores._asdict()
    if scores.pearson_low == scores.pearson_high == 0.0:
        return {name: value for name, value in found.items() if name.startswith("loss")}
    return found
