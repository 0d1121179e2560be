"""Coarse-grained labels against the double sum over particles and images."""

import numpy as np
import pytest

from glassdyn import label_names
from glassdyn.labels.coarse_graining import coarse_grain
from references import coarse_graining as reference

BOX_LENGTH = 6.0


def liquid(particles=60, labels=2):
    rng = np.random.default_rng(0)
    return rng.exponential(size=(particles, labels)), rng.uniform(-6, 12, (particles, 3))


@pytest.mark.parametrize("length", [0.1, 0.4, 0.43, 1.0, 3.0])  # up to 6 / 14 over neighbours
def test_equal_to_the_double_sum(length):
    labels, positions = liquid()
    np.testing.assert_allclose(
        coarse_grain(labels, positions, BOX_LENGTH, [length]),
        reference.coarse_grain(labels, positions, BOX_LENGTH, length),
        rtol=1e-8,
    )


def test_both_limits():
    labels, positions = liquid()
    tiny, huge = np.split(coarse_grain(labels, positions, BOX_LENGTH, [1e-3, 1e3]), 2, axis=1)
    np.testing.assert_array_equal(tiny, labels)
    np.testing.assert_allclose(huge, np.tile(labels.mean(axis=0), (len(labels), 1)), rtol=1e-12)


def test_both_ways_of_summing_agree_where_they_meet():
    labels, positions = liquid()
    below, above = BOX_LENGTH / 14 * (1 - 1e-12), BOX_LENGTH / 14 * (1 + 1e-12)
    averages = coarse_grain(labels, positions, BOX_LENGTH, [below, above])
    np.testing.assert_allclose(averages[:, :2], averages[:, 2:], rtol=2e-8)


def test_columns_are_named_by_label_and_length():
    assert label_names.coarse(["p_hop", "cwt_50"], [0.5, 2.0]) == [
        "p_hop_ell0.5", "cwt_50_ell0.5", "p_hop_ell2", "cwt_50_ell2",
    ]  # fmt: skip
    labels, positions = liquid()
    assert coarse_grain(labels, positions, BOX_LENGTH, [0.5, 2.0]).shape == (60, 4)
