"""Descriptors averaged over neighbours, generation by generation: what surrounds the surroundings.

Linear regression on a few generations predicts propensities as well as deep networks do.

Source: Boattini, Smallenburg & Filion, Phys. Rev. Lett. 127, 088007 (2021); Alkemade, Boattini, Filion &
Smallenburg, J. Chem. Phys. 156, 204503 (2022).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from glassdyn.liquid.neighbours import Pairs

__all__ = ["average_generations"]


def average_generations(
    values: NDArray[np.float64], pairs: Pairs, *, count: int, length: float
) -> NDArray[np.float64]:
    """Put values and their repeated averages over neighbours side by side.

    x_i^(n+1) = sum_j exp(-r_ij / length) x_j^(n) / sum_j exp(-r_ij / length),  j = i included

    Args:
        values: (N, F) x^(0), a row for each particle.
        pairs: of neighbours.
        count: generations after the zeroth.
        length: of the decay, units of sigma_AA.

    Returns:
        (N, (count + 1) F): x^(0), then x^(1), and so on.
    """
    particles = len(values)
    weights = np.exp(-np.linalg.norm(pairs.vectors, axis=1) / length)  # (E,)
    starts = np.searchsorted(pairs.receivers, np.arange(particles + 1))
    neighbourhood = csr_array((weights, pairs.senders, starts), shape=(particles, particles))
    total = 1.0 + neighbourhood.sum(axis=1)[:, None]  # (N, 1)
    generations = [np.asarray(values, dtype=np.float64)]
    for _ in range(count):
        generations.append((generations[-1] + neighbourhood @ generations[-1]) / total)
    return np.concatenate(generations, axis=1)
