"""The loss against its formula, and the limits in which re-weighting does nothing."""

import numpy as np
import pytest
import torch

from glassdyn.learning.loss import fit_histogram, rarity_weights, squared_error
from references import loss as reference


def random_labels(rows, targets, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).gamma(2.0, size=(rows, targets)).astype(np.float32))


def test_squared_error_is_the_sum_of_the_thesis_per_particle():
    labels, predictions, weight = (random_labels(50, 2, seed) for seed in range(3))
    expected = reference.squared_error(predictions, labels, weight)
    np.testing.assert_allclose(squared_error(predictions, labels, weight).numpy(), expected, rtol=1e-5)


def test_alpha_zero_is_the_plain_loss_to_the_last_bit():
    labels, predictions = random_labels(1000, 2), random_labels(1000, 2, 1)
    weight = rarity_weights(labels, fit_histogram([labels], 30), 0.0)
    plain = ((labels - predictions) ** 2).mean(dim=0)
    assert torch.equal(weight, torch.ones_like(labels))
    assert torch.equal(squared_error(predictions, labels, weight), plain)


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_weights_are_the_inverse_power_of_the_bin_s_probability(alpha):
    labels = random_labels(500, 2)
    weight = rarity_weights(labels, fit_histogram([labels[:200], labels[200:]], 20), alpha)
    for values, weights in zip(labels.numpy().T, weight.numpy().T, strict=True):
        np.testing.assert_allclose(weights, reference.rarity_weights(values, 20, alpha), rtol=1e-5)


def test_alpha_one_gives_every_bin_of_the_training_labels_the_same_total_weight():
    labels = random_labels(500, 1)
    histogram = fit_histogram([labels], 10)
    weight = rarity_weights(labels, histogram, 1.0)
    bins = torch.searchsorted(histogram.edges[0, 1:-1].contiguous(), labels[:, 0], right=True)
    totals = torch.zeros(10).index_add_(0, bins, weight[:, 0])
    torch.testing.assert_close(
        totals[totals > 0], torch.full((int((totals > 0).sum()),), 500.0), rtol=1e-5, atol=0
    )


def test_labels_beyond_the_histogram_belong_to_its_ends():
    labels = random_labels(500, 1)
    histogram = fit_histogram([labels], 10)
    beyond = torch.tensor([[-1e3], [1e3]])
    ends = torch.stack((labels.min(dim=0).values, labels.max(dim=0).values))
    assert torch.equal(rarity_weights(beyond, histogram, 0.7), rarity_weights(ends, histogram, 0.7))
