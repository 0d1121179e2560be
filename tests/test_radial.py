"""Radial descriptors equal the double sum of the spec exactly, and keep its symmetries."""

import numpy as np
import pytest

from glassdyn.features.radial import bin_edges, radial_descriptors, smooth_descriptors
from glassdyn.liquid.box import minimum_image, wrap
from glassdyn.params import Descriptors

EDGES = bin_edges(Descriptors(r_min=0.7, r_max=4.7, bins=80, edges=()))


def double_sum(positions, species, box_length, edges, chosen=None):
    """G_Y,a(i) = 1 / (4 pi r_a^2) #{ j of type Y : r_ij in [r_a, r_a+1) }, j != i, for every i or the chosen."""
    wrapped, rows = wrap(positions, box_length), []
    for i in range(len(positions)) if chosen is None else chosen:
        squares = (minimum_image(wrapped - wrapped[i], box_length) ** 2).sum(axis=1)
        squares[i] = np.inf
        shell = (squares >= edges[:-1, None] ** 2) & (squares < edges[1:, None] ** 2)  # (bins, N)
        counts = [(shell & (species == kind)).sum(axis=1) for kind in (0, 1)]
        rows.append(np.concatenate([count / (4 * np.pi * edges[:-1] ** 2) for count in counts]))
    return np.array(rows, np.float32)


def mixture(particles, box_length, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-box_length, 2 * box_length, (particles, 3)), rng.integers(0, 2, particles, np.uint8)


@pytest.mark.parametrize(
    ("particles", "box_length"), [(2, 9.4), (300, 9.4), (300, 9.41), (400, 14.5), (500, 26.0)]
)
def test_descriptors_equal_the_double_sum(particles, box_length):
    positions, species = mixture(particles, box_length)
    np.testing.assert_array_equal(
        radial_descriptors(positions, species, box_length, EDGES),
        double_sum(positions, species, box_length, EDGES),
    )


def test_descriptors_of_a_thesis_sample_equal_the_double_sum():
    """Fifty of 64000 particles at the density of the liquid, the first and the last among them."""
    box_length = (64000 / 1.2) ** (1 / 3)
    positions, species = mixture(64000, box_length)
    chosen = np.linspace(0, 63999, 50).astype(int)
    np.testing.assert_array_equal(
        radial_descriptors(positions, species, box_length, EDGES)[chosen],
        double_sum(positions, species, box_length, EDGES, chosen),
    )


def test_unequal_bins():
    positions, species = mixture(300, 7.0)
    edges = np.array([0.3, 0.31, 1.0, 1.2, 3.5])
    np.testing.assert_array_equal(
        radial_descriptors(positions, species, 7.0, edges), double_sum(positions, species, 7.0, edges)
    )


@pytest.mark.parametrize("box_length", [7.0, 70.0, 7000.0])
def test_counts_are_exact_where_float32_cannot_tell_the_bin(box_length):
    """Edges on the distances themselves, on the floats next to them, and bins narrower than float32 resolves."""
    rng = np.random.default_rng(5)
    positions = box_length - rng.uniform(0, 6.0, (120, 3))
    species = rng.integers(0, 2, 120, np.uint8)
    wrapped = wrap(positions, box_length)
    apart = minimum_image(wrapped[1:] - wrapped[0], box_length)
    some = np.sort(np.sqrt((apart**2).sum(axis=1)))
    some = some[some < 3.5][::3]
    edges = np.unique(
        np.concatenate([some, np.nextafter(some, 0), np.nextafter(some, 9), some + 1e-6, [3.5]])
    )
    np.testing.assert_array_equal(
        radial_descriptors(positions, species, box_length, edges),
        double_sum(positions, species, box_length, edges),
    )


