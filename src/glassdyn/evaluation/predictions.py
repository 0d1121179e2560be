"""True and predicted labels of the test set: snapshot by snapshot, and all A particles together."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.evaluation.bootstrap import Comparison
from glassdyn.evaluation.scores import assign_blocks
from glassdyn.storage.trajectory import copy_of

__all__ = ["PooledPredictions", "Predictions", "pool_predictions"]

Values = NDArray[np.float64]
Columns = Mapping[str, Values]


class Predictions(NamedTuple):
    """The true labels of one snapshot, and the predictions of several models.

    Attributes:
        species: (N,) 0 for A, 1 for B.
        targets: label -> (N,) float64, the label's unit.
        predictions: label -> model -> (N,), of the models that predict it.
        positions: (N, 3) wrapped, units of sigma_AA.
        box_length: L, units of sigma_AA.
    """

    species: NDArray[np.uint8]
    targets: Columns
    predictions: Mapping[str, Columns]
    positions: Values
    box_length: float


class PooledPredictions(NamedTuple):
    """All A particles of all snapshots.

    Attributes:
        targets: label -> (N,), the label's unit.
        predictions: label -> model -> (N,), of the models that predict it.
        folds: (N,) that tests the copy.
        copies: (N,) copy of the liquid.
        samples: (N,) index of the snapshot.
        blocks: (N,) index of the spatial block, distinct between snapshots.
    """

    targets: Columns
    predictions: Mapping[str, Columns]
    folds: NDArray[np.int64]
    copies: NDArray[np.int64]
    samples: NDArray[np.int64]
    blocks: NDArray[np.int64]

    def comparison(self, model: str, label: str) -> Comparison:
        """One model on one label."""
        columns = self.targets[label], self.predictions[label][model]
        return Comparison(*columns, self.folds, self.copies, self.samples, self.blocks)


def pool_predictions(
    snapshots: Mapping[str, Predictions], folds: Mapping[int, int], block_length: float
) -> PooledPredictions:
    """Put the A particles of all snapshots together.

    Args:
        snapshots: one after the other, by sample; all have the same labels, and each of these the same models.
        folds: copy -> fold that tests it.
        block_length: see `scores.assign_blocks`.
    """
    in_order = list(snapshots.values())
    is_a = [snapshot.species == 0 for snapshot in in_order]
    blocks = [assign_blocks(snapshot.positions, snapshot.box_length, block_length) for snapshot in in_order]
    stride = max(int(block.max()) for block in blocks) + 1
    sizes = [int(a.sum()) for a in is_a]
    copies = [copy_of(name) for name in snapshots]

    def join(parts: Iterable[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([part[a] for part, a in zip(parts, is_a, strict=True)])

    return PooledPredictions(
        {label: join(snapshot.targets[label] for snapshot in in_order) for label in in_order[0].targets},
        {
            label: {
                model: join(snapshot.predictions[label][model] for snapshot in in_order) for model in models
            }
            for label, models in in_order[0].predictions.items()
        },
        np.repeat([folds[copy] for copy in copies], sizes),
        np.repeat(copies, sizes),
        np.repeat(np.arange(len(in_order)), sizes),
        join(stride * number + block for number, block in enumerate(blocks)),
    )
