"""Sweeps as tables: means, errors over copies, selection by validation, and figures, from planted results."""

import io

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from scipy.stats import ttest_rel

from glassdyn.experiments.collect import group_results, name_value, tabulate_groups
from glassdyn.experiments.figure import draw_sweep
from glassdyn.experiments.points import Point
from glassdyn.experiments.report import lay_out_table
from glassdyn.experiments.results import Result
from glassdyn.experiments.selection import compare_by_copies, describe_selection, select_by_validation
from glassdyn.experiments.sweep_file import Figure, Reference, Sweep
from glassdyn.figures import style

COPIES = 5
SEEDS = (1, 2)
SWEEP = Sweep(
    title="planted",
    thesis="none",
    figure=Figure(x="model.n_rec", x_label="blocks", lines="model.hidden", y=("pearson", "spread")),
    grid={"model.hidden": [[8, 8], [16, 16]], "model.n_rec": [0, 1]},
    seeds=SEEDS,
    reference=(Reference(x=1, line=[16, 16], y=0.35, error=0.01),),
)


def plant_result(rhos, validation, ceiling=0.5, target="p_hop", selected_on="validation"):
    copies = {f"copies.copy{k:02}": float(rho) for k, rho in enumerate(rhos)}
    numbers = {
        "pearson": float(np.mean(rhos)),
        "pearson_subset_std": 0.02,
        "spread": 0.3,
        **copies,
    }
    return Result(
        {"ceiling": ceiling, "ceiling_error": 0.01}, {target: numbers}, {target: validation}, selected_on
    )


def plant(selected_on="validation"):
    """Points, their results, and rho of each as an array (widths, blocks, seeds, copies)."""
    rhos = np.random.default_rng(1).normal(0.2, 0.03, size=(2, 2, len(SEEDS), COPIES))
    rhos[1, 1] += 0.1
    points, results = [], {}
    for i, widths in enumerate([[8, 8], [16, 16]]):
        for j, blocks in enumerate([0, 1]):
            for k, seed in enumerate(SEEDS):
                point = Point(f"{i}{j}{k}", {"model.hidden": widths, "model.n_rec": blocks}, (0, seed), {})
                points.append(point)
                # validation prefers another point than the test copies do
                results[point.name] = plant_result(
                    rhos[i, j, k], validation=0.5 - 0.1 * (i + j), selected_on=selected_on
                )
    return points, results, rhos


def test_means_and_errors_are_those_over_copies_of_the_mean_over_seeds():
    points, results, rhos = plant()
    table = tabulate_groups(group_results(points, results, SWEEP.figure), SWEEP)
    of_copies = rhos.mean(axis=2).reshape(4, COPIES)
    assert table["pearson"].to_list() == pytest.approx(of_copies.mean(axis=1))
    assert table["error"].to_list() == pytest.approx(of_copies.std(axis=1, ddof=1) / np.sqrt(COPIES))
    assert set(table["error_over"]) == {"5 copies"}
    spread = rhos.mean(axis=3).std(axis=2, ddof=1).ravel()
    assert table["seed_spread"].to_list() == pytest.approx(spread)
    assert table["thesis"].to_list() == [None, None, None, 0.35]
    assert table["line"].to_list() == ["(8, 8)", "(8, 8)", "(16, 16)", "(16, 16)"]


def show(rows, width):
    file = io.StringIO()
    Console(width=width, file=file).print(lay_out_table(SWEEP, rows))
    return file.getvalue()


def test_a_terminal_of_80_columns_shows_every_number_with_its_error():
    points, results, _ = plant()
    rows = tabulate_groups(group_results(points, results, SWEEP.figure), SWEEP).to_dicts()
    text = show(rows, 80)
    assert all(f"{row['pearson']:.3f} ± {row['error']:.3f}" in text for row in rows)
    assert text.count("0.500 ± 0.010") == text.count("p_hop") == 1  # what rows share stands above them


def test_what_differs_between_rows_stands_in_them():
    points, results, _ = plant()
    rows = tabulate_groups(group_results(points, results, SWEEP.figure), SWEEP).to_dicts()
    rows[0]["ceiling"] = 0.6
    text = show(rows, 120)
    assert (text.count("0.600 ± 0.010"), text.count("0.500 ± 0.010")) == (1, 3)


