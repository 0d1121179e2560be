"""The stage evaluate on planted labels: every table of predictions against the truth, whoever made it."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from glassdyn import params
from glassdyn.correlation import pearson
from glassdyn.evaluation.inputs import EvaluationFolders, load_evaluation_data
from glassdyn.evaluation.predictions import pool_predictions
from glassdyn.evaluation.report import score_models
from glassdyn.folds import rotate_split
from glassdyn.stages import evaluate
from glassdyn.storage import tables
from glassdyn.storage.predictions import write_predictions
from glassdyn.storage.tables import TableError
from planted_tables import (
    LABELS,
    MADE_WITH,
    TEST_SAMPLES,
    N,
    write_labels,
    write_planted_runs,
    write_planted_tables,
)
from short_pipeline import PINNED, merge, shorten

SCORES = {
    "pearson",
    "pearson_subset_std",
    "pearson_sample_mean",
    "pearson_sample_std",
    "pearson_copy_mean",
    "ceiling",
    "ceiling_error",
    "ratio",
    "ceiling_sample_mean",
    "ceiling_sample_error",
    "ratio_sample_mean",
    "loss",
}
HEADLINE = {
    "pearson",
    "pearson_error",
    "ceiling",
    "ceiling_error",
    "ratio",
    "auc",
    "ridge",
    "margin_low",
    "margin_high",
    "folds",
}
NOISE = {"network": 0.5, "ridge": 1.0, "averaged_ridge": 1.5, "perceptron": 2.0}
"""Standard deviation of a model's errors, in that of the truth."""


def read_labels(name):
    return tables.read(EvaluationFolders().labels / f"{name}.parquet")


def predict(model, name, generator):
    """Truth and noise; a constant."""
    truth = {label: read_labels(name)[label].to_numpy() for label in LABELS}
    if model == "constant":
        return {label: np.full(N, 0.2) for label in LABELS}
    return {
        label: values + NOISE[model] * values.std() * generator.normal(size=N)
        for label, values in truth.items()
    }


def predict_samples(folds):
    """Tables of five models for samples, by the models of a fold each."""
    generator = np.random.default_rng(6)
    for model in ("constant", *NOISE):
        for name, fold in folds.items():
            write_predictions(
                EvaluationFolders().predictions,
                name,
                model,
                species=read_labels(name)["type"].to_numpy(),
                predictions=predict(model, name, generator),
                metadata={
                    "labels": dict.fromkeys(LABELS, MADE_WITH),
                    "selected_on": "validation",
                    "fold": fold,
                },
            )


