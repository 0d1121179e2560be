"""The loss and its weights by their formulas, particle by particle."""

import numpy as np


def squared_error(predictions, labels, weight):
    """1/N_A sum_i w_i (t_i - m_i)^2 for each target (thesis 2.18 and 2.21), from (N_A, targets) arrays."""
    particles, targets = labels.shape
    return [
        sum(float(weight[i, k]) * float(labels[i, k] - predictions[i, k]) ** 2 for i in range(particles))
        / particles
        for k in range(targets)
    ]


def rarity_weights(values, bins, alpha):
    """w_i = 1 / p(t_i)^alpha (thesis 2.20) of one target, p the histogram of the (N,) float32 values themselves."""
    counts, edges = np.histogram(values.astype(np.float64), bins)
    places = np.clip(np.searchsorted(edges[1:-1].astype(np.float32), values, side="right"), 0, bins - 1)
    return (counts[places] / len(values)) ** -alpha
