"""Explanations find what was planted: a pair sum, a formula, the feature that matters; and the command writes them."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from glassdyn.cli import main
from glassdyn.correlation import pearson
from glassdyn.errors import GlassdynError
from glassdyn.explanation.distillation import score_distillates
from glassdyn.explanation.examples import load_sample, make_part
from glassdyn.explanation.explain import Parts, Settings
from glassdyn.explanation.explain import explain as explain_model
from glassdyn.explanation.explained_model import Network, permute_within
from glassdyn.explanation.formulas import (
    Formula,
    FormulaSearch,
    search_formulas,
    select_shortest,
    select_variables,
)
from glassdyn.explanation.hidden_units import correlate, hidden_units, inner_network
from glassdyn.explanation.importance import EDGES, ScoredSample, permutation_importance, permute_groups
from glassdyn.explanation.pair_table import explain_by_pairs
from glassdyn.explanation.quantities import write_quantities
from glassdyn.explanation.write import read_ceiling
from glassdyn.jobs import JobContext
from glassdyn.learning import model_file
from glassdyn.learning.labelled_graphs import load_labels
from liquids import DISTANCES, NETWORK, write_tables
from planted_pairs import NAMES, pair_function, train, write_pair_tables

GRID = 4000


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A network that has learnt a sum over pairs, and its samples by part."""
    folder = tmp_path_factory.mktemp("pairs")
    folders = write_pair_tables(folder)
    model = replace(NETWORK, n_rec=1, hidden=(24, 24))
    graph = replace(DISTANCES, nodes="type")
    settings = {"max_steps": 800, "patience": 1000, "record_every": 50, "lr": 0.01, "schedule": "cosine"}
    trained = train(folders, folder / "training", graph=graph, model=model, **settings)
    for name in NAMES:
        write_quantities(
            JobContext(
                {"names": ["coarse density", "neighbours B"]},
                [folders.features / f"{name}.parquet"],
                folder / f"quantities/{name}.parquet",
                folder,
            )
        )
    return Network(trained, "p_hop"), folders, folder


def load_parts(planted, copies=((0, 1, 2), (3,), (4,))):
    model, folders, folder = planted
    return [
        [load_sample(name, model, folders, folder / "quantities") for name in NAMES if int(name[4:6]) in part]
        for part in copies
    ]


@pytest.mark.slow
def test_a_network_of_a_pair_sum_gives_its_functions_back(planted):
    parts = load_parts(planted)
    pairs = explain_by_pairs(*parts)
    for neighbour, name in enumerate(("AA", "AB")):
        rows = pairs.table.filter((pl.col("pair") == name) & (pl.col("distance") < 1.5))
        planted_function = pair_function(rows["distance"].to_numpy(), neighbour)
        weights = rows["g"].to_numpy() * rows["distance"].to_numpy() ** 2  # how many pairs are there
        error = weights @ (rows["value"].to_numpy() - planted_function) ** 2
        assert error < 0.05**2 * (weights @ planted_function**2)
    table = score_distillates([pairs.distillate], make_part(parts[0]), make_part(parts[2]))
    assert table["r2"].to_list() == pytest.approx([1, 1], abs=0.01)
    assert table["pearson"][1] > 0.99


@pytest.mark.slow
def test_a_network_that_reads_distances_alone_needs_nothing_else(planted):
    test = [sample.scored for sample in load_parts(planted)[2]]
    table = permutation_importance(planted[0], test, {}, repeats=2, seed=1)
    assert table["group"].to_list() == [EDGES]
    assert table["drop"][0] > 0.5


@pytest.mark.slow
def test_hidden_units_are_what_the_decoder_reads(planted):
    sample = load_parts(planted)[2][0].scored
    units = np.column_stack(list(hidden_units(planted[0], sample.inputs.graph).values()))
    trained = planted[0].trained
    with torch.inference_mode():
        decoded = inner_network(trained.networks[0]).decode(torch.from_numpy(units).float())
    predicted = trained.normalisation.targets.undo(decoded).double().numpy()[:, 0]
    assert predicted == pytest.approx(sample.prediction, abs=1e-5)


