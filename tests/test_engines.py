"""Every engine that is present moves the same liquid by the same laws."""

from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest

from engine_liquids import PRESENT, SHIFT, SPLINE, TEMPERATURE, TIMESTEP, XPLOR, crowded, liquid
from glassdyn.liquid import potential as reference
from glassdyn.liquid.box import minimum_image, wrap
from glassdyn.simulation import engines, hoomd, lammps_session
from glassdyn.simulation.engine import AT_REST, NVE, Bussi, EngineError, Integrator, NoseHoover
from glassdyn.simulation.state import kinetic_energy

ENSEMBLES = [NVE(), NoseHoover(TEMPERATURE, 0.5), Bussi(TEMPERATURE, 0.5, 7)]


@pytest.fixture(scope="module", params=PRESENT)
def engine(request):
    return engines.engine_by_name(request.param)


@pytest.fixture(scope="module")
def state(engine):
    return liquid(engine.__name__.rpartition(".")[2], XPLOR)


@pytest.fixture(scope="module")
def repeated(engine):
    """To the bit on processors; a GPU sums in no fixed order, and a hundred steps make little of it."""
    off = 1e-9 if engine is hoomd and hoomd.uses_gpu() else 0.0

    def equal(one, other):
        for name in ("unwrapped", "velocities", "thermostat"):
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=0, atol=off)
        assert one.step == other.step

    return equal


def equal(one, other):
    assert (one.positions == other.positions).all()
    assert (one.images == other.images).all()
    assert (one.velocities == other.velocities).all()
    assert (one.step, one.thermostat) == (other.step, other.thermostat)


@pytest.mark.parametrize("potential", [XPLOR, SHIFT, replace(XPLOR, r_on=1.2, r_cut=2.4)])
def test_energy_forces_and_pressure_are_those_of_the_statement_in_numpy(engine, potential):
    state = crowded(np.random.default_rng(3))
    true = reference.energy_and_forces(state.positions, state.species, state.box_length, potential)
    with engine.start(state, Integrator(potential, TIMESTEP), NVE()) as motion:
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
    with engines.engine_by_name("lammps").start(state, Integrator(SPLINE, TIMESTEP), NVE()) as motion:
        thermodynamics, forces = motion.thermodynamics(), motion.forces()
    errors = np.linalg.norm(forces - true.forces, axis=1)
    sizes = np.linalg.norm(true.forces, axis=1)
    assert errors.max() < 1e-6 * sizes.max()
    assert np.linalg.norm(errors) < 1e-6 * np.linalg.norm(sizes)
    assert thermodynamics.potential_energy == pytest.approx(true.energy, rel=1e-9)
    kinetic, volume = kinetic_energy(state.velocities), state.box_length**3
    assert thermodynamics.pressure == pytest.approx((2 * kinetic + true.virial) / (3 * volume), rel=1e-7)


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_a_state_comes_out_as_it_went_in(engine, state, ensemble):
    bath = (0.25, -1.5) if isinstance(ensemble, NoseHoover) else (0.0, 0.0)
    far = replace(state, images=state.images + np.array([1000, -2000, 0]), step=12345, thermostat=bath)
    with engine.start(far, Integrator(XPLOR, TIMESTEP), ensemble) as motion:
        motion.thermodynamics()
        equal(motion.state(), far)


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_the_same_run_twice_is_the_same(engine, state, ensemble, repeated):
    def run():
        with engine.start(state, Integrator(XPLOR, TIMESTEP), ensemble) as motion:
            motion.advance(60, 20, lambda: None)
            motion.advance(40)
            return motion.state()

    repeated(run(), run())


def test_looking_changes_nothing(engine, state, repeated):
    ends, seen = [], []
    for interval in (0, 30):
        with engine.start(state, Integrator(XPLOR, TIMESTEP), NVE()) as motion:

            def look(motion=motion):
                seen.append((motion.step, motion.unwrapped(), motion.thermodynamics()))

            motion.advance(100, interval, look)
            ends.append(motion.state())
    repeated(*ends)
    assert [step - state.step for step, _, _ in seen] == [30, 60, 90]
    assert np.abs(np.diff([thermodynamics.energy for _, _, thermodynamics in seen])).max() < 0.1


