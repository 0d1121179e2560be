"""The page of `dvc plots`: every curve is drawn, each label on its own, from tables as the stages write them."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from ruamel.yaml import YAML

from glassdyn import params
from glassdyn.evaluation.inputs import EvaluationData
from glassdyn.evaluation.predictions import Predictions
from glassdyn.evaluation.report import make_report
from glassdyn.figures.pictures import STAGES, draw_pictures
from glassdyn.labels.densities import ALL, densities, linear_edges
from glassdyn.stages import draw
from glassdyn.storage.outputs import write_csv, write_metrics

PLOTS = YAML(typ="safe").load(Path(__file__).resolve().parents[1] / "dvc.yaml")["plots"]
BUILT_IN = {"linear", "scatter", "simple"}
LABELS = ["p_hop", "cwt_50"]
MODELS = ("network", "ridge", "averaged_ridge", "perceptron", "constant")


def parse(plot):
    """Name and description of a plot."""
    ((name, description),) = plot.items()
    return name, description


def predict(seed):
    generator = np.random.default_rng(seed)
    targets = {label: generator.gamma(2.0, 0.1, size=300) for label in LABELS}
    narrow = {
        label: {model: 0.3 + 0.01 * truth + 0.001 * generator.normal(size=300) for model in MODELS}
        for label, truth in targets.items()
    }
    species = (np.arange(300) % 5 == 4).astype(np.uint8)
    return Predictions(species, targets, narrow, 9.5 * generator.random((300, 3)), 9.5)


def write_evaluation(folder, settings):
    snapshots = {"copy04-sample00": predict(1), "copy04-sample01": predict(2)}
    runs = {label: {} for label in LABELS}
    data = EvaluationData("validation", {4: 0}, snapshots, [], {"p_hop": 0.2}, runs)
    report = make_report(data, settings)
    for name, table in report.plots.items():
        write_csv(folder / f"plots/evaluate/{name}.csv", table, digits=6)


def write_labels(folder):
    generator = np.random.default_rng(3)
    particles = pl.DataFrame({"type": np.arange(300, dtype=np.uint8) % 2})
    labels = {ALL: particles.with_columns(**{label: generator.gamma(2.0, 0.1, 300) for label in LABELS})}
    for name, label in (("p_hop", "p_hop"), ("cwt", "cwt_50")):
        table = densities(labels, label, linear_edges(labels[ALL][label]))
        write_csv(folder / f"plots/labels/{name}.csv", table)
    still = {"p_hop": 0.1, "cwt_50": 0.1} | dict.fromkeys("xyz", 0.0)
    example = pl.DataFrame({"kind": "slow", "particle": 0, "time": [0.0, 0.1]}).with_columns(**still)
    write_csv(folder / "plots/labels/examples.csv", example)
    write_metrics(folder / "plots/labels/parameters.json", {"p_c": 0.23, "interval": 0.1})


def write_runs(folder):
    generator = np.random.default_rng(4)
    ceilings = pl.DataFrame({"sample": "a", "label": LABELS, "halves": 0.8, "raw": 0.5, "ceiling": 0.6})
    write_csv(folder / "plots/isoconfigurational/ceilings.csv", ceilings)
    for label in LABELS:
        pairs = pl.DataFrame(generator.random((300, 2)), schema=["raw", "mean"])
        write_csv(folder / f"plots/isoconfigurational/{label}.csv", pairs)


@pytest.fixture(scope="module")
def tables(root, tmp_path_factory):
    """A folder with tables of two labels, as the stages write them, and the pictures of the stage draw."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copy(root / "params.yaml", folder)
    write_evaluation(folder, replace(params.load(root / "params.yaml").evaluate, resamples=10))
    write_labels(folder)
    write_runs(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        draw.main()
    return folder


@pytest.fixture(scope="module")
def page(root, tables):
    """What `dvc plots show` draws of these tables, by the name of the plot."""
    shutil.copytree(root / ".dvc/plots", tables / ".dvc/plots")
    written = [plot for plot in PLOTS if "plots/evaluate" in str(plot) or "plots/labels" in str(plot)]
    YAML().dump({"plots": [*written, {"plots/figures": None}]}, tables / "dvc.yaml")
    (tables / ".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    command = [sys.executable, "-m", "dvc", "plots", "show", "--json", "-o", "page"]
    done = subprocess.run(command, cwd=tables, capture_output=True, text=True, check=True)
    shown = json.loads(done.stdout)
    assert "errors" not in shown, shown["errors"]
    pictures = {str(path.relative_to(tables)) for path in (tables / "plots/figures").rglob("*.png")}
    assert set(shown["data"]) == {parse(plot)[0] for plot in written} | pictures
    return shown["data"]


def test_pictures_are_those_of_the_tables_and_their_labels(tables):
    names = {str(path.relative_to(tables / "plots/figures")) for path in tables.rglob("figures/*/*.png")}
    by_label = {
        f"{name}_{label}.png"
        for name in ("scatter", "pdf", "reliability", "models", "lengths", "slab")
        for label in LABELS
    }
    runs = {"ceilings.png", *(f"agreement_{label}.png" for label in LABELS)}
    expected = {f"labels/{name}.png" for name in ("p_hop", "cwt", "examples")}
    expected |= {f"evaluate/{name}" for name in by_label}
    assert names == expected | {f"isoconfigurational/{name}" for name in runs}


def test_a_run_without_tables_has_no_pictures(tmp_path):
    ceilings = pl.DataFrame(schema=["sample", "label", "halves", "raw", "ceiling"])
    write_csv(tmp_path / "plots/isoconfigurational/ceilings.csv", ceilings)
    assert not [name for stage in STAGES for name in draw_pictures(tmp_path, stage, components=30)]


def test_pictures_repeat_to_the_byte(tables, tmp_path, monkeypatch):
    for name in ("plots", "params.yaml"):
        (tmp_path / name).symlink_to(tables / name)
    before = {path: path.read_bytes() for path in (tables / "plots/figures").rglob("*.png")}
    monkeypatch.chdir(tmp_path)
    draw.main()
    assert {path: path.read_bytes() for path in before} == before


def test_templates_are_those_that_plots_name(root):
    templates = {description["template"] for _, description in map(parse, PLOTS)}
    assert templates - BUILT_IN == {path.stem for path in (root / ".dvc/plots").glob("*.json")}


def test_every_plot_and_picture_is_drawn(page):
    for name, renderings in page.items():
        (rendering,) = renderings
        assert rendering["type"] == ("image" if name.endswith(".png") else "vega"), name
        assert "<DVC_METRIC" not in json.dumps(rendering.get("content", "")), name


def test_labels_never_share_a_curve(page):
    """Vega joins what stands in one facet in one colour: each bin, model or length must be there once."""
    for name, key in (
        ("PDF of predicted and true", ("source", "low")),
        ("PDF of p_hop", ("sample", "species", "low")),
        ("models", ("model",)),
        ("lengths of coarse-graining", ("model", "length")),
        ("predicted and true", ("target", "predicted")),
        ("reliability", ("predicted",)),
    ):
        content = page[name][0]["content"]
        facet = content["encoding"]["row"]["field"]
        rows = [(row[facet], *(row[column] for column in key)) for row in content["data"]["values"]]
        assert len(set(rows)) == len(rows), name
        assert {row[0] for row in rows} <= set(LABELS)
        coloured = content["encoding"]["color"]["field"]
        assert coloured in {"rev", "model", *(step.get("as") for step in content.get("transform", []))}
