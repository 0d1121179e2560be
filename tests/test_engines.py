"""Laws of the dynamics that every installed engine obeys."""

from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest

from engine_liquids import (
    INSTALLED_ENGINES,
    SHIFT,
    SPLINE,
    TEMPERATURE,
    TIMESTEP,
    XPLOR,
    crowded_state,
    liquid_state,
)
from glassdyn.liquid import potential as reference
from glassdyn.liquid.box import minimum_image, wrap
from glassdyn.liquid.configuration import Configuration
from glassdyn.simulation import engines, hoomd, lammps_session
from glassdyn.simulation.engine import FORCE_TOLERANCE, NVE, Bussi, EngineError, Integrator, NoseHoover
from glassdyn.simulation.state import kinetic_energy

ENSEMBLES = [NVE(), NoseHoover(TEMPERATURE, 0.5), Bussi(TEMPERATURE, 0.5, 7)]


@pytest.fixture(scope="module", params=INSTALLED_ENGINES)
def engine(request):
    return engines.engine_by_name(request.param)


@pytest.fixture(scope="module")
def state(engine):
    return liquid_state(engine.__name__.rpartition(".")[2], XPLOR)


@pytest.fixture(scope="module")
def check_repetition(engine):
    """To the bit on processors; a GPU sums in no fixed order, whose rounding stays small for a hundred steps."""
    tolerance = 1e-9 if engine is hoomd and hoomd.uses_gpu() else 0.0

    def check(state, expected):
        for name in ("unwrapped", "velocities", "thermostat"):
            np.testing.assert_allclose(getattr(state, name), getattr(expected, name), rtol=0, atol=tolerance)
        assert state.step == expected.step

    return check


def check_equal(state, expected):
    for name in ("positions", "images", "velocities"):
        np.testing.assert_array_equal(getattr(state, name), getattr(expected, name))
    assert (state.step, state.thermostat) == (expected.step, expected.thermostat)


def reference_energy_and_forces(state, potential):
    configuration = Configuration(state.positions, state.species, state.box_length)
    return reference.energy_and_forces(configuration, potential)


@pytest.mark.parametrize("potential", [XPLOR, SHIFT, replace(XPLOR, r_on=1.2, r_cut=2.4)])
def test_energy_forces_and_pressure_are_those_of_the_reference(engine, potential):
    state = crowded_state(np.random.default_rng(3))
    true = reference_energy_and_forces(state, potential)
    with engine.start(state, Integrator(potential, TIMESTEP), NVE()) as simulation:
        thermodynamics, forces = simulation.thermodynamics(), simulation.forces()
    kinetic, volume = kinetic_energy(state.velocities), state.box_length**3
    scale = np.abs(true.forces).max()
    assert scale > 1000
    np.testing.assert_allclose(forces, true.forces, rtol=1e-9, atol=1e-13 * scale)
    assert thermodynamics.potential_energy == pytest.approx(true.energy, rel=1e-9)
    assert thermodynamics.kinetic_energy == pytest.approx(kinetic, rel=1e-12)
    assert thermodynamics.pressure == pytest.approx((2 * kinetic + true.virial) / (3 * volume), rel=1e-9)