def test_the_search_finds_a_planted_formula_of_two_terms():
    generator = np.random.default_rng(1)
    train_rows, validation, test = (generator.normal(size=(rows, 5)) for rows in (1000, 300, 300))

    def planted_formula(variables):
        return 3.0 + 2 * variables[:, 0] * variables[:, 1] - 0.7 * variables[:, 3]

    names = ["energy of A", "force", "q6", "share of B", "density"]
    search = FormulaSearch(population=200, evaluations=40_000, length=12)
    formulas = search_formulas(names, train_rows, planted_formula(train_rows), [validation, test], search)
    best = formulas[select_shortest(formulas, 1, planted_formula(validation))]
    errors = best.predictions[2] - planted_formula(test)
    # means and deviations of the training rows standardise: the two terms alone miss what these leave
    assert np.mean(errors**2) < 0.01 * planted_formula(test).var()
    assert "z(share of B)" in best.text
    assert "z(energy of A)*z(force)" in best.text
    assert "q6" not in best.text


def test_a_formula_that_is_not_finite_somewhere_is_passed_over():
    targets = np.arange(3.0)
    short, long = (targets, targets, np.array([0.0, np.inf, 2.0])), (targets, targets + 0.01, targets)
    assert select_shortest([Formula(1, "1 / x", short), Formula(5, "x", long)], 1, targets) == 1


def test_variables_are_selected_by_what_they_add():
    generator = np.random.default_rng(2)
    columns = generator.normal(size=(GRID, 6))
    columns[:, 4] = 1.0
    columns[:, 5] = columns[:, 0] + 0.01 * generator.normal(size=GRID)
    targets = columns[:, 0] + 0.3 * columns[:, 2]
    assert set(select_variables(columns, targets, 2)) == {0, 2}


@pytest.fixture(scope="module", params=["ridge", "boosting"])
def slope(request, tmp_path_factory):
    """A regression on tables whose label follows the first descriptor, and nothing else."""
    folder = tmp_path_factory.mktemp(request.param)
    folders = write_tables(folder, particles=200)
    names = [f"copy{copy:02}-sample00" for copy in range(5)]
    model = replace(NETWORK, kind=request.param)
    trained = train(folders, folder, model=model, names=names, max_steps=100, patience=20)
    return Network(trained, "p_hop"), folders, folder


def score(model, folders, name):
    inputs = model.load(name, folders)
    return ScoredSample(
        name, inputs, model.predict(inputs), load_labels(name, folders, ["p_hop"])["p_hop"].to_numpy()
    )


def test_the_only_feature_that_matters_is_all_and_others_are_nothing(slope):
    model, folders, _ = slope
    samples = [score(model, folders, f"copy{copy:02}-sample00") for copy in (2, 3, 4)]
    groups = {feature.name: [k] for k, feature in enumerate(model.features) if feature.name != "type"}
    table = permutation_importance(model, samples, groups, repeats=5, seed=1)
    first, *others = table.to_dicts()
    assert first["group"] == "G_A(0.7-2.7)"
    assert first["drop"] == pytest.approx(
        first["pearson"], abs=0.1
    )  # 800 pairs of a permutation: 1 / sqrt(800)
    assert first["alone"] == pytest.approx(first["pearson"], abs=0.02)
    assert first["total_effect"] == pytest.approx(1, abs=0.1)
    for row in others:
        assert abs(row["drop"]) < max(3 * row["drop_error"], 0.01)
        assert abs(row["alone"]) < 0.1


def test_permutations_keep_species_and_the_rows_of_a_group(slope):
    model, folders, _ = slope
    inputs = model.load("copy00-sample00", folders)
    changed = permute_groups(inputs, {"first": [1, 2], "second": [3]}, {"first"}, np.random.default_rng(1))
    assert (changed.features[:, [0, 3, 4]] == inputs.features[:, [0, 3, 4]]).all()
    for kind in (0, 1):
        rows = inputs.species == kind
        before, after = (sorted(map(tuple, each.features[rows, 1:3])) for each in (inputs, changed))
        assert before == after
    assert (changed.features[:, 1] != inputs.features[:, 1]).mean() > 0.9


