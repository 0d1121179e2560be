"""Isoconfigurational runs: one configuration in the middle of every run, and how well their labels agree."""

from dataclasses import asdict, replace
from itertools import combinations

import numpy as np
import polars as pl
import pytest

from engine_liquids import TIMESTEP, XPLOR, liquid_state
from glassdyn.jobs import JobContext
from glassdyn.labels import isoconfigurational as labelling
from glassdyn.labels.isoconfigurational import noise_ceiling
from glassdyn.liquid.configuration import Configuration
from glassdyn.simulation import isoconfigurational
from glassdyn.simulation.segments import Dynamics
from glassdyn.storage import tables
from glassdyn.storage.snapshots import read_snapshot, write_snapshot
from glassdyn.storage.trajectory import open_trajectory
from glassdyn.storage.trajectory_writer import THERMODYNAMICS
from short_pipeline import section

HALF, FRAME_STEPS = 150, 4
RUN = isoconfigurational.IsoconfigurationalRun(
    sample="copy01-sample00",
    run=0,
    seed=3,
    dynamics=Dynamics("lammps", XPLOR, TIMESTEP, checkpoint_steps=250),
    temperature=0.8,
    half=HALF,
    frame_steps=FRAME_STEPS,
)
HOPS = section("hops", p_c=0.2, t_f=0.1, min_segment=5, weight="none")
WAVELETS = section("wavelets", scales=(10, 30))
PROPENSITIES = {"propensity_0.1": 1, "propensity_1": 100}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    state = liquid_state("lammps", XPLOR, steps=500)
    path = tmp_path_factory.mktemp("snapshots") / "copy01-sample00.parquet"
    write_snapshot(path, Configuration(state.unwrapped, state.species, state.box_length), {})
    return path


def simulate(run, snapshot, folder, kill_at=()):
    kills = list(kill_at)
    checkpoint = folder / "checkpoint"
    checkpoint.mkdir(parents=True)

    def report(fraction):
        if kills and fraction >= kills[0]:
            kills.pop(0)
            raise InterruptedError

    for _ in range(len(kills) + 1):
        try:
            isoconfigurational.simulate_run(
                JobContext(asdict(run), [snapshot], folder / "run.h5", checkpoint, report)
            )
        except InterruptedError:
            continue
    return folder / "run.h5"


@pytest.fixture(scope="module")
def trajectories(snapshot, tmp_path_factory):
    runs = [replace(RUN, run=number) for number in range(4)]
    return [simulate(run, snapshot, tmp_path_factory.mktemp(f"run{run.run}")) for run in runs]


def test_past_and_future_join_in_the_configuration(snapshot, trajectories):
    """Velocities change smoothly through the middle: backwards the run had the opposite ones."""
    configuration = read_snapshot(snapshot)
    particles = len(configuration.species)
    for number, path in enumerate(trajectories):
        with open_trajectory(path) as trajectory:
            assert trajectory.frames == 2 * HALF + 1
            np.testing.assert_array_equal(trajectory.steps, FRAME_STEPS * np.arange(2 * HALF + 1))
            np.testing.assert_allclose(trajectory.frame(HALF), configuration.positions, atol=1e-6)
            window = trajectory.window(HALF - 2, HALF + 3).astype(np.float64)
            observables = trajectory.observables
        assert set(observables) == set(THERMODYNAMICS)
        energy = observables["potential_energy"] + observables["kinetic_energy"]
        assert np.ptp(energy) < 5e-3 * particles
        velocities = replace(RUN, run=number).velocities(particles)
        central = (window[3] - window[1]) / (2 * FRAME_STEPS * TIMESTEP)
        np.testing.assert_allclose(central, velocities, atol=0.15)
        third = window[4] - 3 * window[3] + 3 * window[2] - window[1]
        assert np.abs(third).max() < 0.02


def test_every_run_has_its_own_velocities_and_none_depends_on_how_many_there_are():
    draws = [replace(RUN, run=run).velocities(50) for run in range(5)]
    draws.append(replace(RUN, sample="copy01-sample01").velocities(50))
    for first, second in combinations(draws, 2):
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.4
    np.testing.assert_array_equal(draws[0], RUN.velocities(50))