def test_splined_forces_are_within_a_millionth():
    """The largest error relative to the largest force, and the root mean square error to the root mean square."""
    state = liquid_state("lammps", XPLOR)
    true = reference_energy_and_forces(state, XPLOR)
    with engines.engine_by_name("lammps").start(state, Integrator(SPLINE, TIMESTEP), NVE()) as simulation:
        thermodynamics, forces = simulation.thermodynamics(), simulation.forces()
    errors = np.linalg.norm(forces - true.forces, axis=1)
    sizes = np.linalg.norm(true.forces, axis=1)
    assert errors.max() < 1e-6 * sizes.max()
    assert np.linalg.norm(errors) < 1e-6 * np.linalg.norm(sizes)
    assert thermodynamics.potential_energy == pytest.approx(true.energy, rel=1e-9)
    kinetic, volume = kinetic_energy(state.velocities), state.box_length**3
    assert thermodynamics.pressure == pytest.approx((2 * kinetic + true.virial) / (3 * volume), rel=1e-7)


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_a_state_comes_out_as_it_went_in(engine, state, ensemble):
    thermostat = (0.25, -1.5) if isinstance(ensemble, NoseHoover) else (0.0, 0.0)
    far = replace(state, images=state.images + np.array([1000, -2000, 0]), step=12345, thermostat=thermostat)
    with engine.start(far, Integrator(XPLOR, TIMESTEP), ensemble) as simulation:
        simulation.thermodynamics()
        check_equal(simulation.state(), far)


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_the_same_run_twice_is_the_same(engine, state, ensemble, check_repetition):
    def run():
        with engine.start(state, Integrator(XPLOR, TIMESTEP), ensemble) as simulation:
            simulation.advance(60, 20, lambda: None)
            simulation.advance(40)
            return simulation.state()

    check_repetition(run(), run())


def test_a_callback_changes_nothing(engine, state, check_repetition):
    final_states, observed = [], []
    for interval in (0, 30):
        with engine.start(state, Integrator(XPLOR, TIMESTEP), NVE()) as simulation:

            def observe(simulation=simulation):
                observed.append((simulation.step, simulation.unwrapped(), simulation.thermodynamics()))

            simulation.advance(100, interval, observe)
            final_states.append(simulation.state())
    check_repetition(*final_states)
    assert [step - state.step for step, _, _ in observed] == [30, 60, 90]
    assert np.abs(np.diff([thermodynamics.energy for _, _, thermodynamics in observed])).max() < 0.1


def test_positions_are_unwrapped_across_periodic_boundaries(engine, state):
    """Unwrapped displacements stay below the fastest particle's path; wrapped ones jump by L."""
    with engine.start(state, Integrator(XPLOR, TIMESTEP), NVE()) as simulation:
        last = simulation.unwrapped()
        np.testing.assert_allclose(last, state.unwrapped, rtol=0, atol=1e-13)
        for _ in range(40):
            simulation.advance(20)
            now = simulation.unwrapped()
            assert np.abs(now - last).max() < 6 * np.sqrt(TEMPERATURE) * 20 * TIMESTEP
            last = now
        assert (simulation.state().images != state.images).any()
        np.testing.assert_allclose(simulation.state().unwrapped, last, rtol=0, atol=1e-13)


@pytest.mark.parametrize("potential", [XPLOR, SPLINE])
def test_energy_is_conserved_and_the_centre_of_mass_stays(engine, state, potential):
    """The error of velocity Verlet is of second order: half the timestep, a quarter of the scatter."""
    coarse, fine = (energies(engine, state, Integrator(potential, step)) for step in (2 * TIMESTEP, TIMESTEP))
    assert coarse.std() / fine.std() == pytest.approx(4, rel=0.35)
    slope = np.polyfit(np.arange(len(fine)), fine, 1)[0]  # its error: a sixth of the bound
    assert abs(slope * len(fine)) < 1e-4 * state.particles


def energies(engine, state, integrator):
    """U + K, a hundred times in 5 tau."""
    observed = []
    with engine.start(state, integrator, NVE()) as simulation:
        simulation.advance(
            round(5 / integrator.timestep),
            round(0.05 / integrator.timestep),
            lambda: observed.append(simulation.thermodynamics().energy),
        )
        np.testing.assert_allclose(simulation.state().velocities.sum(axis=0), 0, atol=1e-10)
    return np.array(observed)


def test_dynamics_is_time_reversible(engine, state):
    with engine.start(state, Integrator(XPLOR, TIMESTEP), NVE()) as simulation:
        simulation.advance(100)
        later = simulation.state()
    reversed_ = replace(later, velocities=-later.velocities)
    with engine.start(reversed_, Integrator(XPLOR, TIMESTEP), NVE()) as simulation:
        simulation.advance(100)
        returned = simulation.state()
    np.testing.assert_allclose(returned.unwrapped, state.unwrapped, atol=1e-9)


