"""Fields of particles: the exact potential's energies and forces, and what is invariant under what."""

from dataclasses import replace

import numpy as np
import pytest

from engine_liquids import INSTALLED_ENGINES, SHIFT, SPLINE, XPLOR, liquid_state
from glassdyn.errors import GlassdynError
from glassdyn.features.debye_waller import RADIUS, log_debye_waller
from glassdyn.features.describe import column_widths, compute_descriptors, descriptor_columns
from glassdyn.features.energies import particle_energies
from glassdyn.features.fields import FIELDS
from glassdyn.features.inherent import Quench
from glassdyn.features.short_runs import FRAMES, ShortRuns, cage_displacements
from glassdyn.features.spec import DescriptorSpec
from glassdyn.liquid.box import minimum_image
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.pair_derivatives import pair_derivatives, tabulate_pairs
from glassdyn.liquid.potential import EPSILON, SIGMA, energy_and_forces, pair_interaction
from glassdyn.params import INHERENT_FIELDS
from glassdyn.params.rules import DEBYE_WALLER_RADIUS
from glassdyn.simulation import engines
from glassdyn.simulation.engine import NVE, Integrator
from glassdyn.simulation.state import maxwell_boltzmann
from references.fields import (
    energies_by_all_pairs,
    hessian_by_all_pairs,
    hessian_row_by_differences,
    log_debye_waller_of_cluster,
)
from short_pipeline import section

FREE_OF_CHANCE = ("energy", "force", "inherent_energy", "inherent_displacement", "debye_waller")


@pytest.fixture(scope="module")
def liquid():
    """300 particles close to equilibrium."""
    state = liquid_state("lammps", XPLOR)
    return Configuration(state.positions, state.species, state.box_length)


def specify(*fields, potential=XPLOR, engine="lammps", **extras):
    settings = {"smooth": 0.0, "generations": 0, "inherent": False, "lengths": (0.5, 1.0), **extras}
    return DescriptorSpec(
        edges=(0.7, 1.5, 2.5),
        extras=section("describe", fields=fields, **settings),
        quench=Quench(engine, potential),
        short_runs=ShortRuns(engine, potential, 0.005, 0.8, seed=3),
    )


SPEC_WITHOUT_CHANCE = specify(*FREE_OF_CHANCE, shells=2.5)


@pytest.fixture(scope="module")
def columns_without_chance(liquid):
    """Columns whose fields need no runs."""
    return compute_descriptors(liquid, SPEC_WITHOUT_CHANCE)


@pytest.mark.parametrize("potential", [XPLOR, SHIFT], ids=["xplor", "shift"])
@pytest.mark.parametrize(("kind", "neighbour"), [(0, 0), (0, 1), (1, 1)])
def test_pair_terms_are_the_potential_s_and_their_derivatives(potential, kind, neighbour):
    table, step = tabulate_pairs(potential), 1e-6
    distances = np.linspace(0.8, 2.6, 181) + 1.3e-4  # none is a joint of the potential, where V'' jumps
    terms = np.array([pair_derivatives(r * r, kind, neighbour, table) for r in distances])
    depth, sigma = EPSILON[kind, neighbour], SIGMA[kind, neighbour]
    energies, forces = pair_interaction(distances, depth, sigma, potential)
    scale = 1e-12 * (1 + np.abs(energies))  # rounding
    assert (np.abs(terms[:, 0] - energies) < scale).all()
    np.testing.assert_allclose(-2 * distances * terms[:, 1], forces, rtol=1e-11, atol=1e-12)
    beyond = [pair_derivatives(r * r + step, kind, neighbour, table)[1] for r in distances]
    before = [pair_derivatives(r * r - step, kind, neighbour, table)[1] for r in distances]
    differences = (np.array(beyond) - before) / (2 * step)
    np.testing.assert_allclose(terms[:, 2], differences, rtol=1e-6, atol=1e-6)  # of second order in the step


@pytest.mark.parametrize("potential", [XPLOR, SHIFT, SPLINE], ids=["xplor", "shift", "spline"])
def test_energies_sum_to_u_and_forces_are_those_of_the_potential(liquid, potential):
    ours, reference = particle_energies(liquid, potential), energy_and_forces(liquid, potential)
    exact = replace(potential, spline_points=0)
    np.testing.assert_allclose(ours.energies, energies_by_all_pairs(liquid, exact), rtol=1e-11)
    assert ours.energies.sum() == pytest.approx(reference.energy, rel=1e-12)
    np.testing.assert_allclose(ours.forces, reference.forces, atol=1e-10)


@pytest.mark.parametrize("engine", INSTALLED_ENGINES)
def test_energies_and_forces_are_the_engine_s(engine):
    state = liquid_state(engine, XPLOR)
    ours = particle_energies(Configuration(state.positions, state.species, state.box_length), XPLOR)
    with engines.engine_by_name(engine).start(state, Integrator(XPLOR, 0.005), NVE()) as simulation:
        assert ours.energies.sum() == pytest.approx(simulation.thermodynamics().potential_energy, rel=1e-9)
        np.testing.assert_allclose(ours.forces, simulation.forces(), atol=1e-7)


