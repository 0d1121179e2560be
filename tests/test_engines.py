"""Every engine that is present moves the same liquid by the same laws."""

from dataclasses import replace

import numpy as np
import pytest

from engine_liquids import PRESENT, SHIFT, SPLINE, TEMPERATURE, TIMESTEP, XPLOR, crowded, liquid
from glassdyn import liquid as reference
from glassdyn.simulation import engines, hoomd
from glassdyn.simulation.engine import ConstantEnergy, EngineError, Model, NoseHoover, Stochastic
from glassdyn.simulation.state import kinetic_energy

ENSEMBLES = [ConstantEnergy(), NoseHoover(TEMPERATURE, 0.5), Stochastic(TEMPERATURE, 0.5, 7)]


@pytest.fixture(scope="module", params=PRESENT)
def engine(request):
    return engines.named(request.param)


@pytest.fixture(scope="module")
def state(engine):
    return liquid(engine.__name__.rpartition(".")[2], XPLOR)


def equal(one, other):
    assert (one.positions == other.positions).all()
    assert (one.images == other.images).all()
    assert (one.velocities == other.velocities).all()
    assert (one.step, one.thermostat) == (other.step, other.thermostat)


@pytest.mark.parametrize("potential", [XPLOR, SHIFT, replace(XPLOR, r_on=1.2, r_cut=2.4)])
def test_energy_forces_and_pressure_are_those_of_the_statement_in_numpy(engine, potential):
    state = crowded(np.random.default_rng(3))
    true = reference.energy_and_forces(state.positions, state.species, state.box_length, potential)
    with engine.start(state, Model(potential, TIMESTEP), ConstantEnergy()) as motion:
        thermodynamics, forces = motion.thermodynamics(), motion.forces()
    kinetic, volume = kinetic_energy(state.velocities), state.box_length**3
    scale = np.abs(true.forces).max()
    assert scale > 1000
    np.testing.assert_allclose(forces, true.forces, rtol=1e-9, atol=1e-13 * scale)
    assert thermodynamics.potential_energy == pytest.approx(true.energy, rel=1e-9)
    assert thermodynamics.kinetic_energy == pytest.approx(kinetic, rel=1e-12)
    assert thermodynamics.pressure == pytest.approx((2 * kinetic + true.virial) / (3 * volume), rel=1e-9)


def test_splined_forces_are_within_a_millionth():
    """Relative to the largest force, the largest error; and the root mean squares of both."""
    state = liquid("lammps", XPLOR)
    true = reference.energy_and_forces(state.positions, state.species, state.box_length, XPLOR)
    with engines.named("lammps").start(state, Model(SPLINE, TIMESTEP), ConstantEnergy()) as motion:
        thermodynamics, forces = motion.thermodynamics(), motion.forces()
    errors = np.linalg.norm(forces - true.forces, axis=1)
    sizes = np.linalg.norm(true.forces, axis=1)
    assert errors.max() < 1e-6 * sizes.max()
    assert np.linalg.norm(errors) < 1e-6 * np.linalg.norm(sizes)
    assert thermodynamics.potential_energy == pytest.approx(true.energy, rel=1e-9)


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_a_state_comes_out_as_it_went_in(engine, state, ensemble):
    bath = (0.25, -1.5) if isinstance(ensemble, NoseHoover) else (0.0, 0.0)
    far = replace(state, images=state.images + np.array([1000, -2000, 0]), step=12345, thermostat=bath)
    with engine.start(far, Model(XPLOR, TIMESTEP), ensemble) as motion:
        motion.thermodynamics()
        equal(motion.state(), far)


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_the_same_run_twice_is_the_same_to_the_bit(engine, state, ensemble):
    def run():
        with engine.start(state, Model(XPLOR, TIMESTEP), ensemble) as motion:
            motion.advance(60, 20, lambda: None)
            motion.advance(40)
            return motion.state()

    equal(run(), run())


def test_looking_changes_nothing(engine, state):
    ends, seen = [], []
    for interval in (0, 30):
        with engine.start(state, Model(XPLOR, TIMESTEP), ConstantEnergy()) as motion:

            def look(motion=motion):
                seen.append((motion.step, motion.unwrapped(), motion.thermodynamics()))

            motion.advance(100, interval, look)
            ends.append(motion.state())
    equal(*ends)
    assert [step - state.step for step, _, _ in seen] == [30, 60, 90]
    assert np.abs(np.diff([thermodynamics.energy for _, _, thermodynamics in seen])).max() < 0.1


def test_positions_are_followed_through_the_walls(engine, state):
    """Unwrapped displacements stay below the fastest particle's path; wrapped ones jump by L."""
    with engine.start(state, Model(XPLOR, TIMESTEP), ConstantEnergy()) as motion:
        last = motion.unwrapped()
        np.testing.assert_allclose(last, state.unwrapped, rtol=0, atol=1e-13)
        for _ in range(40):
            motion.advance(20)
            now = motion.unwrapped()
            assert np.abs(now - last).max() < 6 * np.sqrt(TEMPERATURE) * 20 * TIMESTEP
            last = now
        assert (motion.state().images != state.images).any()
        np.testing.assert_allclose(motion.state().unwrapped, last, rtol=0, atol=1e-13)


