"""Equilibration and recording: the right energy, and the same bytes however often they are killed."""

from dataclasses import asdict, replace

import h5py
import numpy as np
import pytest

from engine_liquids import INSTALLED_ENGINES, TIMESTEP, XPLOR
from glassdyn import params
from glassdyn.jobs import JobContext
from glassdyn.liquid.box import wrap
from glassdyn.simulation import engines, equilibration, isoconfigurational, protocol, recording, segments
from glassdyn.simulation import state as states
from glassdyn.simulation.engine import NVE, Bussi, NoseHoover
from glassdyn.simulation.state import StateError
from glassdyn.storage.snapshots import write_snapshot
from glassdyn.storage.trajectory import open_trajectory

PREPARATION = equilibration.Preparation(
    copy=0,
    seed=5,
    dynamics=segments.Dynamics("lammps", XPLOR, TIMESTEP, checkpoint_steps=300),
    particles=300,
    box_length=250 ** (1 / 3),
    temperature=0.8,
    thermostat_time=0.25,
    melt_temperature=1.0,
    melt=400,
    thermalise=700,
    equilibrate=1600,
)
RECORDING = recording.Recording(
    dynamics=segments.Dynamics("lammps", XPLOR, TIMESTEP, checkpoint_steps=250),
    decorrelate=300,
    intervals=40,
    frame_steps=20,
)
RUN = isoconfigurational.IsoconfigurationalRun(
    sample="copy00-sample00",
    run=0,
    seed=5,
    dynamics=segments.Dynamics("lammps", XPLOR, TIMESTEP, checkpoint_steps=250),
    temperature=0.8,
    half=20,
    frame_steps=20,
)


class KilledError(Exception):
    """Simulates a kill."""


def run_job(function, arguments, inputs, folder, *, kill_at=()):
    """Run a job; at each of the fractions it is killed and started again."""
    checkpoint = folder / "checkpoint"
    checkpoint.mkdir(parents=True)
    output = folder / "output.h5"
    kills = list(kill_at)
    fractions = []

    def report(fraction):
        fractions.append(fraction)
        if kills and fraction >= kills[0]:
            kills.pop(0)
            raise KilledError

    for _ in range(len(kills) + 1):
        try:
            function(JobContext(asdict(arguments), inputs, output, checkpoint, report))
        except KilledError:
            assert not output.exists()
    assert fractions[-1] == pytest.approx(1)
    return output


@pytest.fixture(scope="module", params=INSTALLED_ENGINES)
def engine(request):
    return request.param


def with_engine(engine, arguments):
    return replace(arguments, dynamics=replace(arguments.dynamics, engine=engine))


@pytest.fixture(scope="module")
def copy(engine, tmp_path_factory):
    return run_job(
        equilibration.equilibrate,
        with_engine(engine, PREPARATION),
        [],
        tmp_path_factory.mktemp("equilibrate"),
    )


@pytest.fixture(scope="module")
def sample(engine, copy, tmp_path_factory):
    return run_job(
        recording.record, with_engine(engine, RECORDING), [copy], tmp_path_factory.mktemp("record")
    )


def test_an_equilibrated_copy_has_the_mean_energy_and_no_momentum(engine, copy):
    state, numbers = states.load(copy)
    with with_engine(engine, PREPARATION).dynamics.start(state, NVE()) as simulation:
        assert simulation.thermodynamics().energy == pytest.approx(numbers["energy"], rel=1e-12)
    np.testing.assert_allclose(state.velocities.sum(axis=0), 0, atol=1e-10)
    assert state.step == PREPARATION.steps
    assert state.thermostat == (0, 0)
    assert state.species.sum() == 60


@pytest.fixture(scope="module")
def _deterministic(engine):
    if engines.uses_gpu(engine):
        pytest.skip("a GPU sums in no fixed order")


