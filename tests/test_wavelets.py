"""The wavelet label equals the integral of its definition, and keeps its symmetries."""

import numpy as np
import pytest

from glassdyn.labels.wavelets import NORM, difference_weights, scalogram, wavelet_at
from references.wavelets import wavelet_transform

SCALES, INTERVAL = (5, 20, 100), 0.1


def walks(frames, particles=4, seed=0):
    steps = np.random.default_rng(seed).normal(size=(particles, 3, frames)) * 0.05
    return np.cumsum(steps, axis=2)


def labels(positions, scales=SCALES):
    middle = (positions.shape[2] - 1) // 2
    return wavelet_at(positions, middle, difference_weights(scales, middle, INTERVAL))


def test_the_wavelet_has_norm_one():
    u = np.linspace(-8, 8, 100001)
    assert np.trapezoid((NORM * u * np.exp(-(u**2))) ** 2, u) == pytest.approx(1)
    assert pytest.approx(1.78648768, abs=1e-8) == NORM


def test_labels_equal_the_integral():
    positions = walks(1201)
    expected = np.stack([wavelet_transform(positions, 600, scale, INTERVAL) for scale in SCALES], axis=1)
    np.testing.assert_allclose(labels(positions), expected, atol=1e-9, rtol=0)


def test_offset_and_reversed_time():
    positions = walks(901)
    np.testing.assert_allclose(labels(positions + 30.0), labels(positions), atol=1e-12)
    np.testing.assert_array_equal(labels(positions[:, :, ::-1].copy()), labels(positions))


def test_a_still_particle_has_none_and_a_step_has_its_known_value():
    """A step of height h at the middle: C(a) = h sqrt(a) NORM / 2, the integral of psi over half the axis."""
    still = np.full((1, 3, 4001), 3.3)
    np.testing.assert_array_equal(labels(still), np.zeros((1, 3)))
    step = np.zeros((1, 3, 4001))
    step[0, 1, 2001:], step[0, 1, 2000] = 0.7, 0.35
    np.testing.assert_allclose(labels(step)[0, 1:], 0.7 * np.sqrt([2.0, 10.0]) * NORM / 2, rtol=1e-3)


def test_pywavelets_agrees_at_large_scales():
    """Its wavelet is integrated on a grid and shifted by half a frame: a per cent at 100 frames."""
    positions, scales = walks(4001), (100, 200, 400)
    coefficients = np.stack([scalogram(track, scales, INTERVAL) for track in positions])  # (n, K, 3, T)
    theirs = np.sqrt((coefficients[..., 2000] ** 2).sum(axis=2))
    np.testing.assert_allclose(theirs, labels(positions, scales), rtol=0.03)


def test_a_scale_too_long_names_the_longest_that_fits():
    with pytest.raises(ValueError, match="the longest that fits is 99"):
        difference_weights((50, 100), 399, INTERVAL)
    assert len(difference_weights((50, 99), 399, INTERVAL)) == 2
