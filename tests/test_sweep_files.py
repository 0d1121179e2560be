"""Declared sweeps: what their files may say, the points they mean, and changes from the command line."""

from collections import Counter
from itertools import chain
from math import prod

import pytest

from glassdyn import params
from glassdyn.experiments.points import as_override, make_points, require_valid, select_points
from glassdyn.experiments.sweep_file import change_sweep, load_sweep, sweep_names
from glassdyn.parameter_files import ParamsError
from short_pipeline import PARAMS, default_params

SWEEPS = PARAMS.parent / "sweeps"
SHIPPED = ["alpha", "architecture", "coarse-graining", "features", "learning-curve", "models", "wavelets"]

SMALL = """\
title: a small sweep
thesis: nowhere
set:
  graph.nodes: full
grid:
  model.hidden: [[8, 8], [16]]
  model.n_rec: [0, 2]
seeds: [1, 2]
figure:
  x: model.n_rec
  x_label: blocks
  lines: model.hidden
"""


def read(folder, text):
    (folder / "small.yaml").write_text(text)
    return load_sweep("small", folder)


def test_shipped_sweeps_are_those_of_the_thesis_and_all_their_points_are_valid():
    assert sweep_names(SWEEPS) == SHIPPED
    for name in SHIPPED:
        points = make_points(name, load_sweep(name, SWEEPS), PARAMS)
        assert len({point.name for point in points}) == len(points)
        assert len({tuple(point.overrides) for point in points}) == len(points)
        require_valid(points, PARAMS)


def test_points_are_all_combinations_under_readable_names(tmp_path):
    points = make_points("small", read(tmp_path, SMALL), PARAMS)
    assert [point.name for point in points] == [
        f"small-{widths}-n{blocks}-s{seed}"
        for widths in ("8x8", "16")
        for blocks in (0, 2)
        for seed in (1, 2)
    ]
    assert points[-1].overrides == [
        "graph.nodes=full",
        "model.hidden=[16]",
        "model.n_rec=2",
        "train.seed=2",
        "evaluate.folds=1",
    ]
    for point in points:
        model = params.load(PARAMS, point.overrides).model
        assert [list(model.hidden), model.n_rec] == [
            point.changes["model.hidden"],
            point.changes["model.n_rec"],
        ]


def test_values_are_written_as_dvc_reads_them():
    assert as_override("a.b", [1, 2]) == "a.b=[1,2]"
    assert as_override("a.b", True) == "a.b=true"
    assert as_override("a.b", ["p_hop", "cwt_5"]) == "a.b=[p_hop,cwt_5]"
    assert as_override("a.b", 1e-5) == "a.b=1e-05"


def test_folds_apart_test_every_copy_once_with_every_seed(tmp_path):
    sweep = change_sweep(
        read(tmp_path, SMALL), ["folds=5", "rotate=apart", "model.hidden=[8,8]", "model.n_rec=0"]
    )
    points = make_points("small", sweep, PARAMS)
    tested = Counter(copy for point in points for copy in point.changes["split.test"])
    assert {point.changes["evaluate.folds"] for point in points} == {1}
    assert tested == dict.fromkeys(range(default_params().simulation.copies), 2)
    for point in points:
        parts = [point.changes[f"split.{part}"] for part in ("train", "validation", "test")]
        assert sorted(chain.from_iterable(parts)) == list(range(5))
        assert point.repeat == (int(point.name.split("-f")[1][0]), point.changes["train.seed"])


def test_folds_inside_are_a_parameter_of_each_experiment(tmp_path):
    points = make_points("small", change_sweep(read(tmp_path, SMALL), ["folds=5"]), PARAMS)
    assert all(point.changes["evaluate.folds"] == 5 for point in points)


