"""Numbers of finished experiments, read from their commits: nothing is checked out."""

import json
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from glassdyn.experiments.repository import read_files

__all__ = ["Result", "read_densities", "read_results"]

SHORT_NAMES = {"calibration.": "", "pearson_by_copy.": "copies."}
"""Beginnings of names in `metrics/evaluate.json`, as sweeps name them."""


class Result(NamedTuple):
    """The numbers of an experiment.

    Attributes:
        headline: of `metrics/headline.json`.
        targets: label -> numbers of `metrics/evaluate.json`, nested names joined by dots, in the order of
            `loss.targets`.
        validation: label -> Pearson's coefficient on the part that selected the models, mean over trainings.
        selected_on: that part.
    """

    headline: Mapping[str, Any]
    targets: Mapping[str, Mapping[str, float]]
    validation: Mapping[str, float]
    selected_on: str

    def value(self, name: str, target: str) -> float | None:
        """A number of a target, or of the headline, which is of the first; None where there is none."""
        of_first = self.headline if target == next(iter(self.targets)) else {}
        number = self.targets[target].get(name, of_first.get(name))
        return float(number) if isinstance(number, int | float) else None

    def by_copy(self, target: str) -> dict[str, float]:
        """Pearson's coefficient on each test copy; empty where an experiment does not state it."""
        numbers = self.targets[target]
        return {
            name.removeprefix("copies."): value
            for name, value in numbers.items()
            if name.startswith("copies.")
        }


def read_results(commits: Sequence[str]) -> dict[str, Result]:
    """Read the numbers of experiments; those without any are left out."""
    evaluate, headline, train = (
        _read_json(commits, f"metrics/{name}.json") for name in ("evaluate", "headline", "train")
    )
    return {
        commit: Result(
            headline.get(commit, {}),
            {label: dict(_flatten(numbers)) for label, numbers in metrics["test"].items()},
            _mean_over_trainings(train.get(commit, {}), list(metrics["test"])),
            metrics["selected_on"],
        )
        for commit, metrics in evaluate.items()
    }


def read_densities(commits: Sequence[str], target: str) -> dict[str, pl.DataFrame]:
    """PDFs of truth and predictions by experiment: columns source, low, high, density."""
    tables = {
        commit: pl.read_csv(BytesIO(text), infer_schema_length=None)
        for commit, text in read_files(commits, "plots/evaluate/pdf.csv").items()
    }
    return {
        commit: table.filter(pl.col("label") == target, pl.col("source").is_in(["target", "network"])).drop(
            "label"
        )
        for commit, table in tables.items()
    }


def _read_json(commits: Sequence[str], path: str) -> dict[str, Any]:
    return {commit: json.loads(text) for commit, text in read_files(commits, path).items()}


def _flatten(numbers: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in numbers.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, SHORT_NAMES.get(f"{prefix}{name}.", f"{prefix}{name}."))
        elif isinstance(value, int | float):
            yield prefix + name, value


def _mean_over_trainings(train: Mapping[str, Any], labels: Sequence[str]) -> dict[str, float]:
    """Mean over folds and seeds where the file lists its trainings; that of the only one otherwise."""
    rows = [row["pearson"] for row in train.get("trainings", [])]
    if not rows and train:
        part = train[train["selected_on"]]
        rows = [{label: part[label]["pearson"] for label in labels if label in part}]
    return {
        label: float(np.mean([row[label] for row in rows])) for label in labels if rows and label in rows[0]
    }
