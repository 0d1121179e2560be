"""Isoconfigurational runs: one configuration in the middle of every run, and what its labels share."""

from dataclasses import asdict, replace

import numpy as np
import polars as pl
import pytest

from engine_liquids import TIMESTEP, XPLOR, liquid
from glassdyn.jobs import JobContext
from glassdyn.labels import isoconfigurational as labelling
from glassdyn.labels.isoconfigurational import noise_ceiling
from glassdyn.params import Hops, Wavelets
from glassdyn.simulation import isoconfigurational
from glassdyn.simulation import state as states
from glassdyn.simulation.segments import Dynamics
from glassdyn.storage import tables
from glassdyn.storage.trajectory import open_trajectory
from glassdyn.storage.trajectory_writer import THERMODYNAMICS, TrajectoryWriter

HALF, FRAME_STEPS = 150, 4
PLAN = isoconfigurational.IsoconfigurationalRun(
    sample="copy01-sample00",
    run=0,
    seed=3,
    dynamics=Dynamics("lammps", XPLOR, TIMESTEP, checkpoint_steps=250),
    temperature=0.8,
    half=HALF,
    frame_steps=FRAME_STEPS,
)
HOPS = Hops(p_c=0.2, t_f=0.1, min_segment=5, weight="none")
WAVELETS = Wavelets(scales=(10, 30))
PROPENSITIES = {"propensity_0.1": 1, "propensity_1": 100}


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    state = liquid("lammps", XPLOR, steps=500)
    path = folder / "trajectory.h5"
    with TrajectoryWriter(
        path, species=state.species, box_length=state.box_length, timestep=TIMESTEP
    ) as recorder:
        for step in (0, 1, 2):
            recorder.append(step, state.unwrapped + step)
    with open_trajectory(path) as trajectory:
        states.save(isoconfigurational.state_of_middle_frame(trajectory), folder / "start.h5")
    np.testing.assert_allclose(
        states.load(folder / "start.h5")[0].unwrapped,
        (state.unwrapped + 1).astype(np.float32),
        rtol=0,
        atol=1e-14,
    )
    return folder / "start.h5"


def simulate(plan, start, folder, deaths=()):
    deaths = list(deaths)
    checkpoint = folder / "checkpoint"
    checkpoint.mkdir(parents=True)

    def report(fraction):
        if deaths and fraction >= deaths[0]:
            deaths.pop(0)
            raise InterruptedError

    for _ in range(len(deaths) + 1):
        try:
            isoconfigurational.simulate_run(
                JobContext(asdict(plan), [start], folder / "run.h5", checkpoint, report)
            )
        except InterruptedError:
            continue
    return folder / "run.h5"


@pytest.fixture(scope="module")
def runs(start, tmp_path_factory):
    plans = [replace(PLAN, run=run) for run in range(4)]
    return [simulate(plan, start, tmp_path_factory.mktemp(f"run{plan.run}")) for plan in plans]


def test_past_and_future_join_in_the_configuration(start, runs):
    """Velocities change smoothly through the middle: backwards the run had the opposite ones."""
    state, _ = states.load(start)
    for run, path in enumerate(runs):
        with open_trajectory(path) as trajectory:
            assert trajectory.frames == 2 * HALF + 1
            np.testing.assert_array_equal(trajectory.steps, FRAME_STEPS * np.arange(2 * HALF + 1))
            np.testing.assert_allclose(trajectory.frame(HALF), state.unwrapped, atol=1e-6)
            window = trajectory.window(HALF - 2, HALF + 3).astype(np.float64)
            observables = trajectory.observables
        assert set(observables) == set(THERMODYNAMICS)
        energy = observables["potential_energy"] + observables["kinetic_energy"]
        assert np.ptp(energy) < 5e-3 * state.particles
        velocities = replace(PLAN, run=run).velocities(state.particles)
        central = (window[3] - window[1]) / (2 * FRAME_STEPS * TIMESTEP)
        np.testing.assert_allclose(central, velocities, atol=0.15)
        third = window[4] - 3 * window[3] + 3 * window[2] - window[1]
        assert np.abs(third).max() < 0.02