def test_killed_runs_end_in_the_same_bytes(snapshot, trajectories, tmp_path):
    killed = simulate(RUN, snapshot, tmp_path, kill_at=(0.2, 0.45, 0.55, 0.9))
    assert killed.read_bytes() == trajectories[0].read_bytes()


def test_labels_of_runs_their_means_and_how_well_they_agree(trajectories, tmp_path):
    arguments = {"hops": asdict(HOPS), "wavelets": asdict(WAVELETS), "propensities": PROPENSITIES}
    folder = tmp_path / "copy01-sample00"
    for run, path in enumerate(trajectories):
        output = folder / f"run{run:02}.parquet"
        labelling.label_run(JobContext(arguments, [path], output, tmp_path))
    labels = labelling.columns({"hops": HOPS, "wavelets": WAVELETS}, (0.1, 1.0))
    assert labels == ["p_hop", "cwt_10", "cwt_30", "propensity_0.1", "propensity_1"]
    labelling.write_means(tmp_path, ["copy01-sample00"], labels)
    table = labelling.tabulate_ceilings(tmp_path, ["copy01-sample00"], labels)
    means = tables.read(tmp_path / "copy01-sample00.parquet")
    assert means.columns == ["particle", "type", "mean_p_hop", "mean_cwt_10", "mean_cwt_30", *PROPENSITIES]
    distances = []
    for path in trajectories:
        with open_trajectory(path) as trajectory:
            displacements = trajectory.frame(HALF + 100) - trajectory.frame(HALF)
            distances.append(np.linalg.norm(displacements, axis=1))
    np.testing.assert_allclose(means["propensity_1"], np.mean(distances, axis=0))
    of_a = np.array(distances)[:, :240]
    assert table.filter(pl.col("label") == "propensity_1").row(0)[2:] == pytest.approx(noise_ceiling(of_a))
    points = labelling.tabulate_raw_and_mean(tmp_path, "copy01-sample00", "propensity_1")
    np.testing.assert_allclose(points["raw"], of_a[0])
    np.testing.assert_allclose(points["mean"], of_a[1:].mean(axis=0))
    metrics = labelling.average_ceilings(table, 4)
    assert metrics["runs"] == 4
    assert metrics["p_hop"].keys() == {"halves", "raw", "ceiling"}  # one sample: no error over samples
    pair = pl.concat([table, table.with_columns(ceiling=pl.col("ceiling") + 0.1)])
    assert labelling.average_ceilings(pair, 4)["p_hop"]["ceiling_error"] == pytest.approx(0.05)


def test_the_ceiling_is_what_a_perfect_predictor_reaches():
    """Labels of variance 1 from the configuration and 3 from the velocities: c = 1/4, ceiling = 1/2."""
    generator = np.random.default_rng(0)
    true = generator.normal(size=40_000)
    labels = true + np.sqrt(3) * generator.normal(size=(30, 40_000))
    agreement = noise_ceiling(labels)
    best = np.mean([np.corrcoef(true, label)[0, 1] for label in labels])
    assert agreement.ceiling == pytest.approx(best, abs=0.01)
    assert agreement.ceiling == pytest.approx(0.5, abs=0.01)
    assert agreement.halves == pytest.approx(1 / (1 + 3 / 15), abs=0.01)
    assert agreement.raw == pytest.approx(0.5 * np.sqrt(1 / (1 + 3 / 29)), abs=0.01)
    with pytest.raises(ValueError, match="the same for all particles"):
        noise_ceiling(np.ones((3, 5)))


def test_no_runs_give_valid_empty_results(tmp_path):
    labelling.write_means(tmp_path, [], ["p_hop"])
    table = labelling.tabulate_ceilings(tmp_path, [], ["p_hop"])
    assert table.is_empty()
    assert labelling.average_ceilings(table, 0) == {"runs": 0}
