"""Laws of the scores: what correlation, its errors and calibration must and must not change with."""

import math

import numpy as np
import pytest
from scipy import stats

from glassdyn.correlation import pearson, spearman
from glassdyn.evaluation.bootstrap import Comparison, bootstrap_improvement, bootstrap_pearson
from glassdyn.evaluation.calibration import estimate_density, measure_calibration, measure_reliability
from glassdyn.evaluation.scores import assign_blocks, assign_subsets, score

SETTINGS = {"parts": 4, "resamples": 400, "confidence": 0.95}


@pytest.fixture
def generator():
    return np.random.default_rng(7)


def comparison(generator, *, samples=2, particles=1500, rho=0.4):
    targets = generator.normal(size=samples * particles)
    noise = generator.normal(size=samples * particles)
    predictions = rho * targets + math.sqrt(1 - rho**2) * noise
    owners = np.repeat(np.arange(samples), particles)
    positions = generator.random((samples * particles, 3)) * 12.0
    return Comparison(targets, predictions, owners, assign_blocks(positions, 12.0, 3.0) + 64 * owners)


def test_pearson_and_spearman_are_scipys(generator):
    data = comparison(generator)
    assert pearson(data.targets, data.predictions) == pytest.approx(
        stats.pearsonr(data.targets, data.predictions).statistic, rel=1e-12
    )
    ties = np.round(data.targets, 1)
    assert spearman(ties, data.predictions) == pytest.approx(
        stats.spearmanr(ties, data.predictions).statistic, rel=1e-12
    )


@pytest.mark.parametrize(("scale", "offset"), [(2.0, 0.0), (1e-3, 5.0), (7.0, -1e4)])
def test_pearson_ignores_unit_and_origin_and_changes_sign_with_the_prediction(generator, scale, offset):
    data = comparison(generator)
    rho = pearson(data.targets, data.predictions)
    assert pearson(data.targets, scale * data.predictions + offset) == pytest.approx(rho, rel=1e-9)
    assert pearson(data.targets, -data.predictions) == pytest.approx(-rho, rel=1e-12)
    assert pearson(data.targets, data.targets) == 1.0


def test_a_constant_orders_nothing(generator):
    data = comparison(generator)
    assert pearson(data.targets, np.full_like(data.targets, 0.3)) == 0.0
    flat = data._replace(predictions=np.full_like(data.targets, 0.3))
    scores = score(flat, generator=generator, **SETTINGS)
    assert all(math.isfinite(value) for value in scores)
    assert scores.pearson == scores.pearson_low == scores.pearson_high == 0.0


def test_relabelling_particles_changes_no_score(generator):
    data = comparison(generator, samples=5)
    order = generator.permutation(len(data.targets))
    shuffled = Comparison(*(column[order] for column in data))
    scores = score(data, generator=np.random.default_rng(1), **SETTINGS)
    of_shuffled = score(shuffled, generator=np.random.default_rng(1), **SETTINGS)
    np.testing.assert_allclose(scores, of_shuffled, rtol=1e-9)


def test_the_same_seed_gives_the_same_scores_to_the_last_bit(generator):
    data = comparison(generator)
    assert score(data, generator=np.random.default_rng(1), **SETTINGS) == score(
        data, generator=np.random.default_rng(1), **SETTINGS
    )


def test_scores_per_snapshot_are_those_of_each_snapshot_alone(generator):
    data = comparison(generator, samples=3)
    of_data = [
        pearson(data.targets[data.samples == s], data.predictions[data.samples == s]) for s in range(3)
    ]
    scores = score(data, generator=generator, **SETTINGS)
    assert scores.pearson_sample_mean == pytest.approx(np.mean(of_data))
    assert scores.pearson_sample_std == pytest.approx(np.std(of_data))
    assert scores.loss == pytest.approx(np.mean((data.targets - data.predictions) ** 2))
    assert scores.loss_sum == pytest.approx(scores.loss * len(data.targets))


@pytest.mark.parametrize("samples", [4, 6, 9])
def test_subsets_keep_snapshots_whole_where_there_are_enough(generator, samples):
    owners = np.repeat(np.arange(samples), 50)
    parts = assign_subsets(owners, 4, generator)
    assert set(parts) == {0, 1, 2, 3}
    assert all(len(set(parts[owners == s])) == 1 for s in range(samples))
    sizes = np.bincount(parts) // 50
    assert sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_subsets_are_equal_random_deals_of_particles_where_there_are_few(generator, samples):
    owners = np.repeat(np.arange(samples), 50)
    sizes = np.bincount(assign_subsets(owners, 4, generator))
    assert len(sizes) == 4
    assert sizes.max() - sizes.min() <= 1


def test_blocks_are_cubes_of_at_least_the_length_asked_for(generator):
    positions = generator.random((5000, 3)) * 10.0
    blocks = assign_blocks(positions, 10.0, 3.0)
    assert set(blocks) == set(range(27))
    for block in range(27):
        assert np.ptp(positions[blocks == block], axis=0).max() <= 10.0 / 3
    assert set(assign_blocks(positions, 10.0, 50.0)) == {0}


def test_bootstrap_over_single_particles_has_the_width_of_the_theory(generator):
    # sigma(rho) = (1 - rho^2) / sqrt(N) for normal columns; 10 % is four sampling errors of 800 draws.
    data = comparison(generator, particles=4000)
    single = data._replace(blocks=np.arange(len(data.targets)))
    interval = bootstrap_pearson(single, resamples=800, confidence=0.95, generator=generator)
    rho = pearson(data.targets, data.predictions)
    assert interval.low < rho < interval.high
    assert (interval.high - interval.low) / (2 * 1.96) == pytest.approx(
        (1 - rho**2) / math.sqrt(len(data.targets)), rel=0.1
    )


