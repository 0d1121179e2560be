"""Planted signals and planted chance: what the ceiling is, how well it is known, and who reaches it."""

import numpy as np
import pytest
from scipy.stats import sem

from glassdyn.evaluation.noise_ceiling import estimate_ceiling, limit_of_mean
from glassdyn.evaluation.predictions import Predictions
from glassdyn.evaluation.run_correlations import correlate_with_runs
from glassdyn.evaluation.runs import SampleRuns, average_runs, load_runs
from glassdyn.labels.coarse_graining import coarse_grain
from glassdyn.labels.isoconfigurational import noise_ceiling
from glassdyn.liquid.configuration import Configuration
from glassdyn.storage import tables
from glassdyn.storage.snapshots import write_snapshot

N, BOX, BLOCK = 1500, 12.0, 3.0
WINDOW = {"frames": 101, "frame": 50}


def plant(generator, *, copy=0, noise=2.0, runs=6, offset=0.0, particles=N):
    """Runs m = s + noise n, with unit variances of s and n: c = 1 / (1 + noise^2)."""
    signal = offset + generator.normal(size=particles)
    labels = signal + noise * generator.normal(size=(runs, particles))
    return SampleRuns(labels, generator.random((particles, 3)) * BOX, BOX, copy)


def estimate(samples, averaged=1):
    return estimate_ceiling(samples, averaged=averaged, block_length=BLOCK)


@pytest.fixture
def generator():
    return np.random.default_rng(4)


@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_the_ceiling_is_that_of_theory(generator, noise):
    limit = estimate([plant(generator, copy=copy, noise=noise) for copy in range(5)])
    expected = 1 / np.sqrt(1 + noise**2)
    assert limit.ceiling == pytest.approx(expected, abs=0.02)
    assert limit.ceiling_sample_mean == pytest.approx(expected, abs=0.02)
    assert (limit.runs, limit.samples, limit.units) == (6, 5, "copies")


def test_it_is_the_root_of_the_mean_correlation_of_two_runs(generator):
    samples = [plant(generator, copy=copy, offset=0.3 * copy) for copy in range(4)]
    limit = estimate(samples)
    pooled = np.concatenate([sample.labels for sample in samples], axis=1)
    assert limit.ceiling == pytest.approx(noise_ceiling(pooled).ceiling, rel=1e-9)
    each = [noise_ceiling(sample.labels).ceiling for sample in samples]
    assert limit.ceiling_sample_mean == pytest.approx(np.mean(each), rel=1e-9)
    assert limit.ceiling_sample_error == pytest.approx(sem(each), rel=1e-9)


def test_what_differs_between_samples_is_predictable_and_counts_where_they_are_pooled(generator):
    """Signals of variance 1 within a sample and 4 between them, noise of variance 4: c = 5 / 9 pooled, 1 / 5 in each."""
    offsets = 2.0 * np.array([-1.0, 1.0, -1.0, 1.0])
    limit = estimate([plant(generator, copy=copy, offset=offset) for copy, offset in enumerate(offsets)])
    assert limit.ceiling == pytest.approx(np.sqrt(5 / 9), abs=0.02)
    assert limit.ceiling_sample_mean == pytest.approx(np.sqrt(1 / 5), abs=0.02)


@pytest.mark.parametrize("copies", [1, 5])
def test_the_error_is_the_spread_between_repetitions(generator, copies):
    """Over blocks for one sample, over copies for five; the spread of 30 repetitions is known to 13 %."""
    repetitions = [
        estimate([plant(generator, copy=copy, particles=300) for copy in range(copies)]) for _ in range(30)
    ]
    assert {limit.units for limit in repetitions} == {"blocks" if copies == 1 else "copies"}
    for value, error in (("ceiling", "ceiling_error"), ("ceiling_sample_mean", "ceiling_sample_error")):
        spread = np.std([getattr(limit, value) for limit in repetitions], ddof=1)
        stated = np.sqrt(np.mean([getattr(limit, error) ** 2 for limit in repetitions]))
        assert stated == pytest.approx(spread, rel=0.4)


def test_a_mean_over_runs_has_the_ceiling_of_its_reliability(generator):
    """Of the mean over 6 runs with noise of variance 4: s correlates as 1 / sqrt(1 + 4 / 6)."""
    limit = estimate([plant(generator, copy=copy) for copy in range(5)], averaged=6)
    assert limit.ceiling == pytest.approx(1 / np.sqrt(1 + 4 / 6), abs=0.02)
    assert limit_of_mean(0.2, 1) == pytest.approx(np.sqrt(0.2))
    assert limit_of_mean(0.2, 10**6) == pytest.approx(1.0, abs=1e-5)
    assert limit_of_mean(-0.1, 5) == 0.0


def test_unit_origin_and_order_of_runs_and_particles_change_nothing(generator):
    samples = [plant(generator, copy=copy) for copy in range(4)]
    order, runs = generator.permutation(N), generator.permutation(6)
    changed = [
        sample._replace(labels=7.0 + 1e-3 * sample.labels[runs][:, order], positions=sample.positions[order])
        for sample in samples
    ]
    np.testing.assert_allclose(estimate(samples)[:4], estimate(changed)[:4], rtol=1e-8)