def test_every_run_has_its_own_velocities_and_none_depends_on_how_many_there_are():
    draws = [replace(PLAN, run=run).velocities(50) for run in range(5)]
    draws.append(replace(PLAN, sample="copy01-sample01").velocities(50))
    for index, one in enumerate(draws):
        for other in draws[:index]:
            assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.4
    np.testing.assert_array_equal(draws[0], PLAN.velocities(50))


def test_killed_runs_end_in_the_same_bytes(start, runs, tmp_path):
    killed = simulate(PLAN, start, tmp_path, deaths=(0.2, 0.45, 0.55, 0.9))
    assert killed.read_bytes() == runs[0].read_bytes()


def test_labels_of_runs_their_means_and_how_well_they_agree(runs, tmp_path):
    arguments = {"hops": asdict(HOPS), "wavelets": asdict(WAVELETS), "propensities": PROPENSITIES}
    folder = tmp_path / "copy01-sample00"
    for run, path in enumerate(runs):
        output = folder / f"run{run:02}.parquet"
        labelling.label_run(JobContext(arguments, [path], output, tmp_path))
    labels = labelling.columns({"hops": HOPS, "wavelets": WAVELETS}, (0.1, 1.0))
    assert labels == ["p_hop", "cwt_10", "cwt_30", "propensity_0.1", "propensity_1"]
    table = labelling.summarise(tmp_path, ["copy01-sample00"], labels)
    means = tables.read(tmp_path / "copy01-sample00.parquet")
    assert means.columns == ["particle", "type", "mean_p_hop", "mean_cwt_10", "mean_cwt_30", *PROPENSITIES]
    moved = []
    for path in runs:
        with open_trajectory(path) as trajectory:
            moved.append(np.linalg.norm(trajectory.frame(HALF + 100) - trajectory.frame(HALF), axis=1))
    np.testing.assert_allclose(means["propensity_1"], np.mean(moved, axis=0))
    of_a = np.array(moved)[:, :240]
    assert table.filter(pl.col("label") == "propensity_1").row(0)[2:] == pytest.approx(noise_ceiling(of_a))
    pairs = labelling.pairs(tmp_path, "copy01-sample00", "propensity_1")
    np.testing.assert_allclose(pairs["raw"], of_a[0])
    np.testing.assert_allclose(pairs["mean"], of_a[1:].mean(axis=0))
    metrics = labelling.metrics(table, 4)
    assert metrics["runs"] == 4
    assert metrics["p_hop"].keys() == {"halves", "raw", "ceiling"}


def test_the_ceiling_is_what_a_perfect_predictor_reaches():
    """Labels of variance 1 from the configuration and 3 from the velocities: c = 1/4, ceiling = 1/2."""
    generator = np.random.default_rng(0)
    true = generator.normal(size=40_000)
    labels = true + np.sqrt(3) * generator.normal(size=(30, 40_000))
    found = noise_ceiling(labels)
    best = np.mean([np.corrcoef(true, one)[0, 1] for one in labels])
    assert found.ceiling == pytest.approx(best, abs=0.01)
    assert found.ceiling == pytest.approx(0.5, abs=0.01)
    assert found.halves == pytest.approx(1 / (1 + 3 / 15), abs=0.01)
    assert found.raw == pytest.approx(0.5 * np.sqrt(1 / (1 + 3 / 29)), abs=0.01)
    with pytest.raises(ValueError, match="the same for all particles"):
        noise_ceiling(np.ones((3, 5)))


def test_no_runs_give_valid_empty_results(tmp_path):
    table = labelling.summarise(tmp_path, [], ["p_hop"])
    assert table.is_empty()
    assert labelling.metrics(table, 0) == {"runs": 0}