def test_positions_are_followed_through_the_walls(engine, state):
    """Unwrapped displacements stay below the fastest particle's path; wrapped ones jump by L."""
    with engine.start(state, Integrator(XPLOR, TIMESTEP), NVE()) as motion:
        last = motion.unwrapped()
        np.testing.assert_allclose(last, state.unwrapped, rtol=0, atol=1e-13)
        for _ in range(40):
            motion.advance(20)
            now = motion.unwrapped()
            assert np.abs(now - last).max() < 6 * np.sqrt(TEMPERATURE) * 20 * TIMESTEP
            last = now
        assert (motion.state().images != state.images).any()
        np.testing.assert_allclose(motion.state().unwrapped, last, rtol=0, atol=1e-13)


@pytest.mark.parametrize("potential", [XPLOR, SPLINE])
def test_energy_is_conserved_and_the_centre_of_mass_stays(engine, state, potential):
    """The error of velocity Verlet is of second order: half the timestep, a quarter of the scatter."""
    coarse, fine = (energies(engine, state, Integrator(potential, step)) for step in (2 * TIMESTEP, TIMESTEP))
    assert coarse.std() / fine.std() == pytest.approx(4, rel=0.35)
    slope = np.polyfit(np.arange(len(fine)), fine, 1)[0]  # its error: a sixth of the bound
    assert abs(slope * len(fine)) < 1e-4 * state.particles


def energies(engine, state, model):
    """U + K, a hundred times in 5 tau."""
    seen = []
    with engine.start(state, model, NVE()) as motion:
        motion.advance(
            round(5 / model.timestep),
            round(0.05 / model.timestep),
            lambda: seen.append(motion.thermodynamics().energy),
        )
        np.testing.assert_allclose(motion.state().velocities.sum(axis=0), 0, atol=1e-10)
    return np.array(seen)