@pytest.fixture(scope="module")
def evaluated(root, tmp_path_factory):
    """A folder with predictions of five models, evaluated."""
    folder = tmp_path_factory.mktemp("evaluate")
    changes = {"loss": {"targets": list(LABELS)}}
    shorten(root / "params.yaml", folder / "params.yaml", merge(PINNED, changes))
    write_planted_tables(folder)
    write_planted_runs(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        predict_samples(dict.fromkeys(TEST_SAMPLES, 0))
        evaluate.main()
    return folder


@pytest.fixture
def folder(evaluated, tmp_path, monkeypatch):
    """A copy of it, in the working directory."""
    shutil.copytree(evaluated, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


def refuse(constant):
    raise AssertionError(f"strict JSON has no {constant}")


def read_metrics(folder):
    return json.loads((folder / "metrics/evaluate.json").read_text(), parse_constant=refuse)


def leaves(tree):
    for value in tree.values():
        yield from leaves(value) if isinstance(value, dict) else [value]


def test_the_stage_writes_what_others_rely_on(evaluated):
    metrics = read_metrics(evaluated)
    assert all(isinstance(value, int | float | str) for value in leaves(metrics))
    assert metrics["selected_on"] == "validation"
    for label in LABELS:
        assert set(metrics["test"][label]) >= SCORES
        assert metrics["test"][label]["coarse"]["ell0"]["pearson"] == metrics["test"][label]["pearson"]
        for model in ("ridge", "averaged_ridge", "perceptron"):
            assert set(metrics["baselines"][model][label]) >= SCORES
            improvement = metrics["test"][label]["improvement"][model]
            assert improvement["difference"] > improvement["low"] > 0
            assert improvement["units"] == "blocks"  # two samples of one copy
        assert not any("pearson" in name for name in metrics["baselines"]["constant"][label])
    assert {path.stem for path in (evaluated / "plots/evaluate").iterdir()} == {
        "scatter",
        "pdf",
        "quantiles",
        "reliability",
        "models",
        "copies",
        "lengths",
        "slab",
    }
    for path in (evaluated / "plots/evaluate").iterdir():
        assert 0 < pl.read_csv(path).height <= 2000


def test_the_headline_is_flat_short_and_of_the_first_target(evaluated):
    headline = json.loads((evaluated / "metrics/headline.json").read_text(), parse_constant=refuse)
    metrics = read_metrics(evaluated)
    test, ridge = metrics["test"]["p_hop"], metrics["baselines"]["ridge"]["p_hop"]
    assert set(headline) == HEADLINE
    for name in ("pearson", "ceiling", "ceiling_error", "ratio", "auc"):
        assert headline[name] == pytest.approx(test[name], abs=6e-5)
    assert headline["pearson_error"] == pytest.approx(test["pearson_subset_std"], abs=6e-5)
    assert headline["ridge"] == pytest.approx(ridge["pearson"], abs=6e-5)
    assert headline["margin_low"] == pytest.approx(test["improvement"]["ridge"]["low"], abs=6e-5)
    assert headline["folds"] == 1


def test_every_correlation_stands_beside_the_ceiling_of_its_label(evaluated):
    """Half of the variance of a planted label is signal: rho_max = sqrt(1/2), known to 0.05 from 1000 particles."""
    metrics = read_metrics(evaluated)
    for label in LABELS:
        test = metrics["test"][label]
        assert test["ceiling"] == pytest.approx(np.sqrt(0.5), abs=0.05)
        assert 0 < test["ceiling_error"] < 0.05
        assert test["ceiling_from"] == {"runs": 4, "samples": 5, "units": "copies"}
        assert test["coarse"]["ell0"]["ceiling"] == pytest.approx(test["ceiling"])
        for scores in (test, metrics["baselines"]["ridge"][label]):
            assert scores["ratio"] == pytest.approx(scores["pearson"] / test["ceiling"])
            assert scores["ratio_sample_mean"] == pytest.approx(
                scores["pearson_sample_mean"] / test["ceiling_sample_mean"]
            )
    table = pl.read_csv(evaluated / "plots/evaluate/models.csv")
    np.testing.assert_allclose(table["ceiling"].unique(), [metrics["test"]["p_hop"]["ceiling"]], atol=1e-6)


def test_auc_is_that_of_hops_and_other_labels_have_none(evaluated):
    metrics = read_metrics(evaluated)
    truth, predicted = (
        pl.concat(
            tables.read(evaluated / "data" / kind / f"{name}.parquet").filter(pl.col("type") == 0)
            for name in TEST_SAMPLES
        )
        for kind in ("labels", "predictions/network")
    )
    hops = predicted["predicted_p_hop"].to_numpy()[truth["p_hop"].to_numpy() > MADE_WITH["p_c"]]
    others = predicted["predicted_p_hop"].to_numpy()[truth["p_hop"].to_numpy() <= MADE_WITH["p_c"]]
    assert metrics["test"]["p_hop"]["auc"] == pytest.approx((hops[:, None] > others).mean(), rel=1e-9)
    assert "auc" not in metrics["test"]["cwt_50"]
    assert "auc" in metrics["baselines"]["ridge"]["p_hop"]


def test_without_runs_there_are_no_ceilings(folder):
    before = read_metrics(folder)["test"]["p_hop"]
    shutil.rmtree(EvaluationFolders().isoconfigurational)
    evaluate.main()
    test = read_metrics(folder)["test"]["p_hop"]
    gone = before.keys() - test.keys()
    assert gone == {name for name in before if name.startswith(("ceiling", "ratio"))} | {"isoconfigurational"}
    headline = json.loads((folder / "metrics/headline.json").read_text())
    assert set(headline) == HEADLINE - {"ceiling", "ceiling_error", "ratio"}


def test_folds_are_evaluated_together(folder, root):
    """Every copy once, by the models of the fold that tests it; errors are over copies then."""
    changes = {"loss": {"targets": list(LABELS)}, "evaluate": {"folds": 5}}
    shorten(root / "params.yaml", folder / "params.yaml", merge(PINNED, changes))
    with pytest.raises(TableError, match="has no table of copy00-sample00"):
        evaluate.main()
    split = params.load().split
    tested = {copy: f for f in range(5) for copy in rotate_split(split, f).test}
    names = [f"copy{copy:02}-sample{sample:02}" for copy in range(5) for sample in range(2)]
    predict_samples({name: tested[int(name[4:6])] for name in names})
    evaluate.main()
    metrics = read_metrics(folder)
    test = metrics["test"]["p_hop"]
    assert [metrics[name] for name in ("folds", "copies", "samples", "particles")] == [5, 5, 10, 2000]
    rhos = [copy_pearson(folder, copy) for copy in range(5)]
    assert test["pearson_copy_mean"] == pytest.approx(np.mean(rhos))
    assert test["pearson_copy_error"] == pytest.approx(np.std(rhos, ddof=1) / np.sqrt(5))
    assert test["improvement"]["ridge"]["units"] == "copies"
    headline = json.loads((folder / "metrics/headline.json").read_text())
    assert headline["pearson_error"] == pytest.approx(test["pearson_copy_error"], abs=6e-5)
    assert headline["folds"] == 5
    assert list(test["pearson_by_copy"].values()) == pytest.approx(rhos)
    predict_samples({TEST_SAMPLES[0]: 3})
    with pytest.raises(
        TableError, match="network predicts copy04-sample00 in fold 3, it is tested in fold 0"
    ):
        evaluate.main()


def copy_pearson(folder, copy):
    columns = [
        pl.concat(
            tables.read(folder / "data" / kind / f"copy{copy:02}-sample{sample:02}.parquet").filter(
                pl.col("type") == 0
            )
            for sample in range(2)
        )[name].to_numpy()
        for kind, name in (("labels", "p_hop"), ("predictions/network", "predicted_p_hop"))
    ]
    return pearson(*columns)


def test_metrics_are_those_of_the_tables(evaluated):
    pairs = []
    for name in TEST_SAMPLES:
        truth, predicted = (
            tables.read(evaluated / "data" / kind / f"{name}.parquet").filter(pl.col("type") == 0)
            for kind in ("labels", "predictions/network")
        )
        pairs.append((truth["p_hop"], predicted["predicted_p_hop"]))
    columns = [np.concatenate(column) for column in zip(*pairs, strict=True)]
    rho = np.corrcoef(*columns)[0, 1]
    assert read_metrics(evaluated)["test"]["p_hop"]["pearson"] == pytest.approx(rho, rel=1e-9)


def test_two_runs_write_the_same_bytes(folder):
    contents = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name in ("metrics", "plots"):
        shutil.rmtree(name)
    evaluate.main()
    assert contents == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_particles_b_do_not_enter_the_scores(folder):
    settings = params.load().evaluate
    data = load_evaluation_data({4: 0}, LABELS, EvaluationFolders())

    def scores():
        pooled = pool_predictions(data.snapshots, data.folds, 3.0)
        return score_models(pooled, data.thresholds, settings)

    before = scores()
    snapshot = data.snapshots[TEST_SAMPLES[0]]
    changed = np.where(snapshot.species == 1, 1e6, snapshot.targets["p_hop"])
    data.snapshots[TEST_SAMPLES[0]] = snapshot._replace(targets=snapshot.targets | {"p_hop": changed})
    assert scores() == before


def write_foreign_tables(labels=LABELS, samples=TEST_SAMPLES):
    """What a stranger writes: the columns and nothing else, rows in any order, in float32."""
    for name in samples:
        truth = read_labels(name)
        columns = {f"predicted_{label}": truth[label].cast(pl.Float32) for label in labels}
        table = truth.select(pl.col("particle", "type").cast(pl.Int64)).with_columns(**columns)
        path = EvaluationFolders().predictions / "mine" / f"{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        table.sample(fraction=1.0, shuffle=True, seed=1).write_parquet(path)


def test_predictions_that_somebody_else_made_are_evaluated_beside_ours(folder):
    before = read_metrics(folder)
    write_foreign_tables()
    evaluate.main()
    metrics = read_metrics(folder)
    for label in LABELS:
        assert metrics["baselines"]["mine"][label]["pearson"] == pytest.approx(1.0)
        test = metrics["test"][label]
        assert test["improvement"].pop("mine")["high"] < 0
        assert (test["best"]["model"], test["best"]["next"]) == ("mine", "network")
        assert test.pop("best")["improvement"]["low"] > 0
        assert before["test"][label].pop("best")["model"] == "network"
        for correlations in ("one_run", "mean_of_runs"):
            test["isoconfigurational"][correlations].pop("mine")
    del metrics["baselines"]["mine"]
    assert metrics == before


def test_a_model_of_somebody_else_is_evaluated_on_the_targets_that_it_predicts(folder):
    before = read_metrics(folder)
    write_foreign_tables(LABELS[:1])
    evaluate.main()
    metrics = read_metrics(folder)
    assert metrics["baselines"].pop("mine").keys() == {LABELS[0]}
    assert metrics["baselines"] == before["baselines"]
    assert metrics["test"][LABELS[1]] == before["test"][LABELS[1]]
    rows = pl.read_csv(folder / "plots/evaluate/models.csv").filter(model="mine")
    assert rows["label"].to_list() == [LABELS[0]]


def test_a_model_that_predicts_no_target_is_left_out(folder, capfd):
    before = read_metrics(folder)
    write_foreign_tables(LABELS[:1])
    for path in EvaluationFolders().predictions.glob("mine/*"):
        pl.read_parquet(path).rename({f"predicted_{LABELS[0]}": "predicted_age"}).write_parquet(path)
    evaluate.main()
    assert read_metrics(folder) == before
    assert f"mine predicts none of {', '.join(LABELS)}, and is left out" in capfd.readouterr().out


def test_a_model_predicts_the_same_labels_in_every_table(folder):
    write_foreign_tables()
    path = EvaluationFolders().predictions / "mine" / f"{TEST_SAMPLES[1]}.parquet"
    pl.read_parquet(path).drop(f"predicted_{LABELS[1]}").write_parquet(path)
    with pytest.raises(TableError, match=rf"mine.{TEST_SAMPLES[1]}.*no column predicted_{LABELS[1]}"):
        evaluate.main()


def test_a_network_that_tells_no_particles_apart_is_warned_of(folder, capfd):
    evaluate.main()
    assert "warning" not in capfd.readouterr().out
    for path in EvaluationFolders().predictions.glob("network/*"):
        table, metadata = pl.read_parquet(path), tables.read_parameters(path)
        columns = table.with_columns(predicted_p_hop=pl.lit(0.2)).to_dict()
        block = {name: column.to_numpy() for name, column in columns.items()}
        tables.write(path, pq.read_schema(path), [block], metadata)
    evaluate.main()
    words = capfd.readouterr().out
    assert "network predicts one p_hop for all particles that fold 0 tests" in words
    assert "predicts one cwt_50" not in words
    assert read_metrics(folder)["test"]["p_hop"]["pearson"] == 0


def test_the_models_of_the_pipeline_predict_every_target(folder):
    for path in EvaluationFolders().predictions.glob("ridge/*"):
        pl.read_parquet(path).drop(f"predicted_{LABELS[1]}").write_parquet(path)
    with pytest.raises(TableError, match=rf"ridge.*no column predicted_{LABELS[1]}"):
        evaluate.main()


def test_a_model_predicts_every_sample(folder):
    write_foreign_tables(samples=TEST_SAMPLES[:1])
    with pytest.raises(TableError, match="mine has no table of copy04-sample01"):
        evaluate.main()


def test_other_particles_than_those_of_the_snapshot_are_refused(folder):
    write_foreign_tables()
    path = EvaluationFolders().predictions / "mine" / f"{TEST_SAMPLES[0]}.parquet"
    table = pl.read_parquet(path).sort("particle")
    for changed, reason in (
        (table[:-1], "rows, the snapshot"),
        (table.with_columns(type=1 - pl.col("type")), "types differ"),
        (pl.concat([table[:-1], table[:1]]), "one row for each particle"),
    ):
        changed.write_parquet(path)
        with pytest.raises(TableError, match=reason):
            evaluate.main()


def test_without_the_network_there_is_nothing_to_compare_with(folder):
    shutil.rmtree(EvaluationFolders().predictions / "network")
    with pytest.raises(TableError, match=r"no folder .*network; run `dvc repro train`"):
        evaluate.main()


def test_without_baselines_the_network_is_evaluated_alone(folder):
    before = read_metrics(folder)
    for model in ("constant", "ridge", "averaged_ridge", "perceptron"):
        shutil.rmtree(EvaluationFolders().predictions / model)
    evaluate.main()
    assert read_metrics(folder)["test"]["p_hop"]["pearson"] == before["test"]["p_hop"]["pearson"]
    assert read_metrics(folder)["baselines"] == {}


@pytest.mark.parametrize(
    ("samples", "changes", "reason"),
    [
        (
            TEST_SAMPLES,
            {"p_c": 0.3},
            r"another p_c than the labels that network was trained on: wanted 0\.2, got 0\.3",
        ),
        (TEST_SAMPLES, {"frame": 51}, "differ in .*frame"),
        (TEST_SAMPLES[:1], {"p_c": 0.3}, "differ in .*p_c"),
    ],
)
def test_labels_made_with_other_parameters_are_refused(folder, samples, changes, reason):
    before = (folder / "metrics/evaluate.json").read_bytes()
    names = (
        [path.stem for path in EvaluationFolders().labels.iterdir()] if samples == TEST_SAMPLES else samples
    )
    for name in names:
        columns = read_labels(name)
        arrays = {column: columns[column].to_numpy() for column in columns.columns}
        write_labels(EvaluationFolders().labels / f"{name}.parquet", arrays, MADE_WITH | changes)
    with pytest.raises(TableError, match=reason):
        evaluate.main()
    assert (folder / "metrics/evaluate.json").read_bytes() == before


def test_evaluation_needs_neither_torch_nor_the_models_code(root, folder):
    code = (
        "import sys; from glassdyn.stages import evaluate; evaluate.main(); "
        "print([name for name in sys.modules if name.split('.')[0] == 'torch' or "
        "name.startswith(('glassdyn.learning', 'glassdyn.baselines', 'glassdyn.figures'))])"
    )
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
