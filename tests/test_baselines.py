"""Laws of the baselines: what they equal, and what their errors are."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from glassdyn.learning.linear import (
    PENALTIES,
    fit_constant,
    fit_ridge,
    merge_moments,
    predict,
    select_ridge,
    sum_moments,
    sum_weighted_moments,
)


@pytest.fixture
def data():
    generator = np.random.default_rng(3)
    features = generator.normal(size=(900, 12)) * generator.gamma(1.0, size=12) + 5.0
    features[:, 4] = 1.0  # as the type of A particles: it does not vary
    targets = features[:, :2] @ np.array([[0.3, -1.0], [0.1, 2.0]]) + generator.normal(size=(900, 2))
    return features, targets


def parts(features, targets, sizes):
    edges = np.cumsum(sizes)[:-1]
    return zip(np.split(features, edges), np.split(targets, edges), strict=True)


def test_moments_do_not_depend_on_how_the_particles_are_divided(data):
    whole = sum_moments([data])
    for sizes in ((100, 800), (1, 2, 897), (300, 0, 300, 300)):
        divided = sum_moments(parts(*data, sizes))
        assert divided.particles == whole.particles
        for actual, expected in zip(divided[1:], whole[1:], strict=True):
            np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)


def test_moments_of_copies_add_up(data):
    whole = sum_moments([data])
    copies = [sum_moments([part]) for part in parts(*data, (100, 500, 300))]
    for actual, expected in zip(merge_moments(copies), whole, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)


def test_a_weight_of_two_is_a_particle_twice(data):
    weight = np.random.default_rng(4).integers(1, 4, size=900)
    repeated = sum_moments([tuple(np.repeat(values, weight, axis=0) for values in data)])
    weighted = sum_weighted_moments((*part, part_weight) for part, part_weight in zip(
        parts(*data, (100, 800)), np.split(weight.astype(float), [100]), strict=True
    ))  # fmt: skip
    for actual, expected in zip(weighted, repeated, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)


def test_moments_of_nothing_are_refused():
    for moments in (sum_moments, sum_weighted_moments, merge_moments):
        with pytest.raises(ValueError, match=r"needs training particles.*split\.train"):
            moments([])


@pytest.mark.parametrize("penalty", [1e-4, 0.1, 10.0])
def test_ridge_is_scikit_learns_on_standardised_features(data, penalty):
    features, targets = data
    scaler = StandardScaler().fit(features)
    peer = Ridge(alpha=penalty * len(features)).fit(scaler.transform(features), targets)
    ours = predict(fit_ridge(sum_moments([data]), penalty), features)
    np.testing.assert_allclose(ours, peer.predict(scaler.transform(features)), rtol=1e-8)


def test_ridge_does_not_depend_on_the_unit_of_a_feature(data):
    features, targets = data
    units = np.geomspace(1e-3, 1e3, features.shape[1])
    ours = predict(fit_ridge(sum_moments([data]), 0.1), features)
    rescaled = predict(fit_ridge(sum_moments([(features * units, targets)]), 0.1), features * units)
    np.testing.assert_allclose(ours, rescaled, rtol=1e-8)


def test_a_great_penalty_leaves_the_training_mean(data):
    features, targets = data
    training = sum_moments([data])
    np.testing.assert_allclose(
        predict(fit_ridge(training, 1e9), features), predict(fit_constant(training), features), rtol=1e-6
    )
    np.testing.assert_allclose(predict(fit_constant(training), features)[0], targets.mean(axis=0))


def test_each_target_gets_the_penalty_of_the_highest_held_out_correlation(data):
    features, targets = data
    training, validation = (
        sum_moments([(features[:100], targets[:100])]),
        sum_moments([(features[100:], targets[100:])]),
    )
    selected, penalties = select_ridge(training, validation)
    for k in range(2):
        correlations = [
            np.corrcoef(predict(fit_ridge(training, penalty), features[100:])[:, k], targets[100:, k])[0, 1]
            for penalty in PENALTIES
        ]
        assert penalties[k] == PENALTIES[int(np.argmax(correlations))]
        best = predict(fit_ridge(training, penalties[k]), features)[:, k]
        np.testing.assert_array_equal(predict(selected, features)[:, k], best)