def test_time_runs_backwards(engine, state):
    with engine.start(state, Integrator(XPLOR, TIMESTEP), NVE()) as motion:
        motion.advance(100)
        there = motion.state()
    with engine.start(
        replace(there, velocities=-there.velocities), Integrator(XPLOR, TIMESTEP), NVE()
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

    with engine.start(replace(state, thermostat=(0.8, 0.0)), Integrator(XPLOR, TIMESTEP), bath) as motion:
        look()
        motion.advance(1000, 100, look)
    assert np.ptp(conserved) < 1e-3 * state.particles


@pytest.mark.slow
@pytest.mark.parametrize("ensemble", ENSEMBLES[1:])
def test_thermostats_sample_the_canonical_kinetic_energy(engine, state, ensemble):
    """<K> = N_f kT / 2 and var K = N_f (kT)^2 / 2, within five standard errors of 40 blocks."""
    freedom, samples = state.degrees_of_freedom, []
    with engine.start(state, Integrator(XPLOR, 0.005), ensemble) as motion:
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
            with engines.engine_by_name(name).start(state, Integrator(XPLOR, TIMESTEP), ensemble) as motion:
                motion.advance(50)
                ends.append(motion.state().unwrapped)
        np.testing.assert_allclose(*ends, atol=1e-9 if ensemble == NVE() else 1e-5)


@pytest.fixture(scope="module")
def minimum(engine, state):
    return engine.quench(state, XPLOR)


def test_a_quench_ends_in_a_minimum_where_another_moves_nothing(engine, state, minimum):
    before, after = (
        reference.energy_and_forces(one.positions, one.species, one.box_length, XPLOR)
        for one in (state, minimum)
    )
    assert after.energy < before.energy - state.particles
    assert np.abs(after.forces).max() < 1.01 * AT_REST
    assert not minimum.velocities.any()
    np.testing.assert_array_equal(engine.quench(minimum, XPLOR).unwrapped, minimum.unwrapped)


def test_every_engine_finds_the_minimum_below(engine, minimum):
    """Whose curvature is at least about 1: forces of a millionth leave a few millionths to go."""
    shaken = minimum.positions + np.random.default_rng(8).normal(scale=0.01, size=minimum.positions.shape)
    beside = replace(minimum, positions=wrap(shaken, minimum.box_length), images=0 * minimum.images)
    for name in PRESENT:
        found = engines.engine_by_name(name).quench(beside, XPLOR)
        moved = minimum_image(found.positions - minimum.positions, minimum.box_length)
        assert np.abs(moved - moved.mean(axis=0)).max() < 1e-4


def test_a_quench_that_does_not_end_says_so(engine, state, monkeypatch):
    monkeypatch.setattr(engine, "ROUNDS", 1)
    monkeypatch.setattr(engine, "ROUND", 3)
    with pytest.raises(EngineError, match=r"no component of a force is above 1e-06: got .*inherent"):
        engine.quench(state, XPLOR)


def test_a_blown_up_run_says_so(engine, state):
    with (
        pytest.raises(EngineError, match=r"simulation\.timestep"),
        engine.start(state, Integrator(XPLOR, 5.0), NVE()) as motion,
    ):
        motion.advance(2000)


def test_other_errors_advise_no_timestep(engine, state):
    if engine is hoomd:
        small = replace(state, box_length=5.0, positions=state.positions * 5 / state.box_length)
        with pytest.raises(EngineError, match=r"wider than 2 \(r_cut \+ 0\.3\) = 5\.6: got 5; .*particles"):
            engine.start(small, Integrator(XPLOR, TIMESTEP), NVE())
    else:
        session = lammps_session.Session(state, XPLOR)
        with closing(session), pytest.raises(EngineError, match="Unknown command") as caught:
            session.command("no such command")
        assert "timestep" not in str(caught.value)


@pytest.mark.parametrize(("found", "wanted", "device"), [
    (["a GPU"], "auto", "gpu"), ([], "auto", "cpu"), (["a GPU"], "cpu", "cpu"), (["a GPU"], "gpu", "gpu"),
])  # fmt: skip
def test_hoomd_takes_a_gpu_where_there_is_one(monkeypatch, fresh_hoomd, found, wanted, device):
    fresh_hoomd(found)
    monkeypatch.setenv("GLASSDYN_DEVICE", wanted)
    assert hoomd.uses_gpu() == (device == "gpu")
    assert hoomd._device() == device


def test_a_gpu_that_is_not_there_is_missed_where_the_run_is(monkeypatch, fresh_hoomd):
    """Not where it is launched: a login node has none."""
    fresh_hoomd([])
    monkeypatch.setenv("GLASSDYN_DEVICE", "gpu")
    assert hoomd.uses_gpu()
    with pytest.raises(EngineError, match=r"finds none here \(no driver\).*GLASSDYN_DEVICE=cpu"):
        hoomd._device()


@pytest.fixture
def fresh_hoomd(monkeypatch):
    """A library built for GPUs, on a machine with those given; what is known of the true one is forgotten."""

    def install(found):
        gpu = Mock(return_value="gpu")
        gpu.is_available.return_value = True
        gpu.get_available_devices.return_value = found
        gpu.get_unavailable_device_reasons.return_value = ["no driver"]
        library = SimpleNamespace(device=SimpleNamespace(GPU=gpu, CPU=lambda: "cpu"))
        monkeypatch.setattr(hoomd, "import_module", lambda _: library)

    forget()
    yield install
    forget()


def forget():
    for known in (hoomd._library, hoomd._device):
        known.cache_clear()


def test_missing_hoomd_says_where_to_get_it(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    forget()
    monkeypatch.delenv("GLASSDYN_DEVICE", raising=False)
    monkeypatch.setattr(hoomd, "import_module", missing)
    with pytest.raises(EngineError, match=r"conda-forge.*simulation.engine: lammps"):
        engines.uses_gpu("hoomd")
    forget()


def test_foreign_settings_are_refused(monkeypatch, state):
    monkeypatch.setenv("GLASSDYN_THREADS", "many")
    with pytest.raises(EngineError, match=r"GLASSDYN_THREADS.*'many'"):
        engines.engine_by_name("lammps").start(state, Integrator(XPLOR, TIMESTEP), NVE())
    monkeypatch.setenv("GLASSDYN_DEVICE", "tpu")
    with pytest.raises(EngineError, match=r"GLASSDYN_DEVICE.*'tpu'"):
        hoomd.uses_gpu()