def test_a_permutation_stays_within_classes():
    classes = np.repeat([0, 1, 5], [10, 3, 1])
    order = permute_within(classes, np.random.default_rng(1))
    assert sorted(order) == list(range(14))
    assert (classes[order] == classes).all()


def test_correlations_are_pearson_s_within_copies():
    generator = np.random.default_rng(3)
    values, units = generator.normal(size=(100, 2)), np.repeat([0, 1], 50)
    table = correlate({"prediction": values[:, 0]}, {"q6": values[:, 1], "constant": np.ones(100)}, units)
    expected = np.mean([pearson(values[units == k, 0], values[units == k, 1]) for k in (0, 1)])
    assert table["pearson"].to_list() == [pytest.approx(expected), None]


def explain(slope, tmp_path, *options):
    model, folders, _ = slope
    path = tmp_path / "planted.safetensors"
    model_file.save(path, model.trained)
    words = [
        "--data",
        folders.features.parent,
        "--out",
        tmp_path / "out",
        "--without-minimum",
        "--repeats",
        "1",
    ]
    return main(["explain", *map(str, [path, *words, *options])])


def test_the_command_writes_tables_and_pictures(slope, tmp_path, capsys, monkeypatch, root):
    monkeypatch.chdir(root)
    monkeypatch.setenv("GLASSDYN_SCRATCH", str(tmp_path / "scratch"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/formulas.csv").write_text("of an earlier explanation")
    assert explain(slope, tmp_path, "--without-formula") == 0
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["label"] == "p_hop"
    assert summary["distillation"]["linear in the model's features"]["r2"] > 0.5
    assert summary["test"] == ["copy04-sample00"]
    for name in ("importance", "distillation", "pair_functions", "correlations", "vif"):
        assert (tmp_path / f"out/{name}.csv").stat().st_size > 0
        assert (tmp_path / f"out/{name}.png").stat().st_size > 5000
    assert "G_A(0.7-2.7)" in (tmp_path / "out/tree.txt").read_text()
    assert "sum over pairs" in capsys.readouterr().out
    assert not (tmp_path / "out/formulas.csv").exists()


def test_refits_are_of_the_model_s_kind(slope, tmp_path, capsys, monkeypatch, root):
    monkeypatch.chdir(root)
    trained = slope[0].trained
    refit = tmp_path / "refit.safetensors"
    model_file.save(refit, trained._replace(graph=replace(trained.graph, r_threshold=1.4)))
    assert explain(slope, tmp_path, "--refits", refit) == 1
    assert f"got {refit} (--refits)" in capsys.readouterr().err


def test_a_model_that_says_the_same_of_all_is_refused(slope, tmp_path):
    model, folders, _ = slope
    names = [f"copy{copy:02}-sample00" for copy in range(3)]
    for name in names:
        structure = folders.features / f"{name}.parquet"
        write_quantities(JobContext({"names": ["q6"]}, [structure], tmp_path / f"{name}.parquet", tmp_path))
    samples = [load_sample(name, model, folders, tmp_path) for name in names]
    constant = [
        sample._replace(scored=sample.scored._replace(prediction=np.full(200, 0.2))) for sample in samples
    ]
    with pytest.raises(GlassdynError, match=r"got 0\.2 for every A particle"):
        explain_model(model, Parts(*([sample] for sample in constant)), Settings())


def test_metrics_that_are_no_json_are_refused(tmp_path):
    assert read_ceiling(tmp_path / "evaluate.json", "p_hop") is None
    (tmp_path / "evaluate.json").write_text("<<<<<<< HEAD")
    with pytest.raises(GlassdynError, match="has the metrics of `dvc repro evaluate`"):
        read_ceiling(tmp_path / "evaluate.json", "p_hop")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--label", "cwt_15"], "a label that it predicts, p_hop: got --label cwt_15"),
        (["--samples", "copy00*"], "none of the copies [3] for validation"),
        (["--model", "ridge"], "leave --model ridge out"),
    ],
)
def test_what_cannot_be_explained_is_refused(slope, tmp_path, capsys, monkeypatch, root, options, reason):
    monkeypatch.chdir(root)
    assert explain(slope, tmp_path, *options) == 1
    assert reason in capsys.readouterr().err
