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
from glassdyn.evaluation.predictions import Predictions
from glassdyn.evaluation.report import make_report
from glassdyn.figures import predictions
from glassdyn.figures.labels import save_all
from glassdyn.labels.densities import ALL, Summary, densities, linear_edges

PLOTS = YAML(typ="safe").load(Path(__file__).resolve().parents[1] / "dvc.yaml")["plots"]
BUILT_IN = {"linear", "scatter", "simple"}
LABELS = ["p_hop", "cwt_50"]
MODELS = ("network", "ridge", "averaged_ridge", "perceptron", "constant")


def described(plot):
    """Name and description of a plot; a picture has none."""
    ((name, description),) = plot.items()
    return name, description or {}


def predict(seed):
    generator = np.random.default_rng(seed)
    targets = generator.gamma(2.0, 0.1, size=(300, 2))
    narrow = {model: 0.3 + 0.01 * targets + 0.001 * generator.normal(size=(300, 2)) for model in MODELS}
    species = (np.arange(300) % 5 == 4).astype(np.uint8)
    return Predictions(species, targets, narrow, 9.5 * generator.random((300, 3)), 9.5)


@pytest.fixture(scope="module")
def page(root, tmp_path_factory):
    """What `dvc plots show` draws of tables with two labels, by the name of the plot."""
    folder = tmp_path_factory.mktemp("page")
    settings = replace(params.load(root / "params.yaml").evaluate, resamples=10)
    report = make_report({"a": predict(1), "b": predict(2)}, LABELS, folder / "none", settings)
    predictions.write(report.plots, folder / "plots/evaluate")
    generator = np.random.default_rng(3)
    particles = pl.DataFrame({"type": np.arange(300, dtype=np.uint8) % 2})
    tables = {ALL: particles.with_columns(**{label: generator.gamma(2.0, 0.1, 300) for label in LABELS})}
    p_hop, cwt = (densities(tables, label, linear_edges(tables[ALL][label])) for label in LABELS)
    still = {"p_hop": 0.1, "cwt_50": 0.1} | dict.fromkeys("xyz", 0.0)
    example = pl.DataFrame({"kind": "slow", "particle": 0, "time": [0.0, 0.1]}).with_columns(**still)
    save_all(Summary(p_hop, cwt, example, 0.1), 0.23, folder / "plots/labels")
    shutil.copytree(root / ".dvc/plots", folder / ".dvc/plots")
    written = [plot for plot in PLOTS if "plots/evaluate" in str(plot) or "plots/labels" in str(plot)]
    YAML().dump({"plots": written}, folder / "dvc.yaml")
    (folder / ".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    command = [sys.executable, "-m", "dvc", "plots", "show", "--json", "-o", "page"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    shown = json.loads(done.stdout)
    assert "errors" not in shown, shown["errors"]
    assert set(shown["data"]) == {described(plot)[0] for plot in written}
    return shown["data"]


def test_templates_are_those_that_plots_name(root):
    named = {description["template"] for _, description in map(described, PLOTS) if description}
    assert named - BUILT_IN == {path.stem for path in (root / ".dvc/plots").glob("*.json")}


def test_every_plot_and_picture_is_drawn(page):
    for name, renderings in page.items():
        (only,) = renderings
        assert only["type"] == ("image" if name.endswith(".png") else "vega"), name
        text = json.dumps(only.get("content", ""))
        assert "<DVC_METRIC" not in text, name


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