def test_bootstrap_knows_that_neighbours_move_together(generator):
    # 100 blocks of 20 identical particles are 100 independent ones: sqrt(20) times the naive error.
    targets = np.repeat(generator.normal(size=100), 20)
    predictions = np.repeat(generator.normal(size=100), 20)
    owners = np.zeros(2000, dtype=np.int64)
    draw = {"resamples": 800, "confidence": 0.95}
    widths = []
    for blocks in (np.repeat(np.arange(100), 20), np.arange(2000)):
        data = Comparison(targets, predictions, owners, blocks)
        interval = bootstrap_pearson(data, generator=generator, **draw)
        widths.append(interval.high - interval.low)
    assert widths[0] / widths[1] == pytest.approx(math.sqrt(20), rel=0.2)


def test_one_block_bounds_nothing(generator):
    data = comparison(generator)
    undivided = data._replace(blocks=np.zeros_like(data.blocks))
    with pytest.raises(ValueError, match=r"at least 2: got 1 .*evaluate\.block_length"):
        score(undivided, generator=generator, **SETTINGS)


def test_an_improvement_is_known_better_than_its_two_terms(generator):
    data = comparison(generator)
    better = data._replace(predictions=data.predictions + 0.1 * data.targets)
    draw = {"resamples": 400, "confidence": 0.95}
    interval = bootstrap_improvement(better, data, generator=np.random.default_rng(1), **draw)
    of_data = bootstrap_pearson(data, generator=np.random.default_rng(1), **draw)
    rhos = [pearson(pair.targets, pair.predictions) for pair in (better, data)]
    assert interval.low < rhos[0] - rhos[1] < interval.high
    assert interval.low > 0
    assert interval.high - interval.low < 0.3 * (of_data.high - of_data.low)
    opposite = bootstrap_improvement(data, better, generator=np.random.default_rng(1), **draw)
    np.testing.assert_allclose([-opposite.high, -opposite.low], interval)
    assert bootstrap_improvement(data, data, generator=generator, **draw) == (0.0, 0.0)


@pytest.mark.parametrize("column", ["targets", "predictions"])
def test_values_that_are_not_numbers_are_refused(generator, column):
    data = comparison(generator)
    getattr(data, column)[3] = np.nan
    with pytest.raises(ValueError, match=r"must be a finite number: got 1 of 3000"):
        score(data, generator=generator, **SETTINGS)


def test_the_truth_is_perfectly_calibrated(generator):
    targets = generator.gamma(2.0, size=4000)
    perfect = measure_calibration(targets, targets, bins=20)
    assert perfect.slope == pytest.approx(1.0)
    assert perfect.spread == pytest.approx(1.0)
    assert perfect.bias == perfect.distance == 0.0
    assert perfect.error == pytest.approx(0.0, abs=1e-12)


def test_the_conditional_mean_is_calibrated_though_its_pdf_is_too_narrow(generator):
    predictions = generator.normal(size=40000)
    targets = predictions + 2.0 * generator.normal(size=40000)
    numbers = measure_calibration(targets, predictions, bins=20)
    assert numbers.slope == pytest.approx(1.0, abs=0.05)
    assert numbers.spread == pytest.approx(1 / math.sqrt(5), abs=0.01)
    assert numbers.error < 0.03
    assert numbers.distance > 0.3
    doubled = measure_calibration(targets, 2 * predictions, bins=20)
    assert doubled.slope == pytest.approx(0.5, abs=0.03)
    assert doubled.error > 0.3


def test_a_constant_prediction_has_no_slope_and_no_spread(generator):
    targets = generator.normal(size=1000)
    numbers = measure_calibration(targets, np.zeros(1000), bins=20)
    assert numbers.slope == numbers.spread == 0.0
    assert all(math.isfinite(value) for value in numbers)


def test_reliability_keeps_the_means_of_all_particles(generator):
    data = comparison(generator)
    table = measure_reliability(data.targets, data.predictions, bins=10)
    assert np.mean(table.predictions) == pytest.approx(data.predictions.mean())
    assert np.mean(table.targets) == pytest.approx(data.targets.mean())
    assert (np.diff(table.predictions) > 0).all()


def test_densities_resolve_a_narrow_pdf_as_well_as_a_wide_one(generator):
    values = generator.normal(size=500)
    edges, densities = estimate_density(values, most=60)
    assert densities @ np.diff(edges) == pytest.approx(1.0)
    assert (edges[0], edges[-1]) == (values.min(), values.max())
    assert len(estimate_density(generator.normal(size=4000), most=60)[1]) > len(densities)
    narrow_edges, narrow = estimate_density(0.01 * values, most=60)
    np.testing.assert_allclose(narrow_edges, 0.01 * edges)
    np.testing.assert_allclose(narrow, 100 * densities)


@pytest.mark.parametrize("values", [np.zeros(10), np.array([1.0]), np.array([0.3] * 9 + [0.3 + 1e-16, 5.0])])
def test_densities_of_values_alike_are_finite(values):
    edges, densities = estimate_density(values, most=60)
    assert len(densities) <= 60
    assert densities @ np.diff(edges) == pytest.approx(1.0)