@pytest.mark.usefixtures("_deterministic")
def test_killed_equilibration_ends_in_the_same_bytes(engine, copy, tmp_path):
    kills = (0.1, 0.35, 0.36, 0.7, 0.99)
    killed = run_job(equilibration.equilibrate, with_engine(engine, PREPARATION), [], tmp_path, kill_at=kills)
    assert killed.read_bytes() == copy.read_bytes()


@pytest.mark.usefixtures("_deterministic")
def test_killed_recording_ends_in_the_same_bytes(engine, copy, sample, tmp_path):
    kills = (0.05, 0.4, 0.6, 0.9, 0.99)
    killed = run_job(recording.record, with_engine(engine, RECORDING), [copy], tmp_path, kill_at=kills)
    assert killed.read_bytes() == sample.read_bytes()
    final = recording.FINAL_STATE
    assert killed.with_name(final).read_bytes() == sample.with_name(final).read_bytes()


def test_a_sample_holds_its_frames_and_energies(copy, sample):
    start = states.load(copy)[0]
    final = states.load(sample.with_name(recording.FINAL_STATE))[0]
    with open_trajectory(sample) as trajectory:
        first = start.step + RECORDING.decorrelate
        np.testing.assert_array_equal(trajectory.steps, first + 20 * np.arange(41))
        np.testing.assert_allclose(trajectory.times, trajectory.steps * TIMESTEP)
        assert trajectory.middle == 20
        last = trajectory.frame(40)
    assert final.step == trajectory.steps[-1]
    np.testing.assert_allclose(last, final.unwrapped, rtol=1e-6)
    with h5py.File(sample) as file:
        energy = file["observables/potential_energy/value"][:] + file["observables/kinetic_energy/value"][:]
    assert np.ptp(energy) < 2e-3 * PREPARATION.particles
    assert energy.mean() == pytest.approx(states.load(copy)[1]["energy"], abs=1e-3 * PREPARATION.particles)


def test_an_isoconfigurational_run_goes_through_its_configuration(engine, sample, tmp_path):
    with open_trajectory(sample) as trajectory:
        middle = trajectory.configuration(trajectory.middle)
    snapshot = tmp_path / "copy00-sample00.parquet"
    write_snapshot(snapshot, middle, {})
    run = run_job(isoconfigurational.simulate_run, with_engine(engine, RUN), [snapshot], tmp_path)
    with open_trajectory(run) as trajectory:
        np.testing.assert_array_equal(trajectory.steps, 20 * np.arange(41))
        wrapped = wrap(middle.positions, middle.box_length)
        np.testing.assert_allclose(trajectory.frame(20), wrapped, atol=2e-6)


def test_files_record_the_engine_and_its_version(engine, copy, sample):
    provenance = {
        "engine": engine,
        "engine_version": engines.engine_by_name(engine).version(),
        "truncation": "xplor",
    }
    for path, place in (
        (copy, "/"),
        (sample.with_name(recording.FINAL_STATE), "/"),
        (sample, "/parameters/run"),
    ):
        with h5py.File(path) as file:
            assert provenance.items() <= dict(file[place].attrs).items()


def test_copies_and_streams_have_independent_random_numbers():
    first, second = (PREPARATION.generator(0), replace(PREPARATION, copy=1).generator(0))
    assert not np.isin(first.random(5), second.random(5)).any()
    seeds = {replace(PREPARATION, copy=copy).phases()[1].ensemble.seed for copy in range(20)}
    assert len(seeds) == 20
    streams = [PREPARATION.generator(stream).random() for stream in range(3)]
    assert len(set(streams)) == 3


def test_segments_cover_their_phases_in_whole_intervals():
    phases = [
        segments.Phase(NoseHoover(1.0, 0.5), 250),
        segments.Phase(Bussi(1.0, 0.5, 9), 1000),
        segments.Phase(NoseHoover(1.0, 0.5), 700, interval=150),
    ]
    cut = segments.cut_into_segments(phases, 400)
    assert [segment.steps for segment in cut] == [250, 400, 400, 200, 300, 300, 100]
    assert [segment.first for segment in cut] == [True, True, False, False, True, False, False]
    assert len({segment.ensemble.seed for segment in cut[1:4]}) == 3
    assert segments.cut_into_segments(phases, 400) == cut
    assert segments.cut_into_segments([phases[2]], 100) == segments.cut_into_segments([phases[2]], 150)


