"""A test sample in three dimensions: every particle with its true and predicted label."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn import label_names
from glassdyn.correlation import pearson
from glassdyn.storage import tables
from glassdyn.storage.predictions import read_predictions
from glassdyn.storage.snapshots import read_snapshot
from glassdyn.storage.trajectory import sample_names

__all__ = ["SampleView", "select_sample", "view_sample"]

Values = NDArray[np.float64]

MODEL = "network"

MOST = 4000
"""Particles that a page turns without delay; of a larger sample, those nearest to the middle of the box."""


class SampleView(NamedTuple):
    """What is drawn of a sample.

    Attributes:
        sample: its name.
        label: the label.
        pearson: rho of truth and prediction over its A particles.
        particles: in the box, and those that are drawn.
        length: edge of the cube that is drawn, units of sigma_AA.
        rows: of the particles that are drawn; positions relative to the middle of the box, units of sigma_AA; ranks of
            truth and prediction among the A particles of the sample, 0 for the slowest and 1 for the fastest.
    """

    sample: str
    label: str
    pearson: float
    particles: tuple[int, int]
    length: float
    rows: list[dict[str, Any]]


def select_sample(folder: Path, label: str) -> tuple[str, float] | None:
    """Select the test sample whose Pearson coefficient is the median: neither the best nor the worst.

    Args:
        folder: of the run, with data/.
        label: the first target.

    Returns:
        Its name and its coefficient over A particles; None where a run has no predictions.
    """
    predictions = folder / "data" / "predictions"
    if not (predictions / MODEL).is_dir():
        return None
    names = sample_names(predictions / MODEL)
    rhos = sorted((_correlate(folder, name, label), name) for name in names)
    rho, name = rhos[(len(rhos) - 1) // 2]
    return name, rho


def view_sample(folder: Path, label: str) -> SampleView | None:
    """Look at the test sample of median correlation; None where a run has no predictions.

    Args:
        folder: of the run, with data/.
        label: that colours the particles.
    """
    selected = select_sample(folder, label)
    if selected is None:
        return None
    name, rho = selected
    positions, species, length = read_snapshot(folder / "data" / "snapshots" / f"{name}.parquet")
    _, truth, prediction = _read_values(folder, name, label)
    centred = positions - length / 2
    nearest = np.argsort(np.abs(centred).max(axis=1), kind="stable")[:MOST]
    if len(nearest) < len(species):
        length = 2 * float(np.abs(centred[nearest]).max())
    columns: dict[str, NDArray[Any]] = {
        "species": species,
        "position": np.round(centred, 2),
        "true": truth,
        "predicted": prediction,
        "true_rank": _rank(truth, species),
        "predicted_rank": _rank(prediction, species),
    }
    rows = [_row(columns, k) for k in np.sort(nearest)]
    return SampleView(name, label, rho, (len(species), len(rows)), length, rows)


def _row(columns: Mapping[str, NDArray[Any]], k: int) -> dict[str, Any]:
    x, y, z = (float(number) for number in columns["position"][k])
    row = {"particle": int(k), "species": "AB"[columns["species"][k]], "x": x, "y": y, "z": z}
    if row["species"] == "A":
        row |= {name: float(f"{columns[name][k]:.4g}") for name in ("true", "predicted")}
        row |= {name: round(float(columns[name][k]), 3) for name in ("true_rank", "predicted_rank")}
    return row


def _rank(values: Values, species: NDArray[np.uint8]) -> Values:
    """(N,) ranks among A particles, from 0 to 1; NaN for B particles."""
    is_a = species == 0
    ranks = np.full(len(values), np.nan)
    ranks[is_a] = np.argsort(np.argsort(values[is_a], kind="stable")) / max(is_a.sum() - 1, 1)
    return ranks


def _read_values(folder: Path, sample: str, label: str) -> tuple[NDArray[np.uint8], Values, Values]:
    """(N,) species, truth and prediction."""
    place = "isoconfigurational" if label_names.is_mean(label) else "labels"
    truth = tables.read(folder / "data" / place / f"{sample}.parquet", [label])[label].to_numpy()
    table = read_predictions(folder / "data" / "predictions", sample, MODEL)
    return table.species, truth, table.predictions[label]


def _correlate(folder: Path, sample: str, label: str) -> float:
    species, truth, prediction = _read_values(folder, sample, label)
    return pearson(truth[species == 0], prediction[species == 0])
