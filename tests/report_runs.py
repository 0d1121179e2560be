"""Runs with planted tables and metrics, of which reports are made."""

import json
import shutil

import numpy as np
import polars as pl
from PIL import Image

from glassdyn.liquid.box import wrap
from glassdyn.liquid.configuration import Configuration
from glassdyn.observables.warnings import list_warnings
from glassdyn.storage import tables
from glassdyn.storage.outputs import write_csv, write_metrics
from glassdyn.storage.predictions import write_predictions
from glassdyn.storage.snapshots import write_snapshot

N, BOX = 200, 5.5

WARNING = "energy must be conserved: it drifts by 2.0e-03 per particle over a window, more than 1e-04; take a shorter timestep"

PHYSICS = {
    "samples": {"number": 2, "copies": 2, "particles": N, "frames": 51, "duration": 5.0},
    "energy": {"potential": -7.1, "pressure": 4.6, "largest_drift": 2e-3, "largest_shift": 3e-8},
    "temperature": {"declared": 0.6, "measured": 0.6012, "ratio": 1.002},
    "structure": {"largest_s": 2.91, "peak_AA": 1.07, "wave_number": 7.33},
    "solid_fraction": {"start": 0.0, "end": 0.0, "largest": 0.003},
    "plateau": {"all": 0.24, "A": 0.23, "B": 0.29, "p_c": 0.23, "p_c_over_plateau": 0.958},
    "tau_alpha": {"declared": 14.0, "A": 14.6, "error_A": 0.9, "B": 7.03, "error_B": 0.3, "ratio": 1.04},
    "ageing": {"factor_A": 1.02, "error_A": 0.14},
}
"""Numbers of a liquid that is sound but for its energy."""

NETWORK = {
    "pearson": 0.4321,
    "pearson_low": 0.4012,
    "pearson_high": 0.4633,
    "pearson_copy_mean": 0.4298,
    "pearson_copy_error": 0.0123,
    "auc": 0.7314,
    "spearman": 0.4417,
    "loss": 0.005,
    "ceiling": 0.5566,
    "ceiling_error": 0.0111,
    "ratio": 0.7763,
    "improvement": {
        "ridge": {"difference": 0.0421, "low": 0.0211, "high": 0.0633, "units": "copies"},
    },
}

RIDGE = {
    "pearson": 0.39,
    "pearson_low": 0.36,
    "pearson_high": 0.42,
    "pearson_copy_mean": 0.3877,
    "pearson_copy_error": 0.0144,
    "auc": 0.7012,
    "spearman": 0.4001,
    "loss": 0.006,
    "ratio": 0.7007,
}

EVALUATE = {
    "test": {"p_hop": NETWORK},
    "baselines": {"ridge": {"p_hop": RIDGE}, "constant": {"p_hop": {"loss": 0.007}}},
    "copies": 2,
    "samples": 2,
    "particles": 320,
    "folds": 2,
}


def write_run(root, folder):
    """A run with everything that a report shows, its plots, templates and parameters those of the repository."""
    for name in ("params.yaml", "dvc.yaml", "CITATION.cff", "requirements.lock"):
        shutil.copy(root / name, folder / name)
    shutil.copytree(root / ".dvc" / "plots", folder / ".dvc" / "plots")
    shutil.copytree(root / "sweeps", folder / "sweeps")
    write_numbers(folder)
    write_samples(folder / "data")
    write_lock(folder)


def write_numbers(folder):
    flags = {name: int(bool(text)) for name, text in list_warnings(PHYSICS).items()}
    write_metrics(folder / "metrics" / "physics.json", {**PHYSICS, "warnings": flags})
    write_metrics(folder / "metrics" / "evaluate.json", EVALUATE)
    plots = folder / "plots"
    write_csv(plots / "physics" / "warnings.csv", pl.DataFrame({"warning": [WARNING]}))
    times = np.geomspace(0.1, 5.0, 12)
    write_csv(plots / "physics" / "rmsd.csv", pl.DataFrame({"time": times, "A": times**0.5, "B": times**0.6}))
    edges = np.linspace(0.0, 1.0, 21)
    density = {"low": edges[:-1], "high": edges[1:], "density": np.exp(-5 * edges[:-1])}
    bins = pl.DataFrame(density).select(
        pl.lit("all").alias("sample"), pl.lit("p_hop").alias("label"), pl.lit("A").alias("species"), pl.all()
    )
    write_csv(plots / "labels" / "p_hop.csv", bins)
    models = pl.DataFrame({"label": ["p_hop"] * 2, "model": ["network", "ridge"], "pearson": [0.4321, 0.39]})
    write_csv(plots / "evaluate" / "models.csv", models)
    runs = plots / "isoconfigurational"
    write_csv(runs / "p_hop.csv", pl.DataFrame({"raw": [0.1, 0.3, 0.2], "mean": [0.15, 0.2, 0.18]}))
    write_csv(runs / "ceilings.csv", pl.DataFrame({"sample": ["a"], "label": ["p_hop"], "ceiling": [0.56]}))
    for name in ("physics/rmsd", "physics/energy", "evaluate/models_p_hop"):
        path = plots / "figures" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 48), "orange").save(path)


def write_sweep(folder):
    table = {"x": [1, 2], "line": ["(8, 8)"] * 2, "target": ["p_hop"] * 2, "experiments": [5, 5]}
    table |= {"pearson": [0.3111, 0.3222], "error": [0.0101, 0.0099], "ceiling": [0.49, 0.49]}
    write_csv(folder / "plots" / "sweeps" / "architecture.csv", pl.DataFrame(table))


def write_explanation(folder):
    explanations = folder / "plots" / "explanations" / "network"
    summary = {
        "formula": "0.31 + 0.12 * energy",
        "warnings": ["3 of 12 features have large variance inflation factors"],
    }
    write_metrics(explanations / "summary.json", summary)
    retained = pl.DataFrame(
        {"explanation": ["model", "tree"], "r2": [1.0, 0.6123], "pearson": [0.4321, None]}
    )
    write_csv(explanations / "distillation.csv", retained)
    Image.new("RGB", (1200, 300), "teal").save(explanations / "distillation.png")


def write_samples(data):
    """Two samples whose predictions are the truth and noise; in the second there is more of it."""
    generator = np.random.default_rng(7)
    species = (np.arange(N) % 5 == 4).astype(np.uint8)
    for name, noise in (("copy00-sample00", 0.5), ("copy01-sample00", 1.5)):
        positions = wrap(generator.random((N, 3)) * BOX, BOX)
        snapshot = Configuration(positions, species, BOX)
        write_snapshot(data / "snapshots" / f"{name}.parquet", snapshot, {"frame": 25, "frames": 51})
        truth = generator.gamma(2.0, 0.1, N)
        columns = {"particle": np.arange(N, dtype=np.uint32), "type": species, "p_hop": truth}
        tables.write(data / "labels" / f"{name}.parquet", tables.labels_schema(["p_hop"]), [columns], {})
        predictions = {"p_hop": truth + noise * truth.std() * generator.normal(size=N)}
        write_predictions(
            data / "predictions", name, "network", species=species, predictions=predictions, metadata={}
        )


def write_lock(folder):
    outputs = [{"path": "data/labels", "md5": "0123456789abcdef.dir", "size": 4711, "nfiles": 2}]
    own = [{"path": "report.html", "md5": "feedfeed", "size": 1}]
    stages = {"label": {"cmd": "", "outs": outputs}, "report": {"cmd": "", "outs": own}}
    (folder / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": stages}))