def test_nose_hoover_conserves_its_energy(engine, state):
    """H = K + U + N_f kT (time^2 xi^2 / 2 + eta)."""
    ensemble, conserved = NoseHoover(0.7, 0.3), []

    def observe():
        xi, eta = simulation.state().thermostat
        heat = state.degrees_of_freedom * ensemble.temperature * (0.5 * (ensemble.time * xi) ** 2 + eta)
        conserved.append(simulation.thermodynamics().energy + heat)

    with engine.start(
        replace(state, thermostat=(0.8, 0.0)), Integrator(XPLOR, TIMESTEP), ensemble
    ) as simulation:
        observe()
        simulation.advance(1000, 100, observe)
    assert np.ptp(conserved) < 1e-3 * state.particles


@pytest.mark.slow
@pytest.mark.parametrize("ensemble", ENSEMBLES[1:])
def test_thermostats_sample_the_canonical_kinetic_energy(engine, state, ensemble):
    """<K> = N_f kT / 2 and var K = N_f (kT)^2 / 2, within five standard errors of 40 blocks."""
    freedom, samples = state.degrees_of_freedom, []
    with engine.start(state, Integrator(XPLOR, 0.005), ensemble) as simulation:
        simulation.advance(2000)
        simulation.advance(20_000, 20, lambda: samples.append(kinetic_energy(simulation.state().velocities)))
    blocks = np.array(samples).reshape(40, -1)
    mean, true = blocks.mean(), 0.5 * freedom * TEMPERATURE
    assert abs(mean - true) < 5 * blocks.mean(axis=1).std() / np.sqrt(40)
    squares = ((blocks - mean) ** 2).mean(axis=1)
    assert abs(squares.mean() - true * TEMPERATURE) < 5 * squares.std() / np.sqrt(40)


def test_both_engines_take_the_same_path(state):
    """To rounding in NVE; with a thermostat, whose half steps they order differently, to dt^2."""
    if len(INSTALLED_ENGINES) < 2:
        pytest.skip(f"one engine installed: {INSTALLED_ENGINES}")
    for ensemble in ENSEMBLES[:2]:
        final_positions = []
        for name in INSTALLED_ENGINES:
            with engines.engine_by_name(name).start(
                state, Integrator(XPLOR, TIMESTEP), ensemble
            ) as simulation:
                simulation.advance(50)
                final_positions.append(simulation.state().unwrapped)
        np.testing.assert_allclose(*final_positions, atol=1e-9 if ensemble == NVE() else 1e-5)


@pytest.fixture(scope="module")
def minimum(engine, state):
    return engine.quench(state, XPLOR)


def test_a_quench_ends_in_a_minimum_where_a_second_one_changes_nothing(engine, state, minimum):
    before, after = (reference_energy_and_forces(configuration, XPLOR) for configuration in (state, minimum))
    assert after.energy < before.energy - state.particles
    assert np.abs(after.forces).max() < 1.01 * FORCE_TOLERANCE
    assert not minimum.velocities.any()
    np.testing.assert_array_equal(engine.quench(minimum, XPLOR).unwrapped, minimum.unwrapped)


def test_every_engine_finds_the_minimum_below(engine, minimum):
    """Its curvature is at least about 1: at forces of 1e-6, positions are within some 1e-6 of the minimum."""
    shaken = minimum.positions + np.random.default_rng(8).normal(scale=0.01, size=minimum.positions.shape)
    displaced = replace(minimum, positions=wrap(shaken, minimum.box_length), images=0 * minimum.images)
    for name in INSTALLED_ENGINES:
        quenched = engines.engine_by_name(name).quench(displaced, XPLOR)
        difference = minimum_image(quenched.positions - minimum.positions, minimum.box_length)
        assert np.abs(difference - difference.mean(axis=0)).max() < 1e-4


