"""Planted fields and planted chance: what grows with the length, and what the ceiling is."""

import numpy as np
import pytest

from glassdyn.correlation import pearson
from glassdyn.evaluation.noise_ceiling import correlate_by_length, correlate_with_runs
from glassdyn.evaluation.predictions import Predictions
from glassdyn.storage import tables

N, BOX = 1500, 12.0


@pytest.fixture
def snapshot():
    """A field that varies over the box is known to the prediction, each particle's noise is not."""
    generator = np.random.default_rng(0)
    positions = generator.random((N, 3)) * BOX
    field = np.sin(2 * np.pi * positions[:, 0] / BOX)
    targets = (field + 2.0 * generator.normal(size=N))[:, None]
    predictions = {"network": field[:, None], "constant": np.zeros((N, 1))}
    return Predictions((np.arange(N) % 5 == 4).astype(np.uint8), targets, predictions, positions, BOX)


def test_without_coarse_graining_it_is_the_correlation_of_particles_a(snapshot):
    a = snapshot.species == 0
    rho = pearson(snapshot.targets[a, 0], snapshot.predictions["network"][a, 0])
    table = correlate_by_length([snapshot], ["p_hop"], [0.0])
    assert table.columns == ["label", "length", "regions", "model", "pearson", "pearson_error"]
    assert table["regions"].to_list() == [a.sum()]
    assert table["pearson"].to_list() == [pytest.approx(rho, rel=1e-12)]


def test_chance_averages_out_on_larger_scales(snapshot):
    table = correlate_by_length([snapshot, snapshot], ["p_hop"], [0.0, 0.5, 1.0, 2.0, 3.0])
    assert table["length"].to_list() == [0.0, 0.5, 1.0, 2.0, 3.0]
    rhos = table["pearson"].to_numpy()
    assert (np.diff(rhos) > 0).all()
    assert rhos[-1] > 0.9


def test_the_error_is_the_spread_of_unrelated_fields():
    """Truth and prediction without relation; the spread of 40 draws is known to 11 %, and 30 % are three of them."""
    generator = np.random.default_rng(2)
    species, tables_of_draws = np.zeros(500, np.uint8), []
    for _ in range(40):
        columns, positions = generator.normal(size=(2, 500, 1)), generator.random((500, 3)) * BOX
        unrelated = Predictions(species, columns[0], {"network": columns[1]}, positions, BOX)
        tables_of_draws.append(correlate_by_length([unrelated], ["p_hop"], [0.0, 1.0, 2.0]))
    spread = np.std([table["pearson"].to_numpy() for table in tables_of_draws], axis=0)
    expected = np.mean([table["pearson_error"].to_numpy() for table in tables_of_draws], axis=0)
    np.testing.assert_allclose(spread, expected, rtol=0.3)


def test_particles_b_do_not_enter(snapshot):
    table = correlate_by_length([snapshot], ["p_hop"], [0.0, 1.0])
    snapshot.targets[snapshot.species == 1] = 1e6
    assert correlate_by_length([snapshot], ["p_hop"], [0.0, 1.0]).equals(table)


def test_no_model_is_above_the_ceilings_and_what_the_configuration_determines_reaches_them(
    snapshot, tmp_path
):
    """Runs m = s + 2 n, with unit variances of s and n: c = 1/5, and s correlates with one run as sqrt(c).

    With the mean over 20 runs, whose noise is 2 / sqrt(20), it correlates as 1 / sqrt(1 + 4 / 20).
    """
    generator = np.random.default_rng(1)
    signal = generator.normal(size=N)
    for run in range(20):
        labels = {"p_hop": signal + 2.0 * generator.normal(size=N)}
        columns = {"particle": np.arange(N, dtype=np.uint32), "type": snapshot.species}
        path = tmp_path / "copy00-sample00" / f"run{run:02}.parquet"
        tables.write(path, tables.labels_schema(["p_hop"]), [columns | labels])
    half = signal + generator.normal(size=N)  # as much noise as signal: a sqrt(2)th of what can be reached
    models = {"network": signal, "ridge": half, "constant": np.zeros(N)}
    predictions = {name: np.stack((column, column), axis=1) for name, column in models.items()}
    snapshots = {
        "copy00-sample00": snapshot._replace(predictions=predictions),
        "copy00-sample01": snapshot,
    }
    by_label = correlate_with_runs(tmp_path, snapshots, ["p_hop", "cwt_50"])
    assert list(by_label) == ["p_hop"]
    assert (by_label["p_hop"]["samples"], by_label["p_hop"]["runs"]) == (1, 20)
    for label, ceiling in (("one_run", np.sqrt(1 / 5)), ("mean_of_runs", 1 / np.sqrt(1 + 4 / 20))):
        rhos = by_label["p_hop"][label]
        assert set(rhos) == {"network", "ridge", "ceiling"}
        assert rhos["ceiling"] == pytest.approx(ceiling, abs=0.02)
        assert rhos["network"] == pytest.approx(ceiling, abs=0.02)
        assert rhos["ridge"] == pytest.approx(ceiling / np.sqrt(2), abs=0.03)


def test_without_runs_there_is_no_ceiling(snapshot, tmp_path):
    assert correlate_with_runs(tmp_path / "none", {"copy00-sample00": snapshot}, ["p_hop"]) == {}
