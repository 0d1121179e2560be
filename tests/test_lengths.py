"""Planted fields and planted chance: what grows with the length that truth and prediction are averaged over."""

import numpy as np
import pytest

from glassdyn.correlation import pearson
from glassdyn.evaluation.lengths import (
    correlate_by_length,
    estimate_ceilings_by_length,
    network_by_length,
)
from glassdyn.evaluation.predictions import Predictions
from glassdyn.evaluation.runs import SampleRuns

N, BOX = 1500, 12.0
COLUMNS = ["label", "length", "regions", "model", "pearson", "pearson_error", "ceiling", "ceiling_error"]


def correlate(snapshots, lengths, ceilings=None):
    folds = [0] * len(snapshots)
    return correlate_by_length(snapshots, lengths, folds=folds, ceilings=ceilings or {})


@pytest.fixture
def snapshot():
    """A field that varies over the box is known to the prediction, each particle's noise is not."""
    generator = np.random.default_rng(0)
    positions = generator.random((N, 3)) * BOX
    field = np.sin(2 * np.pi * positions[:, 0] / BOX)
    targets = {"p_hop": field + 2.0 * generator.normal(size=N)}
    predictions = {"p_hop": {"network": field, "constant": np.zeros(N)}}
    return Predictions((np.arange(N) % 5 == 4).astype(np.uint8), targets, predictions, positions, BOX)


def test_without_coarse_graining_it_is_the_correlation_of_particles_a(snapshot):
    a = snapshot.species == 0
    rho = pearson(snapshot.targets["p_hop"][a], snapshot.predictions["p_hop"]["network"][a])
    table = correlate([snapshot], [0.0])
    assert table.columns == COLUMNS
    assert table["regions"].to_list() == [a.sum()]
    assert table["pearson"].to_list() == [pytest.approx(rho, rel=1e-12)]
    assert table["ceiling"].to_list() == [None]
    assert network_by_length(table)["p_hop"]["ell0"].keys() == {"pearson", "pearson_error", "regions"}


def test_chance_averages_out_on_larger_scales(snapshot):
    table = correlate([snapshot, snapshot], [0.0, 0.5, 1.0, 2.0, 3.0])
    assert table["length"].to_list() == [0.0, 0.5, 1.0, 2.0, 3.0]
    rhos = table["pearson"].to_numpy()
    assert (np.diff(rhos) > 0).all()
    assert rhos[-1] > 0.9


def test_folds_are_pooled_without_their_means(snapshot):
    """A model of another fold that predicts less on the average is as good as before."""
    lower = snapshot._replace(
        predictions={"p_hop": {name: column - 9.0 for name, column in snapshot.predictions["p_hop"].items()}}
    )
    pooled = correlate_by_length([snapshot, lower], [0.0, 2.0], folds=[0, 1], ceilings={})
    same = correlate_by_length([snapshot, snapshot], [0.0, 2.0], folds=[0, 0], ceilings={})
    np.testing.assert_allclose(pooled["pearson"], same["pearson"], rtol=1e-9)


def test_the_error_is_the_spread_of_unrelated_fields():
    """Truth and prediction without relation; the spread of 40 draws is known to 11 %, and 30 % are three of them."""
    generator = np.random.default_rng(2)
    species, tables_of_draws = np.zeros(500, np.uint8), []
    for _ in range(40):
        (truth, prediction), positions = generator.normal(size=(2, 500)), generator.random((500, 3)) * BOX
        unrelated = Predictions(species, {"p_hop": truth}, {"p_hop": {"network": prediction}}, positions, BOX)
        tables_of_draws.append(correlate([unrelated], [0.0, 1.0, 2.0]))
    spread = np.std([table["pearson"].to_numpy() for table in tables_of_draws], axis=0)
    expected = np.mean([table["pearson_error"].to_numpy() for table in tables_of_draws], axis=0)
    np.testing.assert_allclose(spread, expected, rtol=0.3)


def test_particles_b_do_not_enter(snapshot):
    table = correlate([snapshot], [0.0, 1.0])
    snapshot.targets["p_hop"][snapshot.species == 1] = 1e6
    assert correlate([snapshot], [0.0, 1.0]).equals(table)


def test_what_the_configuration_determines_reaches_the_ceiling_on_every_scale(snapshot):
    """The field is all that runs have in common, and the prediction is the field; 0.05 is three errors."""
    generator, a = np.random.default_rng(3), snapshot.species == 0
    field, positions = snapshot.predictions["p_hop"]["network"][a], snapshot.positions[a]
    runs = SampleRuns(field + 2.0 * generator.normal(size=(8, a.sum())), positions, BOX, 0)
    by_label = {"p_hop": {"copy00-sample00": runs}}
    ceilings = estimate_ceilings_by_length(by_label, [0.0, 1.0, 2.0], {"p_hop": 1}, 3.0)
    table = correlate([snapshot], [0.0, 1.0, 2.0], ceilings)
    np.testing.assert_allclose(table["pearson"], table["ceiling"], atol=0.05)
    assert (np.diff(table["ceiling"]) > 0).all()
    assert network_by_length(table)["p_hop"]["ell1"]["ceiling"] == table["ceiling"][1]
