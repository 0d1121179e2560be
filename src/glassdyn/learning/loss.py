"""The squared error on A particles, plain or re-weighted by how rare a label is (thesis 2.18 to 2.21)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Histogram", "fit_histogram", "rarity_weights", "squared_error"]


class Histogram(NamedTuple):
    """The distribution of the training labels, one histogram per target.

    Attributes:
        edges: (targets, bins + 1) float32 edges, from the smallest label to the largest.
        probability: (targets, bins) float32, the fraction of labels in each bin; an empty bin has that
            of one label, so that no weight is infinite.
    """

    edges: Tensor
    probability: Tensor


def fit_histogram(labels: Sequence[Tensor], bins: int) -> Histogram:
    """The histogram of (N, targets) labels of A particles, pooled over snapshots."""
    values = torch.cat(list(labels)).double()  # (N, targets)
    counts, edges = zip(*(_histogram(column, bins) for column in values.T), strict=True)
    probability = torch.stack(counts).clamp(min=1) / len(values)
    return Histogram(torch.stack(edges).float(), probability.float())


def _histogram(values: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    counts, edges = torch.histogram(values, bins)
    return counts, edges


def rarity_weights(labels: Tensor, histogram: Histogram, alpha: float) -> Tensor:
    """w_i = 1 / p(t_i)^alpha (thesis 2.20), exactly 1 for alpha = 0.

    Args:
        labels: (N, targets); a label outside of the histogram belongs to its nearest bin.
        histogram: of the training labels.
        alpha: in [0, 1].

    Returns:
        (N, targets) float32.
    """
    inner = histogram.edges[:, 1:-1].contiguous()  # (targets, bins - 1)
    bins = torch.searchsorted(inner, labels.T.contiguous(), right=True)  # (targets, N)
    return histogram.probability.gather(1, bins).pow(-alpha).T.contiguous()


def squared_error(predictions: Tensor, labels: Tensor, weight: Tensor) -> Tensor:
    """1/N_A sum_i w_i (t_i - m_i)^2 for each target, over the rows given (thesis 2.18 and 2.21).

    Per particle rather than summed: the same minimum, and neither the clipping of gradients nor a
    learning curve depends on the size of the box.

    Args:
        predictions: (N_A, targets) m.
        labels: (N_A, targets) t.
        weight: (N_A, targets) w.

    Returns:
        (targets,); its mean is the loss of several targets (thesis 2.19).
    """
    return (weight * (labels - predictions) ** 2).mean(dim=0)
