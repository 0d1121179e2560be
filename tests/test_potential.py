"""Laws of the reference implementation of the Kob-Andersen potential."""

import numpy as np
import pytest

from glassdyn.liquid import potential as kob_andersen
from glassdyn.liquid.configuration import Configuration
from references.potential import lennard_jones
from short_pipeline import section

POTENTIALS = [
    section("potential", truncation="xplor", r_on=2.0, r_cut=2.5, spline_points=0),
    section("potential", truncation="shift", r_on=2.0, r_cut=2.5, spline_points=0),
]
PAIRS = [(0, 0), (0, 1), (1, 1)]


def interaction(distances, pair, potential):
    size = np.ones_like(distances)
    return kob_andersen.pair_interaction(
        distances, kob_andersen.EPSILON[pair] * size, kob_andersen.SIGMA[pair] * size, potential
    )


@pytest.mark.parametrize("potential", POTENTIALS, ids=lambda p: p.truncation)
@pytest.mark.parametrize("pair", PAIRS)
def test_force_is_minus_the_slope_of_the_energy(potential, pair):
    distances = kob_andersen.SIGMA[pair] * np.linspace(0.85, 2.49, 401)
    step = 1e-5
    above = interaction(distances + step, pair, potential)[0]
    below = interaction(distances - step, pair, potential)[0]
    # central differences: step^2 U''' / 6, and U''' is at most some 1e4 forces
    np.testing.assert_allclose(
        interaction(distances, pair, potential)[1], -(above - below) / (2 * step), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("pair", PAIRS)
def test_energy_below_the_smoothing_is_lennard_jones(pair):
    distances = kob_andersen.SIGMA[pair] * np.linspace(0.8, 1.99, 50)
    expected = [lennard_jones(r, "".join("AB"[species] for species in pair)) for r in distances]
    np.testing.assert_allclose(interaction(distances, pair, POTENTIALS[0])[0], expected, rtol=1e-12)


@pytest.mark.parametrize("potential", POTENTIALS, ids=lambda p: p.truncation)
@pytest.mark.parametrize("pair", PAIRS)
def test_energy_is_continuous_at_the_cutoff_and_zero_beyond(potential, pair):
    cut = potential.r_cut * kob_andersen.SIGMA[pair]
    inside, outside = interaction(np.array([cut - 1e-9, cut + 1e-9]), pair, potential)[0]
    assert abs(inside) < 1e-9
    assert outside == 0


def test_xplor_keeps_the_core_and_smooths_the_force_to_zero():
    smooth, cut = POTENTIALS
    core = np.linspace(0.9, 1.99, 50)
    difference = interaction(core, (0, 0), smooth)[0] - interaction(core, (0, 0), cut)[0]
    np.testing.assert_allclose(difference, difference[0], atol=1e-12)  # the shift, a constant
    assert abs(interaction(np.array([2.5 - 1e-6]), (0, 0), smooth)[1][0]) < 1e-6


@pytest.mark.parametrize("potential", POTENTIALS, ids=lambda p: p.truncation)
def test_forces_are_the_gradient_and_sum_to_zero(potential):
    generator = np.random.default_rng(1)
    box_length = 6.0
    grid = np.stack(np.meshgrid(*[np.arange(5)] * 3), axis=-1).reshape(-1, 3)
    positions = (grid + 0.1 * generator.random(grid.shape)) * box_length / 5
    species = kob_andersen.assign_species(len(positions))

    def interact(positions):
        return kob_andersen.energy_and_forces(Configuration(positions, species, box_length), potential)

    forces = interact(positions).forces
    assert np.abs(forces.sum(axis=0)).max() < 1e-10 * np.abs(forces).max()
    step = 1e-6
    for particle, axis in ((7, 1), (120, 2)):
        displacement = np.zeros_like(positions)
        displacement[particle, axis] = step
        above, below = interact(positions + displacement).energy, interact(positions - displacement).energy
        assert (below - above) / (2 * step) == pytest.approx(forces[particle, axis], rel=1e-5, abs=1e-5)


def test_energy_is_invariant_under_translation():
    generator = np.random.default_rng(2)
    configuration = Configuration(6.0 * generator.random((60, 3)), kob_andersen.assign_species(60), 6.0)
    shifted = configuration._replace(positions=configuration.positions + np.array([1.7, -8.2, 12.0]))
    energies = [
        kob_andersen.energy_and_forces(each, POTENTIALS[0]).energy for each in (configuration, shifted)
    ]
    assert energies[1] == pytest.approx(energies[0])


def test_the_mixture_is_80_to_20():
    species = kob_andersen.assign_species(1000)
    assert (species == 0).sum() == 800
    assert (species == 1).sum() == 200
