"""Laws of the periodic box and of the neighbour search."""

import numpy as np
import pytest

from glassdyn.liquid.box import minimum_image, wrap
from glassdyn.liquid.neighbours import find_neighbours

BOXES = [(2, 1.0, 0.5), (50, 3.0, 1.5), (60, 3.2, 1.5), (300, 5.0, 1.2), (500, 7.47, 1.5), (400, 6.9, 2.3)]


def all_pairs(positions, box_length, cutoff):
    """Receivers, senders and vectors by the double loop."""
    wrapped = wrap(positions, box_length)
    vectors = minimum_image(wrapped[None] - wrapped[:, None], box_length)  # (N, N, 3) sender - receiver
    near = (vectors**2).sum(-1) < cutoff * cutoff
    np.fill_diagonal(near, val=False)
    receivers, senders = np.nonzero(near)
    return receivers, senders, vectors[near]


@pytest.mark.parametrize(("particles", "box_length", "cutoff"), BOXES)
def test_neighbours_equal_the_double_loop(particles, box_length, cutoff):
    positions = np.random.default_rng(particles).uniform(-3 * box_length, 3 * box_length, (particles, 3))
    for actual, expected in zip(
        find_neighbours(positions, box_length, cutoff), all_pairs(positions, box_length, cutoff), strict=True
    ):
        np.testing.assert_array_equal(actual, expected)


def test_neighbours_on_a_lattice_whose_distances_are_the_cutoff():
    """Strictly closer than the cutoff: the lattice's nearest neighbours at 1 are none at cutoff 1."""
    lattice = np.stack(np.meshgrid(*[np.arange(4.0)] * 3), -1).reshape(-1, 3)
    assert len(find_neighbours(lattice, 4.0, 1.0).receivers) == 0
    assert len(find_neighbours(lattice, 4.0, np.nextafter(1.0, 2)).receivers) == 6 * 64


def test_neighbours_are_invariant_under_periodic_shifts():
    rng = np.random.default_rng(1)
    positions = rng.integers(0, 2**20, (200, 3)) / 2**18  # exact in binary, so that shifts are exact
    shifted = positions + 4.0 * rng.integers(-5, 6, (200, 3))
    for actual, expected in zip(
        find_neighbours(shifted, 4.0, 1.3), find_neighbours(positions, 4.0, 1.3), strict=True
    ):
        np.testing.assert_array_equal(actual, expected)


def test_a_box_below_two_cutoffs_is_refused():
    with pytest.raises(ValueError, match="two cutoffs"):
        find_neighbours(np.zeros((3, 3)), 2.9, 1.5)


def test_lost_particles_are_named():
    positions = np.zeros((5, 3))
    positions[3, 1] = np.nan
    with pytest.raises(ValueError, match="particle 3"):
        find_neighbours(positions, 10.0, 1.5)
