"""Radial descriptors equal the double sum of the spec exactly, and keep its symmetries."""

import numpy as np
import pytest

from glassdyn.features.radial import bin_edges, radial_descriptors, smooth_descriptors
from glassdyn.liquid.box import minimum_image, wrap
from glassdyn.liquid.configuration import Configuration
from references.radial import radial_descriptors_by_double_sum, smooth_descriptors_by_double_sum
from short_pipeline import section

EDGES = bin_edges(section("descriptors", r_min=0.7, r_max=4.7, bins=80, edges=()))


def mixture(particles, box_length, seed=0):
    rng = np.random.default_rng(seed)
    positions = rng.uniform(-box_length, 2 * box_length, (particles, 3))
    return Configuration(positions, rng.integers(0, 2, particles, np.uint8), box_length)


@pytest.mark.parametrize(
    ("particles", "box_length"), [(2, 9.4), (300, 9.4), (300, 9.41), (400, 14.5), (500, 26.0)]
)
def test_descriptors_equal_the_double_sum(particles, box_length):
    configuration = mixture(particles, box_length)
    np.testing.assert_array_equal(
        radial_descriptors(configuration, EDGES), radial_descriptors_by_double_sum(configuration, EDGES)
    )


def test_descriptors_of_a_thesis_sample_equal_the_double_sum():
    """Fifty of 64000 particles at the density of the liquid, the first and the last among them."""
    configuration = mixture(64000, (64000 / 1.2) ** (1 / 3))
    particles = np.linspace(0, 63999, 50).astype(int)
    np.testing.assert_array_equal(
        radial_descriptors(configuration, EDGES)[particles],
        radial_descriptors_by_double_sum(configuration, EDGES, particles),
    )


def test_unequal_bins():
    configuration, edges = mixture(300, 7.0), np.array([0.3, 0.31, 1.0, 1.2, 3.5])
    np.testing.assert_array_equal(
        radial_descriptors(configuration, edges), radial_descriptors_by_double_sum(configuration, edges)
    )


@pytest.mark.parametrize("box_length", [7.0, 70.0, 7000.0])
def test_counts_are_exact_where_float32_cannot_decide_the_bin(box_length):
    """Edges on the distances themselves, on the floats next to them, and bins narrower than float32 resolves."""
    rng = np.random.default_rng(5)
    positions = box_length - rng.uniform(0, 6.0, (120, 3))
    species = rng.integers(0, 2, 120, np.uint8)
    wrapped = wrap(positions, box_length)
    vectors = minimum_image(wrapped[1:] - wrapped[0], box_length)
    distances = np.sort(np.sqrt((vectors**2).sum(axis=1)))
    some = distances[distances < 3.5][::3]
    edges = np.unique(
        np.concatenate([some, np.nextafter(some, 0), np.nextafter(some, 9), some + 1e-6, [3.5]])
    )
    configuration = Configuration(positions, species, box_length)
    np.testing.assert_array_equal(
        radial_descriptors(configuration, edges), radial_descriptors_by_double_sum(configuration, edges)
    )


def test_a_distance_on_an_edge_belongs_to_the_bin_above():
    """A lattice of spacing 1: distances 1, sqrt 2, sqrt 3, 2 ...; the first and the fourth are edges."""
    lattice = np.stack(np.meshgrid(*[np.arange(10.0)] * 3), -1).reshape(-1, 3)
    configuration = Configuration(lattice, np.zeros(1000, np.uint8), 10.0)
    descriptors = radial_descriptors(configuration, EDGES)
    counts = (descriptors[:, :80] * 4 * np.pi * EDGES[:-1] ** 2).round()
    assert (counts[:, 5] == 0).all()
    assert (counts[:, 6] == 6).all()  # EDGES[6] is 1.0
    assert (counts[:, 26] == 6).all()  # EDGES[26] is 2.0
    np.testing.assert_array_equal(descriptors, radial_descriptors_by_double_sum(configuration, EDGES))


def test_edges_are_taken_as_listed():
    edges = (0.7, 0.8, 1.5, 3.0)
    assert bin_edges(section("descriptors", r_min=0.7, r_max=4.7, bins=80, edges=edges)).tolist() == list(
        edges
    )


def test_edges_are_the_decimal_numbers():
    assert EDGES[3] == 0.85
    assert EDGES[-1] == 4.7
    assert len(EDGES) == 81


def test_relabelling_shifts_and_reflections():
    rng = np.random.default_rng(2)
    positions = (
        rng.integers(0, 10 * 2**20, (300, 3)) / 2**20
    )  # exact in binary: the laws hold to the last bit
    species = rng.integers(0, 2, 300, np.uint8)

    def describe(positions, species):
        return radial_descriptors(Configuration(positions, species, 10.0), EDGES)

    descriptors, order = describe(positions, species), rng.permutation(300)
    np.testing.assert_array_equal(describe(positions[order], species[order]), descriptors[order])
    moved = 10.0 * rng.integers(-3, 4, (300, 3)) - positions[:, [2, 0, 1]] + 0.25
    np.testing.assert_array_equal(describe(moved, species), descriptors)
    np.testing.assert_array_equal(describe(positions, 1 - species), np.roll(descriptors, 80, axis=1))


@pytest.mark.parametrize(("box_length", "message"), [(9.39, "two cutoffs"), (9.4, "particle 7 is not")])
def test_refusals(box_length, message):
    configuration = mixture(20, 9.4)
    configuration.positions[7, 2] = np.inf
    with pytest.raises(ValueError, match=message):
        radial_descriptors(configuration._replace(box_length=box_length), EDGES)
    with pytest.raises(ValueError, match="increase"):
        radial_descriptors(configuration._replace(box_length=20.0), EDGES[::-1])


@pytest.mark.parametrize("kind", [2, 3, 255])
def test_species_other_than_two_are_refused(kind):
    configuration = mixture(20, 9.4)
    configuration.species[11] = kind
    for describe in (radial_descriptors, lambda *arguments: smooth_descriptors(*arguments, 0.1)):
        with pytest.raises(ValueError, match=rf"0 for A and 1 for B: got \[{kind}\]"):
            describe(configuration, EDGES)


def test_smooth_descriptors_have_no_jump_where_neighbours_cease_to_count():
    positions = np.array([[0.0, 0, 0], [4.7 - 1e-6, 0, 0], [0, 4.7 + 1e-6, 0], [0, 0, 4.0]])
    configuration = Configuration(positions, np.array([0, 1, 1, 0], np.uint8), 12.0)
    descriptors = smooth_descriptors(configuration, EDGES, 0.1)[0]
    assert (descriptors[80:] < 1e-9).all()
    assert descriptors[:80].max() > 0.01


def test_smooth_descriptors_equal_the_double_sum():
    configuration, particles = mixture(300, 9.5), np.arange(0, 300, 7)
    expected = smooth_descriptors_by_double_sum(configuration, EDGES, 0.1, particles)
    descriptors = smooth_descriptors(configuration, EDGES, 0.1)[particles]
    np.testing.assert_allclose(descriptors, expected, rtol=1e-6, atol=1e-9)
