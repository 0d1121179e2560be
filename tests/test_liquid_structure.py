"""The structure of an ideal gas, of crystals, of published liquids; counts equal to brute force."""

import numpy as np
import pytest

from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.neighbours import find_neighbours
from glassdyn.liquid.potential import assign_species
from glassdyn.observables import order, structure
from references.structure import pair_counts_by_all_pairs, structure_factors_by_plane_waves


def gas(particles, seed=0, density=1.2):
    box_length = (particles / density) ** (1 / 3)
    positions = np.random.default_rng(seed).random((particles, 3)) * box_length
    return Configuration(positions, assign_species(particles), box_length)


def crystal(basis, constant, cells=6):
    """Positions (N, 3) and box length of cells^3 cubic cells."""
    axis = np.arange(cells)
    corners = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    return (corners + np.array(basis)).reshape(-1, 3) * constant, cells * constant


FCC = [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
BCC = [[0, 0, 0], [0.5, 0.5, 0.5]]


def test_pair_counts_equal_brute_force():
    configuration = gas(300)
    edges = np.linspace(0, configuration.box_length / 2, 81)
    unwrapped = configuration._replace(positions=configuration.positions + 7 * configuration.box_length)
    np.testing.assert_array_equal(
        structure.pair_counts(unwrapped, edges), pair_counts_by_all_pairs(configuration, edges)
    )


def test_ideal_gas_has_no_structure():
    configuration, edges = gas(4000), np.linspace(0, 4.0, 41)
    _, species, box_length = configuration
    counts = structure.pair_counts(configuration, edges)
    radial = structure.radial_distribution(counts, species, box_length, edges)
    error = 1 / np.sqrt(np.maximum(counts, 1))  # of Poisson counts
    assert np.all(np.abs(radial - 1)[:, 10:] < 5 * error[:, 10:])
    vectors = structure.choose_wave_vectors(box_length, longest=12.0, width=0.5, per_shell=200)
    partials = structure.structure_factors(configuration, vectors)
    error = 1 / np.sqrt(np.bincount(vectors.shells))  # |rho|^2 is exponentially distributed
    assert np.all(np.abs(partials - [1, 0, 1]) < 5 * error[:, None])


def test_structure_factors_equal_the_double_sum():
    configuration = gas(100)
    vectors = structure.choose_wave_vectors(configuration.box_length, longest=6.0, width=0.3, per_shell=7)
    fast = structure.structure_factors(configuration, vectors)
    slow, total = structure_factors_by_plane_waves(configuration, vectors)
    assert np.allclose(fast, slow, rtol=1e-11, atol=1e-11)
    assert np.allclose(structure.total_structure_factor(fast, configuration.species), total)


def test_wave_vectors_are_those_of_the_box_without_opposites():
    vectors = structure.choose_wave_vectors(5.0, longest=6.0, width=0.4, per_shell=10**6)
    reach = np.arange(-5, 6)
    every = np.stack(np.meshgrid(reach, reach, reach), axis=-1).reshape(-1, 3)
    lengths = 2 * np.pi / 5.0 * np.linalg.norm(every, axis=1)
    assert 2 * len(vectors.numbers) == np.sum((lengths > 0) & (lengths < 6.0))
    both = {tuple(n) for n in vectors.numbers} | {tuple(-n) for n in vectors.numbers}
    assert len(both) == 2 * len(vectors.numbers)
    own = 2 * np.pi / 5.0 * np.linalg.norm(vectors.numbers, axis=1)
    means = np.bincount(vectors.shells, own) / np.bincount(vectors.shells)
    assert np.allclose(means, vectors.lengths)
    few = structure.choose_wave_vectors(5.0, longest=6.0, width=0.4, per_shell=4)
    assert np.bincount(few.shells).max() == 4


def test_crystal_scatters_at_its_reciprocal_lattice():
    positions, box_length = crystal(FCC, 1.5, cells=4)
    species = (np.arange(len(positions)) % 5 == 0).astype(np.uint8)
    vectors = structure.choose_wave_vectors(box_length, longest=9.0, width=0.05, per_shell=10**6)
    total = structure.total_structure_factor(
        structure.structure_factors(Configuration(positions, species, box_length), vectors), species
    )
    bragg = 2 * np.pi / 1.5 * np.sqrt(3)  # (111) of the face-centred cubic lattice
    assert vectors.lengths[np.flatnonzero(total > 1e-9)[0]] == pytest.approx(bragg, abs=0.05)


def test_first_maximum_is_the_top_of_the_peak():
    lengths = np.arange(3, 12, 0.1)
    values = 2.5 * np.exp(-((lengths - 7.23) ** 2) / 2) + np.exp(-((lengths - 12) ** 2))
    assert structure.first_maximum(lengths, values) == pytest.approx(7.23, abs=0.01)


def test_bond_order_does_not_depend_on_the_frame():
    positions, _, box_length = gas(500)
    counts = order.coherent_bonds(find_neighbours(positions, box_length, 1.4), 500)
    rotated = positions[:, [1, 0, 2]] * [1, -1, 1] + 3.21
    again = order.coherent_bonds(find_neighbours(rotated, box_length, 1.4), 500)
    assert np.array_equal(counts, again)


@pytest.mark.parametrize(("basis", "constant"), [(FCC, (4 / 1.2) ** (1 / 3)), (BCC, (2 / 1.2) ** (1 / 3))])
def test_crystals_are_solid_and_gases_are_not(basis, constant):
    positions, box_length = crystal(basis, constant)
    shaken = positions + np.random.default_rng(0).normal(0, 0.05, positions.shape)
    assert order.solid_fraction(shaken, box_length) > 0.99
    positions, _, box_length = gas(2000)
    assert order.solid_fraction(positions, box_length) < 0.02


def test_coherent_bonds_equal_freud_s():
    freud = pytest.importorskip("freud")
    positions, _, box_length = gas(1000, seed=3)
    pairs = find_neighbours(positions, box_length, 1.4)
    box, centred = freud.Box.cube(box_length), (positions - box_length / 2).astype(np.float32)
    query = freud.locality.AABBQuery(box, centred).query(centred, {"r_max": 1.4, "exclude_ii": True})
    solid = freud.order.SolidLiquid(l=6, q_threshold=order.COHERENT, solid_threshold=7)
    solid.compute((box, centred), neighbors=query.toNeighborList())
    differing = solid.num_connections != order.coherent_bonds(pairs, 1000)
    assert differing.mean() < 0.01  # freud works in float32: a bond at the threshold may differ


def test_published_supercooled_liquid_is_no_crystal(reference_data):
    with np.load(reference_data / "botan" / "isoconfig_N4096T0.44_1_tc07.npz") as data:
        positions = data["initial_positions"]
    assert order.solid_fraction(positions, (4096 / 1.2) ** (1 / 3)) < 0.01


def test_published_liquid_has_the_published_radial_distribution(reference_data):
    """T = 0.44 (4096 particles, one configuration) beside T = 0.45 (gamdpy): the same peaks."""
    reference = np.loadtxt(reference_data / "gamdpy_T045" / "kablj_prl_2022_rdf.dat")
    with np.load(reference_data / "botan" / "isoconfig_N4096T0.44_1_tc07.npz") as data:
        positions, species = data["initial_positions"], data["types"].astype(np.uint8)
    box_length, edges = (4096 / 1.2) ** (1 / 3), np.linspace(0, 3, 151)
    counts = structure.pair_counts(Configuration(positions, species, box_length), edges)
    radial = structure.radial_distribution(counts, species, box_length, edges)
    middles = (edges[1:] + edges[:-1]) / 2
    for pair, column in ((0, 1), (1, 2)):
        peak = reference[reference[:, column].argmax(), 0]
        assert middles[radial[pair].argmax()] == pytest.approx(peak, abs=0.02)
    expected = np.interp(middles, reference[:, 0], reference[:, 1])
    assert np.abs(radial[0] - expected)[40:].max() < 0.2  # one configuration only