def test_a_quench_that_does_not_converge_is_an_error(engine, state, monkeypatch):
    monkeypatch.setattr(engine, "QUENCH_ROUNDS", 1)
    monkeypatch.setattr(engine, "QUENCH_STEPS", 3)
    with pytest.raises(EngineError, match=r"no component of a force is above 1e-06: got .*inherent"):
        engine.quench(state, XPLOR)


def test_a_blown_up_run_is_an_error_with_advice(engine, state):
    with (
        pytest.raises(EngineError, match=r"simulation\.timestep"),
        engine.start(state, Integrator(XPLOR, 5.0), NVE()) as simulation,
    ):
        simulation.advance(2000)


def test_errors_of_other_causes_advise_no_timestep(engine, state):
    if engine is hoomd:
        small = replace(state, box_length=5.0, positions=state.positions * 5 / state.box_length)
        with pytest.raises(EngineError, match=r"wider than 2 \(r_cut \+ 0\.3\) = 5\.6: got 5; .*particles"):
            engine.start(small, Integrator(XPLOR, TIMESTEP), NVE())
    else:
        session = lammps_session.Session(state, XPLOR)
        with closing(session), pytest.raises(EngineError, match="Unknown command") as caught:
            session.command("no such command")
        assert "timestep" not in str(caught.value)


@pytest.mark.parametrize(("gpus", "setting", "device"), [
    (["a GPU"], "auto", "gpu"), ([], "auto", "cpu"), (["a GPU"], "cpu", "cpu"), (["a GPU"], "gpu", "gpu"),
])  # fmt: skip
def test_hoomd_takes_a_gpu_where_there_is_one(monkeypatch, install_fake_hoomd, gpus, setting, device):
    install_fake_hoomd(gpus)
    monkeypatch.setenv("GLASSDYN_DEVICE", setting)
    assert hoomd.uses_gpu() == (device == "gpu")
    assert hoomd._device() == device


def test_a_missing_gpu_is_an_error_on_the_machine_of_the_run(monkeypatch, install_fake_hoomd):
    """Not where it is launched: a login node has none."""
    install_fake_hoomd([])
    monkeypatch.setenv("GLASSDYN_DEVICE", "gpu")
    assert hoomd.uses_gpu()
    with pytest.raises(EngineError, match=r"finds none here \(no driver\).*GLASSDYN_DEVICE=cpu"):
        hoomd._device()


@pytest.fixture
def install_fake_hoomd(monkeypatch):
    """Install a fake library built for GPUs, on a machine with the given ones; caches of the true one are cleared."""

    def install(gpus):
        gpu = Mock(return_value="gpu")
        gpu.is_available.return_value = True
        gpu.get_available_devices.return_value = gpus
        gpu.get_unavailable_device_reasons.return_value = ["no driver"]
        library = SimpleNamespace(device=SimpleNamespace(GPU=gpu, CPU=lambda: "cpu"))
        monkeypatch.setattr(hoomd, "import_module", lambda _: library)

    clear_caches()
    yield install
    clear_caches()


def clear_caches():
    for function in (hoomd._library, hoomd._device):
        function.cache_clear()


def test_missing_hoomd_says_where_to_get_it(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    clear_caches()
    monkeypatch.delenv("GLASSDYN_DEVICE", raising=False)
    monkeypatch.setattr(hoomd, "import_module", missing)
    with pytest.raises(EngineError, match=r"conda-forge.*simulation.engine: lammps"):
        engines.uses_gpu("hoomd")
    clear_caches()


def test_unknown_settings_are_refused(monkeypatch, state):
    monkeypatch.setenv("GLASSDYN_THREADS", "many")
    with pytest.raises(EngineError, match=r"GLASSDYN_THREADS.*'many'"):
        engines.engine_by_name("lammps").start(state, Integrator(XPLOR, TIMESTEP), NVE())
    monkeypatch.setenv("GLASSDYN_DEVICE", "tpu")
    with pytest.raises(EngineError, match=r"GLASSDYN_DEVICE.*'tpu'"):
        hoomd.uses_gpu()