def test_a_missing_point_is_left_out_and_the_order_of_experiments_does_not_matter():
    points, results, _ = plant()
    groups = group_results(points, results, SWEEP.figure)
    reordered = group_results(points, dict(reversed(results.items())), SWEEP.figure)
    assert tabulate_groups(groups, SWEEP).equals(tabulate_groups(reordered, SWEEP))
    rest = {name: result for name, result in results.items() if not name.startswith("01")}
    assert len(group_results(points, rest, SWEEP.figure)) == 3


def test_one_test_copy_has_the_error_of_the_experiment():
    point = Point("a", {"model.hidden": [8, 8], "model.n_rec": 0}, (0, 1), {})
    (group,) = group_results([point], {"a": plant_result([0.3], 0.2)}, SWEEP.figure)
    assert group.error == (0.02, "subsets")
    assert group.seed_spread is None


def test_test_copies_have_no_say_in_the_selection():
    points, results, _ = plant()
    (selection,) = select_by_validation(group_results(points, results, SWEEP.figure))
    assert (selection.best.line, selection.best.x) == ([8, 8], 0)
    swapped = {name: plant_result([0.9] * COPIES, results[name].validation["p_hop"]) for name in results}
    (again,) = select_by_validation(group_results(points, swapped, SWEEP.figure))
    assert (again.best.line, again.best.x) == ([8, 8], 0)
    value = f"{selection.best.mean('pearson'):.3f}"
    assert describe_selection(selection).count(value) == 1


def test_models_selected_on_the_test_copies_are_not_compared():
    points, results, _ = plant(selected_on="test")
    assert not select_by_validation(group_results(points, results, SWEEP.figure))


def test_labels_are_not_compared_with_each_other():
    points, results, _ = plant()
    targets = {name: f"label{name[:2]}" for name in results}
    own = {name: plant_result([0.1, 0.2], 0.1, target=targets[name]) for name in results}
    assert not select_by_validation(group_results(points, own, SWEEP.figure))


def test_the_paired_test_is_student_s_on_the_means_over_seeds():
    points, results, rhos = plant()
    first, *_, last = group_results(points, results, SWEEP.figure)
    test = compare_by_copies(last, first)
    ours, theirs = rhos[1, 1].mean(axis=0), rhos[0, 0].mean(axis=0)
    assert test.difference == pytest.approx((ours - theirs).mean())
    assert test.p_value == pytest.approx(ttest_rel(ours, theirs).pvalue)
    assert test.copies == COPIES
    assert compare_by_copies(first, last).difference == pytest.approx(-test.difference)
    # what is common to both points, such as an easy copy, cancels
    assert compare_by_copies(first, first).error == 0.0


def test_labels_as_an_axis_have_a_row_each():
    figure = Figure(x="target", x_label="label", lines="case")
    numbers = {"pearson": 0.1, "pearson_subset_std": 0.01}
    both = Result({}, {"cwt_4": numbers, "cwt_8": numbers}, {}, "validation")
    alone = Result({}, {"cwt_8": numbers}, {}, "validation")
    points = [Point(name, {"case": name}, (0, 1), {}) for name in ("alone", "at once")]
    groups = group_results(points, {"alone": alone, "at once": both}, figure)
    assert [(group.x, group.line) for group in groups] == [
        ("cwt_8", "alone"),
        ("cwt_4", "at once"),
        ("cwt_8", "at once"),
    ]


def test_names_of_values():
    assert [name_value(value) for value in ([8, 8], ["p_hop"], 3, "full")] == ["(8, 8)", "p_hop", "3", "full"]


def test_figures_repeat_to_the_byte(tmp_path):
    points, results, _ = plant()
    table = tabulate_groups(group_results(points, results, SWEEP.figure), SWEEP)
    edges = np.linspace(0, 1, 11)
    density = pl.DataFrame({"low": edges[:-1], "high": edges[1:], "density": np.exp(-edges[1:])})
    densities = pl.concat(density.with_columns(source=pl.lit(source)) for source in ("true", "0.5"))
    for name in ("a", "b"):
        style.save(draw_sweep(table, densities, SWEEP.figure), tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("scale", ["linear", "log", "categories"])
def test_axes_of_every_scale_are_drawn(tmp_path, scale):
    point = [Point(str(x), {"case": x}, (0, 1), {}) for x in (1, 2, 4)]
    results = {str(x): plant_result([0.1 * x, 0.2], 0.1) for x in (1, 2, 4)}
    figure = Figure(x="case", x_label="copies", scale=scale)
    sweep = Sweep(title="t", thesis="t", figure=figure, grid={"model.n_rec": [1]})
    table = tabulate_groups(group_results(point, results, figure), sweep)
    style.save(draw_sweep(table, pl.DataFrame(), figure), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 5000