def test_a_case_may_make_its_folds_elsewhere_than_the_sweep():
    points = make_points("features", load_sweep("features", SWEEPS), PARAMS)
    for point in points:
        fitted = str(point.axes["case"]).startswith("PCA")
        assert point.changes["evaluate.folds"] == (1 if fitted else 5)
        assert ("split.test" in point.changes) == fitted
    assert Counter(point.axes["case"] for point in points) == {
        "type": 2, "PCA 10": 10, "PCA 30": 10, "PCA 100": 10, "full": 2, "local": 2,
    }  # fmt: skip


def test_cases_of_equal_label_are_repeats():
    points = make_points("learning-curve", load_sweep("learning-curve", SWEEPS), PARAMS)
    assert [point.name for point in points[:2]] == ["learning-curve-1-r1-s1", "learning-curve-1-r2-s1"]
    for label in (1, 2, 3):
        repeats = [point for point in points if point.axes["case"] == label]
        assert sorted(copy for point in repeats for copy in point.changes["split.test"]) == list(range(5))
        assert {len(point.changes["split.train"]) for point in repeats} == {label}
        assert sorted(point.repeat[0] for point in repeats) == list(range(5))


def test_changes_replace_values_of_the_grid_and_set_others(tmp_path):
    sweep = change_sweep(
        read(tmp_path, SMALL), ["model.n_rec=0,1,2", "model.hidden=[8,8],[4]", "train.lr=0.01", "seeds=3"]
    )
    assert sweep.grid == {"model.hidden": [[8, 8], [4]], "model.n_rec": [0, 1, 2]}
    assert sweep.set == {"graph.nodes": "full", "train.lr": 0.01}
    assert sweep.seeds == (3,)
    assert len(make_points("small", sweep, PARAMS)) == prod(map(len, sweep.grid.values()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("train.lr=0.1,0.2", "several values belong to a parameter of the grid, model.hidden, model.n_rec"),
        ("model.n_rec", "a change of a sweep is KEY=VALUES"),
        ("folds=0", "greater than 0"),
        ("train.seed=3", "repeats are stated as seeds and folds"),
    ],
)
def test_changes_that_make_no_sense_are_refused(tmp_path, change, message):
    with pytest.raises(ParamsError, match=message):
        change_sweep(read(tmp_path, SMALL), [change])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "x: model.n_rec",
            "x: model.heads",
            "an axis of the figure is a parameter of the grid, case or target",
        ),
        ("title: a small sweep", "titel: a small sweep", "titel"),
        ("seeds: [1, 2]", "seeds: [1, 1]", "distinct"),
        ("n_rec: [0, 2]", "n_rec: []", "at least 1 item"),
    ],
)
def test_files_that_make_no_sense_are_refused(tmp_path, old, new, message):
    with pytest.raises(ParamsError, match=message):
        read(tmp_path, SMALL.replace(old, new))


def test_a_missing_sweep_is_refused_with_those_there_are(tmp_path):
    read(tmp_path, SMALL)
    with pytest.raises(ParamsError, match="got 'large'; there are small"):
        load_sweep("large", tmp_path)


def test_points_whose_parameters_break_a_rule_are_named_before_anything_is_queued(tmp_path):
    points = make_points("small", change_sweep(read(tmp_path, SMALL), ["model.n_rec=-1,0"]), PARAMS)
    with pytest.raises(ParamsError, match=r"(?s)small-8x8-n-1-s1, .*model\.n_rec.*--only"):
        require_valid(points, PARAMS)
    require_valid(select_points(points, ["*-n0-*"]), PARAMS)


def test_patterns_select_points(tmp_path):
    points = make_points("small", read(tmp_path, SMALL), PARAMS)
    assert select_points(points, []) == points
    assert [point.name for point in select_points(points, ["*8x8*s1", "*16-n0-s2"])] == [
        "small-8x8-n0-s1",
        "small-8x8-n2-s1",
        "small-16-n0-s2",
    ]
    with pytest.raises(ParamsError, match="small-8x8-n0-s1"):
        select_points(points, ["nothing"])
