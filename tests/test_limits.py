"""Planted fields and planted chance: what grows with the length, and what the ceiling is."""

import numpy as np
import pytest

from glassdyn import tables
from glassdyn.learning.assessment import Answers
from glassdyn.learning.correlation import pearson
from glassdyn.learning.limits import against_runs, by_length

N, BOX = 1500, 12.0


@pytest.fixture
def snapshot():
    """A field that varies over the box is known to the prediction, each particle's noise is not."""
    generator = np.random.default_rng(0)
    positions = generator.random((N, 3)) * BOX
    field = np.sin(2 * np.pi * positions[:, 0] / BOX)
    targets = (field + 2.0 * generator.normal(size=N))[:, None]
    predictions = {"network": field[:, None], "constant": np.zeros((N, 1))}
    return Answers((np.arange(N) % 5 == 4).astype(np.uint8), targets, predictions, positions, BOX)


def test_without_coarse_graining_it_is_the_correlation_of_particles_a(snapshot):
    a = snapshot.species == 0
    rho = pearson(snapshot.targets[a, 0], snapshot.predictions["network"][a, 0])
    assert by_length([snapshot], ["p_hop"], [0.0])["network"].to_list() == [pytest.approx(rho, rel=1e-12)]


def test_chance_averages_out_on_larger_scales(snapshot):
    table = by_length([snapshot, snapshot], ["p_hop"], [0.0, 0.5, 1.0, 2.0, 3.0, 4.0])
    assert table["length"].to_list() == [0.0, 0.5, 1.0, 2.0, 3.0]  # a quarter of the box at most
    assert table.columns == ["label", "length", "network"]
    rhos = table["network"].to_numpy()
    assert (np.diff(rhos) > 0).all()
    assert rhos[-1] > 0.9


def test_particles_b_do_not_enter(snapshot):
    one = by_length([snapshot], ["p_hop"], [0.0, 1.0])
    snapshot.targets[snapshot.species == 1] = 1e6
    assert by_length([snapshot], ["p_hop"], [0.0, 1.0]).equals(one)


def test_the_ceiling_is_what_the_configuration_determines(snapshot, tmp_path):
    """Runs m = s + 2 n, with unit variances of s and n: the ceiling is sqrt(1/5), the mean over 20 tells s."""
    generator = np.random.default_rng(1)
    signal = generator.normal(size=N)
    for run in range(20):
        labels = {"p_hop": signal + 2.0 * generator.normal(size=N)}
        columns = {"particle": np.arange(N, dtype=np.uint32), "type": snapshot.species}
        path = tmp_path / "copy00-sample00" / f"run{run:02}.parquet"
        tables.write(path, tables.labels_schema(["p_hop"]), [columns | labels])
    known = snapshot._replace(predictions={"network": np.stack((signal, signal), axis=1)})
    others = {"copy00-sample00": known, "copy00-sample01": snapshot}
    found = against_runs(tmp_path, others, ["p_hop", "cwt_50"], "network")
    assert list(found) == ["p_hop"]
    assert found["p_hop"]["samples"] == 1
    assert found["p_hop"]["ceiling"] == pytest.approx(np.sqrt(1 / 5), abs=0.02)
    assert found["p_hop"]["pearson"] == pytest.approx(1 / np.sqrt(1 + 4 / 20), abs=0.02)


def test_without_runs_nothing_is_told(snapshot, tmp_path):
    assert against_runs(tmp_path / "none", {"copy00-sample00": snapshot}, ["p_hop"], "network") == {}
