"""Laws of the scores: what correlations, their errors and calibration must and must not change with."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from glassdyn.correlation import pearson, spearman
from glassdyn.evaluation.bootstrap import (
    Comparison,
    bootstrap_difference,
    bootstrap_pearson,
    draw_units,
)
from glassdyn.evaluation.calibration import estimate_density, measure_calibration, measure_reliability
from glassdyn.evaluation.scores import (
    area_under_roc,
    assign_blocks,
    assign_subsets,
    pearson_by_copy,
    score,
)
from glassdyn.evaluation.units import choose_units, jackknife_error, standard_error, subtract_means


def scores_of(data, generator, threshold=None):
    blocks = draw_units(data.blocks, 400, generator)
    return score(data, threshold, blocks, parts=4, confidence=0.95, generator=generator)


def interval_of(data, generator, units=None, resamples=800):
    return bootstrap_pearson(
        data, draw_units(data.blocks if units is None else units, resamples, generator), 0.95
    )


@pytest.fixture
def generator():
    return np.random.default_rng(7)


def comparison(generator, *, samples=2, particles=1500, rho=0.4):
    """Samples, each of a copy of its own, in a fold."""
    targets = generator.normal(size=samples * particles)
    noise = generator.normal(size=samples * particles)
    predictions = rho * targets + math.sqrt(1 - rho**2) * noise
    owners = np.repeat(np.arange(samples), particles)
    positions = generator.random((samples * particles, 3)) * 12.0
    blocks = assign_blocks(positions, 12.0, 3.0) + 64 * owners
    return Comparison(targets, predictions, np.zeros_like(owners), owners, owners, blocks)


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
    scores = scores_of(flat, generator, threshold=0.0)
    assert all(math.isfinite(value) for value in scores)
    assert scores.auc == 0.5
    assert scores.pearson == scores.pearson_low == scores.pearson_high == 0.0


def test_relabelling_particles_changes_no_score(generator):
    data = comparison(generator, samples=5)
    order = generator.permutation(len(data.targets))
    shuffled = Comparison(*(column[order] for column in data))
    scores = scores_of(data, np.random.default_rng(1), threshold=1.0)
    of_shuffled = scores_of(shuffled, np.random.default_rng(1), threshold=1.0)
    np.testing.assert_allclose(scores, of_shuffled, rtol=1e-9)


def test_the_same_seed_gives_the_same_scores_to_the_last_bit(generator):
    data = comparison(generator)
    assert scores_of(data, np.random.default_rng(1)) == scores_of(data, np.random.default_rng(1))


def test_scores_per_snapshot_are_those_of_each_snapshot_alone(generator):
    data = comparison(generator, samples=3)
    of_data = [
        pearson(data.targets[data.samples == s], data.predictions[data.samples == s]) for s in range(3)
    ]
    scores = scores_of(data, generator)
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
    interval = interval_of(data, generator, np.arange(len(data.targets)))
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
    data = Comparison(targets, predictions, owners, owners, owners, owners)
    widths = []
    for units in (np.repeat(np.arange(100), 20), np.arange(2000)):
        interval = interval_of(data, generator, units)
        widths.append(interval.high - interval.low)
    assert widths[0] / widths[1] == pytest.approx(math.sqrt(20), rel=0.2)


@pytest.mark.parametrize("copies", [4, 5, 16])
def test_an_interval_over_few_copies_holds_the_truth_as_often_as_over_many(generator, copies):
    """Slopes of each copy about 0.4: 150 intervals of 95 % hold a difference of 0.1, to four errors of 1.8 %."""
    hits, owners = 0, np.repeat(np.arange(copies), 100)
    for _ in range(150):
        targets = generator.normal(size=len(owners))
        slopes = 0.4 + 0.15 * generator.normal(size=copies)[owners]
        first = slopes * targets + np.sqrt(1 - 0.4**2 - 0.15**2) * generator.normal(size=len(owners))
        second = 0.3 * targets + np.sqrt(1 - 0.3**2) * generator.normal(size=len(owners))
        ours, theirs = (
            Comparison(targets, column, 0 * owners, owners, owners, owners) for column in (first, second)
        )
        low, high = bootstrap_difference(ours, theirs, draw_units(owners, 300, generator), 0.95)
        hits += low < 0.1 < high
    assert hits >= 0.88 * 150


def test_units_are_drawn_one_fewer_than_there_are(generator):
    counts = draw_units(np.array([7, 7, 2, 9, 9, 4]), 400, generator).counts
    assert counts.shape == (400, 4)
    assert (counts.sum(axis=1) == 3).all()


def test_one_block_bounds_nothing(generator):
    with pytest.raises(ValueError, match=r"at least 2: got 1 .*evaluate\.block_length"):
        draw_units(np.zeros(50, dtype=np.int64), 400, generator)


def test_a_difference_is_known_better_than_its_two_terms(generator):
    data = comparison(generator)
    better = data._replace(predictions=data.predictions + 0.1 * data.targets)
    draws = draw_units(data.blocks, 400, generator)
    interval = bootstrap_difference(better, data, draws, 0.95)
    of_data = bootstrap_pearson(data, draws, 0.95)
    rhos = [pearson(pair.targets, pair.predictions) for pair in (better, data)]
    assert interval.low < rhos[0] - rhos[1] < interval.high
    assert interval.low > 0
    assert interval.high - interval.low < 0.3 * (of_data.high - of_data.low)
    opposite = bootstrap_difference(data, better, draws, 0.95)
    np.testing.assert_allclose([-opposite.high, -opposite.low], interval)
    assert bootstrap_difference(data, data, draws, 0.95) == (0.0, 0.0)


def test_a_planted_difference_lies_in_its_interval_as_often_as_stated(generator):
    """rho = 0.5 and 0.4 with independent errors: 0.1 lies in 95 % of 100 intervals, to three errors of 2.2 %."""
    hits = 0
    for _ in range(100):
        first, second = (comparison(generator, samples=1, particles=600, rho=rho) for rho in (0.5, 0.4))
        noise = second.predictions - 0.4 * second.targets
        second = first._replace(predictions=0.4 * first.targets + noise)
        draws = draw_units(np.arange(600), 300, generator)
        low, high = bootstrap_difference(first, second, draws, 0.95)
        hits += low < 0.1 < high
    assert hits >= 88


@pytest.mark.parametrize(
    ("copies", "samples", "name"), [(5, 10, "copies"), (4, 4, "copies"), (3, 6, "samples"), (1, 3, "blocks")]
)
def test_units_are_the_largest_parts_that_are_enough(copies, samples, name):
    of_samples = np.repeat(np.arange(samples), 20)
    of_copies, blocks = of_samples % copies, np.arange(20 * samples) // 2
    units = choose_units(of_copies, of_samples, blocks)
    assert units.name == name
    members = {"copies": of_copies, "samples": of_samples, "blocks": blocks}[name]
    np.testing.assert_array_equal(units.members, members)


def test_the_jackknife_of_a_mean_is_its_standard_error(generator):
    values = generator.normal(size=7)
    without = np.array([np.delete(values, i).mean() for i in range(7)])
    assert jackknife_error(without) == pytest.approx(standard_error(values), rel=1e-12)
    assert standard_error(values) == pytest.approx(stats.sem(values), rel=1e-12)
    assert standard_error(values[:1]) is None


def test_means_over_copies_have_the_error_of_copies(generator):
    data = comparison(generator, samples=6)
    data = data._replace(copies=data.samples // 2)  # three copies of two samples
    scores = scores_of(data, generator)
    of_copies = [pearson(*(column[data.copies == c] for column in data[:2])) for c in range(3)]
    of_samples = [pearson(*(column[data.samples == s] for column in data[:2])) for s in range(6)]
    assert list(pearson_by_copy(data).values()) == pytest.approx(of_copies)
    assert scores.pearson_copy_mean == pytest.approx(np.mean(of_copies))
    assert scores.pearson_copy_error == pytest.approx(stats.sem(of_copies))
    assert scores.pearson_sample_mean == pytest.approx(np.mean(of_samples))
    assert scores.pearson_sample_error == pytest.approx(
        stats.sem(np.reshape(of_samples, (3, 2)).mean(axis=1))
    )
    alone = scores_of(data._replace(copies=np.zeros_like(data.copies)), generator)
    assert alone.pearson_copy_mean == pytest.approx(alone.pearson)
    assert alone.pearson_copy_error is alone.pearson_sample_error is None


def test_what_a_fold_predicts_on_the_average_changes_no_correlation(generator):
    data = comparison(generator, samples=4)
    data = data._replace(folds=data.samples // 2)
    shifted = data._replace(predictions=data.predictions - 3.0 * data.folds)
    names = ("pearson", "pearson_low", "pearson_high", "pearson_copy_mean", "auc", "spearman")
    for name in names:
        scores, of_shifted = (
            scores_of(each, np.random.default_rng(1), threshold=0.5) for each in (data, shifted)
        )
        assert getattr(scores, name) == pytest.approx(getattr(of_shifted, name), rel=1e-9)
    assert pearson(shifted.targets, shifted.predictions) < 0.6 * scores.pearson


def test_models_that_know_nothing_do_not_correlate_in_folds(generator):
    """Each fold's constant is the mean of all other copies, which is low where the fold's own is high."""
    folds = np.repeat(np.arange(5), 200)
    targets = generator.normal(size=1000) + 0.5 * generator.normal(size=5)[folds]
    constants = np.array([targets[folds != fold].mean() for fold in range(5)])[folds]
    assert pearson(targets, constants) < -0.2
    assert pearson(subtract_means(targets, folds), subtract_means(constants, folds)) == 0.0
    np.testing.assert_array_equal(subtract_means(targets, np.zeros_like(folds)), targets)


def test_auc_is_the_fraction_of_pairs_in_order(generator):
    events = generator.random(60) < 0.3
    predictions = np.round(events + generator.normal(size=60), 1)  # with ties
    pairs = [(a > b) + 0.5 * (a == b) for a in predictions[events] for b in predictions[~events]]
    auc = area_under_roc(events, predictions)
    assert auc == pytest.approx(np.mean(pairs), rel=1e-12)
    assert auc == pytest.approx(roc_auc_score(events, predictions), rel=1e-12)
    assert area_under_roc(events, np.exp(3 * predictions)) == pytest.approx(auc, rel=1e-12)
    assert area_under_roc(events, -predictions) == pytest.approx(1 - auc, rel=1e-12)


def test_auc_of_shifted_normal_classes_is_that_of_theory(generator):
    """Phi(d / sqrt(2)) for classes d standard deviations apart; 0.01 is three sampling errors."""
    events = np.arange(20000) % 4 == 0
    predictions = generator.normal(size=20000) + 0.8 * events
    assert area_under_roc(events, predictions) == pytest.approx(stats.norm.cdf(0.8 / math.sqrt(2)), abs=0.01)


@pytest.mark.parametrize("events", [np.zeros(9, bool), np.ones(9, bool)])
def test_without_events_or_without_others_there_is_no_auc(events):
    assert area_under_roc(events, np.arange(9.0)) is None


@pytest.mark.parametrize("column", ["targets", "predictions"])
def test_values_that_are_not_numbers_are_refused(generator, column):
    data = comparison(generator)
    getattr(data, column)[3] = np.nan
    with pytest.raises(ValueError, match=r"must be a finite number: got 1 of 3000"):
        scores_of(data, generator)


def test_the_truth_is_perfectly_calibrated(generator):
    targets = generator.gamma(2.0, size=4000)
    perfect = measure_calibration(targets, targets, bins=20)
    assert perfect.slope == pytest.approx(1.0)
    assert perfect.spread == pytest.approx(1.0)
    assert perfect.bias == perfect.distance == 0.0
    assert perfect.calibration_error == pytest.approx(0.0, abs=1e-12)


def test_the_conditional_mean_is_calibrated_though_its_pdf_is_too_narrow(generator):
    predictions = generator.normal(size=40000)
    targets = predictions + 2.0 * generator.normal(size=40000)
    numbers = measure_calibration(targets, predictions, bins=20)
    assert numbers.slope == pytest.approx(1.0, abs=0.05)
    assert numbers.spread == pytest.approx(1 / math.sqrt(5), abs=0.01)
    assert numbers.calibration_error < 0.03
    assert numbers.distance > 0.3
    doubled = measure_calibration(targets, 2 * predictions, bins=20)
    assert doubled.slope == pytest.approx(0.5, abs=0.03)
    assert doubled.calibration_error > 0.3


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
