"""What a notebook loads: tables of particles, metrics and sweeps as frames; and that its display breaks no stage."""

import json
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

import glassdyn
from glassdyn.errors import GlassdynError
from glassdyn.storage.predictions import write_predictions


@pytest.fixture
def run(tmp_path):
    """Predictions of two samples, metrics, and the table of a sweep."""
    for k, sample in enumerate(("copy00-sample00", "copy01-sample00")):
        write_predictions(
            tmp_path / "data/predictions",
            sample,
            "network",
            species=np.array([0, 1], dtype=np.uint8),
            predictions={"p_hop": np.array([k + 0.5, k + 0.25])},
            metadata={},
        )
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/evaluate.json").write_text(
        json.dumps({"test": {"p_hop": {"pearson": 0.5}}, "by": "copies"})
    )
    (tmp_path / "plots/sweeps").mkdir(parents=True)
    (tmp_path / "plots/sweeps/alpha.csv").write_text("x,pearson\n0.0,0.5\n")
    return tmp_path


def test_particles_of_all_samples_are_rows_of_one_frame(run):
    table = glassdyn.load("predictions/network", run)
    assert table.columns[0] == "sample"
    assert table["sample"].to_list() == ["copy00-sample00"] * 2 + ["copy01-sample00"] * 2
    assert table["predicted_p_hop"].to_list() == [0.5, 0.25, 1.5, 1.25]


def test_metrics_are_rows_under_their_full_names(run):
    assert glassdyn.load("metrics", run).rows() == [("evaluate", "test.p_hop.pearson", 0.5)]


def test_sweeps_are_the_tables_of_their_figures(run):
    expected = pl.DataFrame({"x": [0.0], "pearson": [0.5]})
    assert glassdyn.load("sweeps/alpha", run).equals(expected)


@pytest.mark.parametrize("name", ["labels", "../data/predictions/network/../../..", "sweeps/beta"])
def test_what_a_run_has_not_is_refused_with_what_it_has(run, name):
    with pytest.raises(GlassdynError, match="there are metrics, experiments, predictions/network"):
        glassdyn.load(name, run)


def test_a_stage_starts_under_the_display_of_a_notebook(root):
    """The backend that a notebook names need not be installed where the pipeline is."""
    environment = os.environ | {
        "MPLBACKEND": "module://no_such_package.backend",
        "PYTHONPATH": str(root / "src"),
    }
    program = "from glassdyn.stages import draw; from glassdyn.figures import style; style.axes('x', 'y')"
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


def test_importing_the_package_imports_no_library_that_takes_seconds(root):
    program = "import sys, glassdyn; print(*sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    imported = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"numpy", "torch", "polars", "dvc"} & set(imported)