def test_a_distance_on_an_edge_belongs_to_the_bin_above():
    """A lattice of spacing 1: distances 1, sqrt 2, sqrt 3, 2 ...; the first and the fourth are edges."""
    lattice = np.stack(np.meshgrid(*[np.arange(10.0)] * 3), -1).reshape(-1, 3)
    found = radial_descriptors(lattice, np.zeros(1000, np.uint8), 10.0, EDGES)
    counts = (found[:, :80] * 4 * np.pi * EDGES[:-1] ** 2).round()
    assert (counts[:, 5] == 0).all()
    assert (counts[:, 6] == 6).all()  # EDGES[6] is 1.0
    assert (counts[:, 26] == 6).all()  # EDGES[26] is 2.0
    np.testing.assert_array_equal(found, double_sum(lattice, np.zeros(1000, np.uint8), 10.0, EDGES))


def test_edges_are_taken_as_given():
    edges = (0.7, 0.8, 1.5, 3.0)
    assert bin_edges(Descriptors(r_min=0.7, r_max=4.7, bins=80, edges=edges)).tolist() == list(edges)


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
    found = radial_descriptors(positions, species, 10.0, EDGES)
    order = rng.permutation(300)
    np.testing.assert_array_equal(
        radial_descriptors(positions[order], species[order], 10.0, EDGES), found[order]
    )
    moved = 10.0 * rng.integers(-3, 4, (300, 3)) - positions[:, [2, 0, 1]] + 0.25
    np.testing.assert_array_equal(radial_descriptors(moved, species, 10.0, EDGES), found)
    np.testing.assert_array_equal(
        radial_descriptors(positions, 1 - species, 10.0, EDGES),
        np.roll(found, 80, axis=1),
    )


@pytest.mark.parametrize(("box_length", "message"), [(9.39, "two cutoffs"), (9.4, "particle 7 is not")])
def test_refusals(box_length, message):
    positions, species = mixture(20, 9.4)
    positions[7, 2] = np.inf
    with pytest.raises(ValueError, match=message):
        radial_descriptors(positions, species, box_length, EDGES)
    with pytest.raises(ValueError, match="increase"):
        radial_descriptors(positions, species, 20.0, EDGES[::-1])


@pytest.mark.parametrize("kind", [2, 3, 255])
def test_species_other_than_two_are_refused(kind):
    positions, species = mixture(20, 9.4)
    species[11] = kind
    for describe in (radial_descriptors, lambda *liquid: smooth_descriptors(*liquid, 0.1)):
        with pytest.raises(ValueError, match=rf"0 for A and 1 for B: got \[{kind}\]"):
            describe(positions, species, 9.4, EDGES)


def test_smooth_descriptors_have_no_jump_where_neighbours_cease_to_count():
    positions = np.array([[0.0, 0, 0], [4.7 - 1e-6, 0, 0], [0, 4.7 + 1e-6, 0], [0, 0, 4.0]])
    species = np.array([0, 1, 1, 0], np.uint8)
    found = smooth_descriptors(positions, species, 12.0, EDGES, 0.1)[0]
    assert (found[80:] < 1e-9).all()
    assert found[:80].max() > 0.01


def test_smooth_descriptors_equal_the_double_sum():
    positions, species = mixture(300, 9.5)
    found = smooth_descriptors(positions, species, 9.5, EDGES, 0.1)
    wrapped, centres = wrap(positions, 9.5), (EDGES[1:] + EDGES[:-1]) / 2
    for i in range(0, 300, 7):
        distances = np.linalg.norm(minimum_image(wrapped - wrapped[i], 9.5), axis=1)
        near = ((distances < 4.7) & (np.arange(300) != i)) * (1 + np.cos(np.pi * distances / 4.7)) / 2
        gaussians = np.exp(-((distances[:, None] - centres) ** 2) / (2 * 0.1**2)) * near[:, None]  # (N, bins)
        expected = np.concatenate([gaussians[species == kind].sum(axis=0) for kind in (0, 1)])
        np.testing.assert_allclose(found[i], expected, rtol=1e-6, atol=1e-9)
