"""An average over neighbours as a double loop."""

import numpy as np


def average_by_double_loop(values, positions, box_length, cutoff, length):
    """x_i' = sum_j exp(-r_ij / length) x_j / sum_j exp(-r_ij / length), j = i included, r_ij below the cutoff."""
    averaged = np.empty_like(values)
    for i in range(len(values)):
        vectors = positions - positions[i]
        distances = np.linalg.norm(vectors - box_length * np.rint(vectors / box_length), axis=1)
        weights = np.where(distances < cutoff, np.exp(-distances / length), 0.0)  # i itself: 1
        averaged[i] = weights @ values / weights.sum()
    return averaged
