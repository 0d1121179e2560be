"""Moments of displacements as a loop over origins and lags."""

import numpy as np


def displacement_moments_by_loop(positions, species, *, lags, origins, wave_number):
    """(O, K, 2, 3) means of d^2, d^4 and sin(q d) / (q d) by species; NaN where a lag ends beyond the last frame."""
    means = np.full((len(origins), len(lags), 2, 3), np.nan)
    for o, origin in enumerate(origins):
        for k, lag in enumerate(lags):
            if origin + lag >= len(positions):
                continue
            d = np.linalg.norm(positions[origin + lag].astype(float) - positions[origin], axis=1)
            terms = np.stack([d**2, d**4, np.sinc(wave_number * d / np.pi)], axis=1)  # (N, 3)
            means[o, k] = [terms[species == kind].mean(axis=0) for kind in range(2)]
    return means
