"""The wavelet label as the integral of thesis 2.16 and 2.17."""

import numpy as np

from glassdyn.labels.wavelets import NORM

__all__ = ["wavelet_transform"]


def wavelet_transform(positions, frame, scale, interval):
    """(n,) m(a) of (n, 3, T) positions by the sum over all frames s of r(s) a^(-1/2) psi((s - t) / a) dt."""
    a = scale * interval
    u = (np.arange(positions.shape[2]) - frame) * interval / a
    psi = -NORM * u * np.exp(-(u**2))
    coefficients = (positions * psi).sum(axis=2) * a**-0.5 * interval  # (n, 3)
    return np.sqrt((coefficients**2).sum(axis=1))