def test_runs_that_do_not_agree_set_no_ceiling(generator):
    opposite = plant(generator, runs=1)
    opposite = opposite._replace(labels=np.stack([opposite.labels[0], -opposite.labels[0]]))
    constant = opposite._replace(labels=np.ones((3, N)))
    assert estimate([]) is estimate([opposite]) is estimate([constant]) is None


def test_no_model_is_above_the_ceilings_and_what_the_configuration_determines_reaches_them(generator):
    """c = 1/5: s correlates with a run as sqrt(c), and as 1 / sqrt(1 + 4 / 20) with the mean over 20 runs."""
    signal = generator.normal(size=N)
    half = signal + generator.normal(size=N)  # as much noise as signal: a sqrt(2)th of what can be reached
    models = {"network": signal, "ridge": half, "constant": np.zeros(N)}
    species, positions = np.zeros(N, np.uint8), generator.random((N, 3)) * BOX
    labels = ("p_hop", "cwt_50")
    truth = dict.fromkeys(labels, np.zeros(N))
    snapshot = Predictions(species, truth, dict.fromkeys(labels, models), positions, BOX)
    runs = SampleRuns(signal + 2.0 * generator.normal(size=(20, N)), positions, BOX, 0)
    snapshots = {"copy00-sample00": snapshot, "copy00-sample01": snapshot}
    by_label = {"p_hop": {"copy00-sample00": runs, "copy03-sample00": runs}, "cwt_50": {}}
    correlations = correlate_with_runs(by_label, snapshots)
    assert list(correlations) == ["p_hop"]
    assert (correlations["p_hop"]["samples"], correlations["p_hop"]["runs"]) == (1, 20)
    for label, ceiling in (("one_run", np.sqrt(1 / 5)), ("mean_of_runs", 1 / np.sqrt(1 + 4 / 20))):
        rhos = correlations["p_hop"][label]
        assert set(rhos) == {"network", "ridge", "ceiling"}
        assert rhos["ceiling"] == pytest.approx(ceiling, abs=0.02)
        assert rhos["network"] == pytest.approx(ceiling, abs=0.02)
        assert rhos["ridge"] == pytest.approx(ceiling / np.sqrt(2), abs=0.03)


@pytest.fixture
def folders(tmp_path, generator):
    """Tables of two samples of 50 particles, one of them with three runs; as arguments of `load_runs`."""
    species = (np.arange(50) % 5 == 4).astype(np.uint8)
    identity = {"particle": np.arange(50, dtype=np.uint32), "type": species}
    for sample in ("copy00-sample00", "copy02-sample01"):
        configuration = Configuration(generator.random((50, 3)) * BOX, species, BOX)
        write_snapshot(tmp_path / "snapshots" / f"{sample}.parquet", configuration, WINDOW)
        write_label(tmp_path / "labels" / f"{sample}.parquet", identity, generator)
    for run in range(3):
        write_label(tmp_path / "runs" / "copy02-sample01" / f"run{run:02}.parquet", identity, generator)
    return (
        tmp_path / "runs",
        tmp_path / "labels",
        tmp_path / "snapshots",
        ["copy00-sample00", "copy02-sample01"],
    )


def write_label(path, identity, generator, **changes):
    columns = identity | {"p_hop": generator.normal(size=50)}
    tables.write(path, tables.labels_schema(["p_hop"]), [columns], {"p_c": 0.2, **WINDOW, **changes})


def test_runs_are_those_of_the_label_of_particles_a(folders):
    (sample,) = load_runs(*folders, "p_hop").items()
    name, runs = sample
    paths = sorted((folders[0] / name).glob("*.parquet"))
    every = np.stack([tables.read(path)["p_hop"].to_numpy() for path in paths])
    is_a = np.arange(50) % 5 != 4
    assert (name, runs.copy) == ("copy02-sample01", 2)
    np.testing.assert_array_equal(runs.labels, every[:, is_a])
    np.testing.assert_array_equal(load_runs(*folders, "mean_p_hop")[name].labels, runs.labels)
    assert load_runs(*folders, "cwt_50") == {}


def test_labels_averaged_in_space_are_averaged_in_each_run(folders):
    """Over all particles, as the label tables are; over A particles alone, as predictions are compared."""
    alone, coarse = (load_runs(*folders, label)["copy02-sample01"] for label in ("p_hop", "p_hop_ell2"))
    assert coarse.labels.std() < 0.6 * alone.labels.std()
    expected = [coarse_grain(run[:, None], alone.positions, BOX, [1.5])[:, 0] for run in alone.labels]
    np.testing.assert_allclose(average_runs(alone, 1.5).labels, expected, rtol=1e-12)
    assert average_runs(alone, 0.0) is alone


def test_runs_of_another_window_limit_nothing(folders, generator):
    """Their label is another one; the mean over runs is theirs, whatever the window."""
    runs, name = folders[0] / "copy02-sample01", "copy02-sample01"
    identity = {"particle": np.arange(50, dtype=np.uint32), "type": (np.arange(50) % 5 == 4).astype(np.uint8)}
    for path in sorted(runs.glob("*.parquet")):
        write_label(path, identity, generator, frames=301, frame=150)
    assert load_runs(*folders, "p_hop") == {}
    assert list(load_runs(*folders, "mean_p_hop")) == [name]