def transformed(configuration, change):
    """A configuration after a change that no physics sees, and the new particles' old numbers."""
    positions, species, box_length = configuration
    order = np.arange(len(species))
    if change == "rotation":
        positions = positions[:, [1, 2, 0]] * [1, -1, -1]
    if change == "translation":
        positions = positions + np.array([0.3, -4.1, 2.2])
    if change == "periodic shift":
        positions = positions + box_length * np.random.default_rng(0).integers(-2, 3, positions.shape)
    if change == "relabelling":
        order = np.random.default_rng(0).permutation(len(species))
    return Configuration(positions[order], species[order], box_length), order


@pytest.mark.parametrize("change", ["rotation", "translation", "periodic shift", "relabelling"])
def test_columns_are_invariant(liquid, columns_without_chance, change):
    """Up to what the quench leaves: forces of 1e-6, and with them displacements of 1e-5 along the softest modes."""
    configuration, order = transformed(liquid, change)
    columns = compute_descriptors(configuration, SPEC_WITHOUT_CHANCE)
    for name in ("fields", "local", "shells"):
        expected = columns_without_chance[name][order]
        np.testing.assert_allclose(columns[name], expected, atol=2e-3, rtol=1e-4, err_msg=name)


def test_energies_are_invariant_under_any_rotation():
    """A cluster in a box so large that no image is near."""
    generator = np.random.default_rng(1)
    sites = np.stack(np.meshgrid(*3 * [np.arange(3.0)]), -1).reshape(-1, 3) * 1.1
    cluster = sites + generator.normal(scale=0.05, size=sites.shape)
    rotation, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    species = generator.permutation(np.arange(27) % 5 == 0).astype(np.uint8)
    before = particle_energies(Configuration(cluster + 10, species, 40.0), XPLOR)
    after = particle_energies(Configuration(cluster @ rotation + 10, species, 40.0), XPLOR)
    np.testing.assert_allclose(after.energies, before.energies, rtol=1e-11)
    np.testing.assert_allclose(after.forces, before.forces @ rotation, atol=1e-10)


@pytest.fixture(scope="module")
def minimum(liquid):
    """Its nearest energy minimum, and the Hessian there."""
    quenched = Quench("lammps", XPLOR)(liquid)
    return quenched, hessian_by_all_pairs(quenched, XPLOR)


def test_the_dense_hessian_is_that_of_the_forces(minimum):
    configuration, hessian = minimum
    for coordinate in (0, 500, 899):
        row = hessian_row_by_differences(configuration, XPLOR, coordinate)
        np.testing.assert_allclose(hessian[coordinate], row, atol=1e-4)  # of the differences


@pytest.mark.parametrize("radius", [1.3, 2.4])
def test_debye_waller_factors_are_those_of_frozen_surroundings(minimum, radius):
    configuration, hessian = minimum
    ours = log_debye_waller(configuration, XPLOR, radius)
    for i in (0, 7, 299):
        expected = log_debye_waller_of_cluster(hessian, configuration, i, radius)
        assert ours[i] == pytest.approx(expected, abs=1e-5)  # of the differences


def test_debye_waller_factors_come_near_to_those_of_the_whole(minimum):
    configuration, hessian = minimum
    whole = np.linalg.inv(hessian + np.eye(len(hessian)))
    exact = np.log(np.diag(whole).reshape(-1, 3).sum(axis=1))
    frozen = log_debye_waller(configuration, XPLOR)
    assert (frozen <= exact + 1e-5).all()  # frozen surroundings only stiffen
    assert np.corrcoef(frozen, exact)[0, 1] > 0.85


def test_neighbourhoods_end_at_the_last_bin_or_where_parameters_say(liquid):
    near, default, far = (
        compute_descriptors(liquid, specify("energy", r_local=reach))["local"] for reach in (1.2, 0.0, 2.5)
    )
    np.testing.assert_array_equal(default, far)
    assert np.abs(near - far)[:, 5:].max() > 0.1


def gas():
    """Particles beyond each other's reach, which move in straight lines."""
    sites = np.stack(np.meshgrid(*3 * [np.arange(2.0)]), -1).reshape(-1, 3) * 10
    return Configuration(sites + 3.0, np.array([0, 0, 0, 0, 0, 0, 1, 1], np.uint8), 20.0)


