"""Averages over neighbours against the double loop, and their limits."""

import numpy as np
import pytest

from glassdyn.features.neighbour_averages import average_generations
from glassdyn.liquid.neighbours import find_neighbours
from liquids import liquid
from references.neighbour_averages import average_by_double_loop


@pytest.fixture
def configuration():
    positions, _, box_length = liquid(0)
    return positions, box_length, np.random.default_rng(1).normal(size=(len(positions), 3))


def test_each_generation_is_the_average_of_the_one_before(configuration):
    positions, box_length, values = configuration
    generations = average_generations(
        values, find_neighbours(positions, box_length, 1.5), count=2, length=0.7
    )
    once = average_by_double_loop(values, positions, box_length, 1.5, 0.7)
    twice = average_by_double_loop(once, positions, box_length, 1.5, 0.7)
    np.testing.assert_allclose(generations, np.concatenate((values, once, twice), axis=1), rtol=0, atol=1e-13)


def test_a_constant_stays_and_a_short_length_leaves_values_as_they_are(configuration):
    positions, box_length, values = configuration
    pairs = find_neighbours(positions, box_length, 1.5)
    np.testing.assert_allclose(
        average_generations(np.ones((len(values), 1)), pairs, count=3, length=1.0), 1.0
    )
    own = average_generations(values, pairs, count=1, length=1e-3)
    np.testing.assert_allclose(own[:, 3:], values, atol=1e-12)


def test_relabelling_permutes_the_rows(configuration):
    positions, box_length, values = configuration
    order = np.random.default_rng(2).permutation(len(values))
    plain, relabelled = (
        average_generations(
            values[rows], find_neighbours(positions[rows], box_length, 1.5), count=2, length=1.0
        )
        for rows in (np.arange(len(values)), order)
    )
    np.testing.assert_allclose(relabelled, plain[order], atol=1e-13)
