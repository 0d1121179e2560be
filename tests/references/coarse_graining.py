"""Coarse-grained labels as the double sum over particles and images."""

from itertools import product

import numpy as np

__all__ = ["coarse_grain"]


def coarse_grain(labels, positions, box_length, length):
    """(N, K) labels averaged over Gaussian neighbourhoods, images up to four boxes away."""
    images = box_length * np.array(list(product(range(-4, 5), repeat=3)))
    averages = []
    for position in positions:
        vectors = (positions - position) % box_length
        squares = ((vectors[:, None] + images) ** 2).sum(axis=2)  # (N, images)
        weights = np.exp(-squares / (2 * length**2)).sum(axis=1)
        averages.append(weights @ labels / weights.sum())
    return np.array(averages)
