"""Fields gathered around every particle: averages over neighbourhoods, and sums in shells."""

import numpy as np
import pytest

from glassdyn.features.gather import split_species
from glassdyn.features.neighbourhoods import average_neighbourhoods
from glassdyn.features.shells import centre_by_species, count_shells, sum_shells
from glassdyn.liquid.configuration import Configuration
from liquids import liquid
from references.fields import averages_by_all_pairs, shells_by_all_pairs

CONFIGURATION = liquid(3)
VALUES = np.random.default_rng(0).normal(size=(200, 3))


def pair(distance, species=(0, 1)):
    """Two particles, across a face of the box."""
    positions = np.array([[0.1, 5.0, 5.0], [0.1 - distance, 5.0, 5.0]])
    return Configuration(positions, np.array(species, np.uint8), 10.0)


def test_averages_are_those_over_all_pairs():
    expected = averages_by_all_pairs(CONFIGURATION, VALUES, (0.3, 1.0), 2.5)
    ours = average_neighbourhoods(CONFIGURATION, VALUES, (0.3, 1.0), 2.5)
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-12)


def test_an_average_of_two_by_hand():
    """(1 + 3 e^-1.2) / (1 + e^-1.2) with a length of 1; of length 0.25 the neighbour at 1.2 is beyond four lengths."""
    averages = average_neighbourhoods(pair(1.2), np.array([[1.0], [3.0]]), (0.25, 1.0), 3.0)
    weight = np.exp(-1.2)
    expected = [[1.0, (1 + 3 * weight) / (1 + weight)], [3.0, (3 + weight) / (1 + weight)]]
    np.testing.assert_allclose(averages, expected, rtol=1e-14)


@pytest.mark.parametrize(("radius", "width"), [(2.5, 0.25), (2.0, 0.4)])
def test_shells_are_those_over_all_pairs(radius, width):
    expected = shells_by_all_pairs(CONFIGURATION, VALUES, radius, width)
    ours = sum_shells(CONFIGURATION, VALUES, radius=radius, width=width)
    np.testing.assert_allclose(ours, expected, rtol=1e-11, atol=1e-11)
    assert ours.shape[1] == 2 * 3 * count_shells(radius, width)


def test_a_shell_by_hand():
    """A neighbour B at 1.2 lies between the shells at 1 and 1.5: three fifths of it are in the first."""
    sums = sum_shells(pair(1.2), np.array([[1.0], [3.0]]), radius=2.0, width=0.5)
    np.testing.assert_allclose(sums[0], [0, 0, 0, 0, 0, 1.8, 1.2, 0], atol=1e-14)
    np.testing.assert_allclose(sums[1], [0, 0.6, 0.4, 0, 0, 0, 0, 0], atol=1e-14)


def test_centred_values_have_no_mean_in_either_species():
    species = CONFIGURATION.species
    centred = centre_by_species(VALUES, species)
    for kind in (0, 1):
        np.testing.assert_allclose(centred[species == kind].mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(np.diff(centred[species == 1], axis=0), np.diff(VALUES[species == 1], axis=0))


def test_energies_of_the_species_have_columns_of_their_own():
    split = split_species(
        np.array([[-7.0, 0.1], [-5.0, 0.2]]), ["energy", "force"], np.array([0, 1], np.uint8)
    )
    np.testing.assert_array_equal(split, [[-7.0, 0.0, 0.1], [0.0, -5.0, 0.2]])