def test_maxwell_boltzmann():
    """Every component is normal with variance kT; the centre of mass is at rest; <2 K> = (3 N - 3) kT."""
    generator = np.random.default_rng(0)
    draws = np.array([states.maxwell_boltzmann(20, 0.6, generator) for _ in range(4000)])
    np.testing.assert_allclose(draws.mean(axis=1), 0, atol=1e-14)
    kinetic = 2 * np.array([states.kinetic_energy(velocities) for velocities in draws]) / 0.6  # chi^2, 57
    assert kinetic.mean() == pytest.approx(57, abs=5 * np.sqrt(2 * 57 / 4000))
    assert kinetic.var() == pytest.approx(2 * 57, rel=5 * np.sqrt(2 / 4000) * 1.5)
    fourth = (draws**4).mean() / (draws**2).mean() ** 2
    assert fourth == pytest.approx(3, abs=5 * np.sqrt(24 / draws.size) * 2)


def test_velocities_are_scaled_to_an_energy():
    state = states.random_state(np.zeros(50, np.uint8), 4.0, np.random.default_rng(1))
    moving = replace(state, velocities=np.random.default_rng(2).normal(0.3, 1, (50, 3)))
    scaled = states.with_kinetic_energy(moving, 33.0)
    assert states.kinetic_energy(scaled.velocities) == pytest.approx(33, rel=1e-12)
    np.testing.assert_allclose(scaled.velocities.sum(axis=0), 0, atol=1e-12)
    with pytest.raises(StateError, match="equilibrate longer"):
        states.with_kinetic_energy(moving, -1.0)


def test_a_state_is_stored_to_the_bit(tmp_path):
    generator = np.random.default_rng(4)
    state = replace(
        states.random_state(np.array([0, 1, 0], np.uint8), 3.3, generator),
        velocities=generator.normal(size=(3, 3)),
        images=generator.integers(-9, 9, (3, 3)),
        step=10**10,
        thermostat=(0.1, -7.3),
    )
    path, again = tmp_path / "state.h5", tmp_path / "again.h5"
    states.save(state, path, energy=-1 / 3)
    states.save(state, again, energy=-1 / 3)
    assert path.read_bytes() == again.read_bytes()
    read, numbers = states.load(path)
    for name in ("positions", "images", "velocities", "species"):
        np.testing.assert_array_equal(getattr(read, name), getattr(state, name))
    assert (read.step, read.thermostat, read.box_length) == (state.step, state.thermostat, state.box_length)
    assert numbers == {"energy": -1 / 3}
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(StateError, match="can be read"):
        states.load(path)


def test_durations_are_in_units_of_tau_alpha(root):
    parameters = params.load(root / "params.yaml")
    plan, sample = equilibration.plan_preparation(parameters, 3), recording.plan_recording(parameters)
    tau_alpha, timestep = parameters.simulation.tau_alpha, parameters.simulation.timestep
    assert plan.equilibrate * timestep == pytest.approx(parameters.equilibrate.equilibrate * tau_alpha)
    assert sample.decorrelate * timestep == pytest.approx(parameters.record.decorrelate * tau_alpha)
    length = sample.intervals * sample.frame_steps * timestep
    assert length == pytest.approx(
        parameters.record.duration * tau_alpha, abs=2 * protocol.compute_frame_time(parameters.simulation)
    )


def test_intervals_are_even_so_that_a_middle_frame_exists(root):
    simulation = params.load(root / "params.yaml").simulation
    assert all(protocol.count_frame_intervals(simulation, time) % 2 == 0 for time in (0.1, 0.33, 1.0, 2.7))