def test_energy_is_conserved_and_the_centre_of_mass_stays(engine, state):
    """The error of velocity Verlet is of second order: half the timestep, a quarter of the scatter."""
    scatter = [_scatter(engine, state, timestep) for timestep in (2 * TIMESTEP, TIMESTEP)]
    assert scatter[0] / scatter[1] == pytest.approx(4, rel=0.35)


def _scatter(engine, state, timestep):
    energies = []
    with engine.start(state, Model(XPLOR, timestep), ConstantEnergy()) as motion:
        motion.advance(
            round(5 / timestep),
            round(0.05 / timestep),
            lambda: energies.append(motion.thermodynamics().energy),
        )
        np.testing.assert_allclose(motion.state().velocities.sum(axis=0), 0, atol=1e-10)
    slope = np.polyfit(np.arange(len(energies)), energies, 1)[0]
    assert abs(slope * len(energies)) < 1e-4 * state.particles
    return np.std(energies)


def test_time_runs_backwards(engine, state):
    with engine.start(state, Model(XPLOR, TIMESTEP), ConstantEnergy()) as motion:
        motion.advance(100)
        there = motion.state()
    with engine.start(
        replace(there, velocities=-there.velocities), Model(XPLOR, TIMESTEP), ConstantEnergy()
    ) as motion:
        motion.advance(100)
        back = motion.state()
    np.testing.assert_allclose(back.unwrapped, state.unwrapped, atol=1e-9)


def test_nose_hoover_conserves_its_energy(engine, state):
    """H = K + U + N_f kT (time^2 xi^2 / 2 + eta)."""
    bath, conserved = NoseHoover(0.7, 0.3), []

    def look():
        xi, eta = motion.state().thermostat
        heat = state.degrees_of_freedom * bath.temperature * (0.5 * (bath.time * xi) ** 2 + eta)
        conserved.append(motion.thermodynamics().energy + heat)

    with engine.start(replace(state, thermostat=(0.8, 0.0)), Model(XPLOR, TIMESTEP), bath) as motion:
        look()
        motion.advance(1000, 100, look)
    assert np.ptp(conserved) < 1e-3 * state.particles


@pytest.mark.slow
@pytest.mark.parametrize("ensemble", ENSEMBLES[1:])
def test_thermostats_sample_the_canonical_kinetic_energy(engine, state, ensemble):
    """<K> = N_f kT / 2 and var K = N_f (kT)^2 / 2, within five standard errors of 40 blocks."""
    freedom, samples = state.degrees_of_freedom, []
    with engine.start(state, Model(XPLOR, 0.005), ensemble) as motion:
        motion.advance(2000)
        motion.advance(20_000, 20, lambda: samples.append(kinetic_energy(motion.state().velocities)))
    blocks = np.array(samples).reshape(40, -1)
    mean, true = blocks.mean(), 0.5 * freedom * TEMPERATURE
    assert abs(mean - true) < 5 * blocks.mean(axis=1).std() / np.sqrt(40)
    squares = ((blocks - mean) ** 2).mean(axis=1)
    assert abs(squares.mean() - true * TEMPERATURE) < 5 * squares.std() / np.sqrt(40)


def test_both_engines_take_the_same_path(state):
    """To rounding in NVE; with a thermostat, whose half steps they order differently, to dt^2."""
    if len(PRESENT) < 2:
        pytest.skip(f"one engine present: {PRESENT}")
    for ensemble in ENSEMBLES[:2]:
        ends = []
        for name in PRESENT:
            with engines.named(name).start(state, Model(XPLOR, TIMESTEP), ensemble) as motion:
                motion.advance(50)
                ends.append(motion.state().unwrapped)
        np.testing.assert_allclose(*ends, atol=1e-9 if ensemble == ConstantEnergy() else 1e-5)


def test_a_blown_up_run_says_so(engine, state):
    with (
        pytest.raises(EngineError, match=r"simulation\.timestep"),
        engine.start(state, Model(XPLOR, 5.0), ConstantEnergy()) as motion,
    ):
        motion.advance(2000)


def test_missing_hoomd_says_where_to_get_it(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    hoomd._library.cache_clear()
    monkeypatch.delenv("GLASSDYN_DEVICE", raising=False)
    monkeypatch.setattr(hoomd, "import_module", missing)
    with pytest.raises(EngineError, match=r"conda-forge.*simulation.engine: lammps"):
        engines.uses_gpu("hoomd")
    hoomd._library.cache_clear()


def test_foreign_settings_are_refused(monkeypatch, state):
    monkeypatch.setenv("GLASSDYN_THREADS", "many")
    with pytest.raises(EngineError, match=r"GLASSDYN_THREADS.*'many'"):
        engines.named("lammps").start(state, Model(XPLOR, TIMESTEP), ConstantEnergy())
    monkeypatch.setenv("GLASSDYN_DEVICE", "tpu")
    with pytest.raises(EngineError, match=r"GLASSDYN_DEVICE.*'tpu'"):
        hoomd.uses_gpu()