def test_a_cage_is_where_particles_are_on_average():
    """Of straight lines r(t) = v t the mean is v <t>, and the variance <v^2 t^2> - (<v> <t>)^2, over runs and times."""
    spec = specify("cage_displacement", "cage_fluctuation", "cage_energy", cage_runs=3, cage_time=0.2)
    velocities = np.stack([maxwell_boltzmann(8, 0.8, np.random.default_rng((3, run))) for run in range(3)])
    times = np.arange(1, FRAMES + 1) * 0.2 / FRAMES
    # the timestep of 0.005 makes two steps of each of 20 intervals
    paths = velocities[:, None] * times[:, None, None]  # (runs, frames, N, 3)
    mean = paths.mean(axis=(0, 1))
    spread = np.sqrt(((paths - mean) ** 2).sum(axis=-1).mean(axis=(0, 1)))
    expected = np.column_stack((np.linalg.norm(mean, axis=1), spread, np.zeros(8)))
    np.testing.assert_allclose(descriptor_columns(gas(), spec)["fields"], expected, rtol=1e-5)


def test_the_energy_of_a_cage_is_that_of_the_mean_positions(liquid):
    """There it is lower than where particles are: the mean leaves vibrations out."""
    spec = specify("cage_energy", cage_runs=2, cage_time=0.1)
    cage = cage_displacements(spec.short_runs, liquid, count=2, duration=0.1)
    moved = liquid._replace(positions=liquid.positions + cage.displacements)
    expected = particle_energies(moved, spec.quench.potential).energies
    np.testing.assert_allclose(descriptor_columns(liquid, spec)["fields"][:, 0], expected, rtol=1e-6)
    assert expected.sum() < particle_energies(liquid, spec.quench.potential).energies.sum()


def test_minima_are_averaged_over_the_ends_of_runs():
    """No force acts, so that minima are where runs end: at 0, and at v t of two runs."""
    spec = specify("minima_energy", "minima_displacement", "minima_fluctuation", minima=3, minima_time=0.1)
    velocities = [maxwell_boltzmann(8, 0.8, np.random.default_rng((3, run))) for run in range(2)]
    ends = np.array([np.zeros((8, 3)), *(0.1 * velocity for velocity in velocities)])
    mean = ends.mean(axis=0)
    spread = np.sqrt(((ends - mean) ** 2).sum(axis=2).mean(axis=0))
    fields = descriptor_columns(gas(), spec)["fields"]
    np.testing.assert_allclose(fields[:, 1], np.linalg.norm(mean, axis=1), rtol=1e-5)
    np.testing.assert_allclose(fields[:, 2], spread, rtol=1e-5)
    np.testing.assert_array_equal(fields[:, 0], 0)


def test_energies_of_minima_are_the_mean_over_them(liquid):
    spec = specify("minima_energy", minima=2, minima_time=0.1)
    (moved,) = spec.short_runs.frames(liquid, 0, duration=0.1, count=1)
    ends = [spec.quench(liquid), spec.quench(liquid._replace(positions=liquid.positions + moved))]
    expected = np.mean([energies_by_all_pairs(end, XPLOR) for end in ends], axis=0)
    assert abs(expected).min() > 0.1
    np.testing.assert_allclose(descriptor_columns(liquid, spec)["fields"][:, 0], expected, rtol=1e-6)


def test_short_runs_repeat_to_the_bit(liquid):
    spec = specify(
        "minima_energy", "cage_displacement", minima=2, cage_runs=1, cage_time=0.1, minima_time=0.1
    )
    first, second = (compute_descriptors(liquid, spec) for _ in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    assert (first["fields"][:, 1] > 0).all()


def test_fields_that_need_runs_are_refused_where_no_temperature_is_known(liquid):
    spec = replace(specify("cage_displacement"), short_runs=None)
    with pytest.raises(GlassdynError, match=r"short runs need a temperature.*describe\.fields"):
        compute_descriptors(liquid, spec)


def test_fields_of_the_minimum_are_those_that_parameters_say(liquid):
    """Each field computes a minimum if and only if `INHERENT_FIELDS` has it: then it is a column of the table."""
    for field in FIELDS:
        assert ("inherent_positions" in column_widths(specify(field))) == (field in INHERENT_FIELDS)
    assert RADIUS == DEBYE_WALLER_RADIUS
    spec = specify("inherent_energy", "inherent_displacement")
    columns = compute_descriptors(liquid, spec)
    quenched = spec.quench(liquid)
    np.testing.assert_array_equal(columns["inherent_positions"], quenched.positions)
    way = np.linalg.norm(minimum_image(quenched.positions - liquid.positions, liquid.box_length), axis=1)
    energies = energies_by_all_pairs(quenched, XPLOR)
    np.testing.assert_allclose(columns["fields"], np.column_stack((energies, way)), rtol=1e-6)
    assert energies.sum() < energies_by_all_pairs(liquid, XPLOR).sum()


@pytest.mark.skipif("hoomd" not in INSTALLED_ENGINES, reason="compares both engines")
def test_both_engines_end_in_the_same_minimum(liquid):
    ours, theirs = (Quench(engine, XPLOR)(liquid) for engine in ("lammps", "hoomd"))
    distance = minimum_image(ours.positions - theirs.positions, liquid.box_length)
    assert np.abs(distance).max() < 1e-3
