"""Every kind of model on every kind of node features: correlations with errors, beside the ceiling.

    python benchmarks/models.py default FOLDER                 # after `dvc repro`: rotated splits, each copy tested once
    python benchmarks/models.py botan datasets/botan           # published configurations, each tested by the others
    python benchmarks/models.py botan-networks datasets/botan  # networks on these, three seeds, tested on the last two

FOLDER holds params.yaml and data/snapshots, data/labels, data/isoconfigurational of a finished pipeline; datasets/botan
holds the published files in raw/. Each row is the product's own stage `train` with some parameters changed; all
predictions are then compared by its own stage `evaluate`, so that differences are paired. --work DIR keeps what is
finished: a run that was cut off goes on. --rows takes those whose names contain a word. --picture FILE draws a slab of
a test configuration as the best row predicts it. Exit status 1 where a bound is missed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from ruamel.yaml import YAML

from glassdyn import parameter_files
from glassdyn.figures import style
from glassdyn.figures.snapshot import slab

SRC = Path(__file__).resolve().parents[1] / "src"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: its first cell.
        overrides: of params.yaml.
        seeds: a training for each; their mean and spread are one line.
    """

    name: str
    overrides: Sequence[str]
    seeds: Sequence[int] = (1,)

    def members(self) -> Iterator[tuple[str, list[str]]]:
        """Name of the folder of predictions, and overrides, of each seed."""
        slug = "-".join(self.name.replace(",", "").replace("+", " ").split())
        for seed in self.seeds:
            yield f"{slug}-s{seed}", [*self.overrides, f"train.seed={seed}"]


@dataclass(frozen=True)
class Study:
    """A table: a data set and its rows.

    Attributes:
        base: overrides of all rows.
        rows: lines of the table.
        reference: name of the row that the others are compared with.
        bounds: name of a row -> least mean correlation over copies.
        stages: that make the data of the rows from what the folder holds.
    """

    base: Sequence[str]
    rows: Sequence[Row]
    reference: str
    bounds: Mapping[str, float] = field(default_factory=dict)
    stages: Sequence[str] = ("describe",)


NODES = {"radial": "full", "local": "local", "local+radial": "local+radial"}
REGRESSIONS = {"ridge": ["model.kind=ridge", "model.linear=false"]}
KINDS = REGRESSIONS | {
    "boosting": ["model.kind=boosting", "model.linear=false"],
    "network": ["model.linear=false"],
    "ensemble of 3": ["model.linear=false", "train.seeds=3"],
    "ridge + network": ["model.linear=true"],
}
"""Kinds of models of the default run, by the parameters that make them."""

LAST_TWO = [
    "train.max_steps=300",
    "train.record_every=30",
    "evaluate.folds=1",
    "split.train=[0,1,2,3,4,5,6]",
    "split.validation=[7]",
    "split.test=[8,9]",
    "graph.nodes=local",
]
NETWORKS = {
    "perceptron": ["model.kind=graph_network", "model.n_rec=0"],
    "graph_network": ["model.kind=graph_network"],
    "ridge + graph_network": ["model.kind=graph_network", "model.linear=true"],
    "attention": ["model.kind=attention"],
    "radial_filter": ["model.kind=radial_filter"],
}
"""Networks on the published configurations; all see the same averaged fields."""

WITHIN_SNAPSHOTS = ["graph.standardise=snapshot", "loss.standardise=snapshot"]

STUDIES = {
    "default": Study(
        base=["evaluate.folds=5", "train.max_steps=300", "train.record_every=30"],
        rows=[
            Row(f"{kind}, {nodes}", [*overrides, f"graph.nodes={NODES[nodes]}"])
            for nodes in NODES
            for kind, overrides in KINDS.items()
        ],
        reference="ridge, radial",
    ),
    "botan": Study(
        base=["model.kind=ridge"],
        rows=[
            Row("ridge, radial", ["graph.nodes=full"]),
            Row("ridge, local", ["graph.nodes=local"]),
            Row("ridge, shells", ["graph.nodes=shells"]),
            Row("ridge, local+shells", ["graph.nodes=local+shells"]),
            Row("ridge, local within snapshots", ["graph.nodes=local", *WITHIN_SNAPSHOTS]),
            Row("ridge, shells within snapshots", ["graph.nodes=shells", *WITHIN_SNAPSHOTS]),
            Row("boosting, local", ["graph.nodes=local", "model.kind=boosting"]),
        ],
        reference="ridge, radial",
        bounds={"ridge, local+shells": 0.79},
        stages=("import_set", "describe"),
    ),
    "botan-networks": Study(
        base=LAST_TWO,
        rows=[
            Row("ridge, local", REGRESSIONS["ridge"]),
            *(Row(f"{name}, local", overrides, seeds=(1, 2, 3)) for name, overrides in NETWORKS.items()),
        ],
        reference="ridge, local",
        stages=("import_set", "describe"),
    ),
}


def run_stage(name: str, work: Path) -> None:
    """Run a stage of the product in a folder."""
    command = [sys.executable, "-W", "ignore", "-m", f"glassdyn.stages.{name}"]
    environment = os.environ | {"PYTHONPATH": str(SRC)}
    subprocess.run(command, cwd=work, env=environment, check=True)


def write_params(folder: Path, work: Path, overrides: Sequence[str]) -> None:
    """Write params.yaml of a row."""
    with (work / "params.yaml").open("w") as file:
        YAML().dump(parameter_files.read(folder / "params.yaml", overrides), file)


def link_data(study: Study, folder: Path, work: Path) -> None:
    """Make the inputs of the study's stages visible in the work folder, where none of them writes to them."""
    imported = "import_set" in study.stages
    names = ["raw"] if imported else ["data/snapshots", "data/labels", "data/isoconfigurational"]
    (work / "data/predictions").mkdir(parents=True, exist_ok=True)
    for name in names:
        if (folder / name).exists() and not (work / name).is_symlink():
            (work / name).symlink_to((folder / name).resolve())


def train_member(slug: str, overrides: Sequence[str], folder: Path, work: Path) -> None:
    """Train a row's seed, unless its predictions lie there, and keep its predictions and seconds."""
    target = work / "rows" / slug
    if target.exists():
        return
    write_params(folder, work, overrides)
    network, start = work / "data/predictions/network", time.perf_counter()
    if network.is_symlink():  # the reference of an earlier comparison
        network.unlink()
    shutil.rmtree(network, ignore_errors=True)
    run_stage("train", work)
    seconds = time.perf_counter() - start
    (network / "seconds.txt").write_text(f"{seconds:.1f}\n")
    target.parent.mkdir(exist_ok=True)
    network.rename(target)


def evaluate(
    slugs: Sequence[str], reference: str, folder: Path, work: Path, base: Sequence[str]
) -> dict[str, Any]:
    """Compare all predictions; the reference takes the place of the network, to which differences refer."""
    predictions = work / "data/predictions"
    shutil.rmtree(predictions)
    predictions.mkdir()
    for slug in slugs:
        (predictions / slug).symlink_to((work / "rows" / slug).resolve())
    (predictions / "network").symlink_to((work / "rows" / reference).resolve())
    write_params(folder, work, base)
    run_stage("evaluate", work)
    metrics: dict[str, Any] = json.loads((work / "metrics/evaluate.json").read_text())
    return metrics


def tabulate(study: Study, metrics: Mapping[str, Any], work: Path) -> list[dict[str, Any]]:
    """One entry for each row: correlations averaged over its seeds, and their spread."""
    (label, test), baselines = next(iter(metrics["test"].items())), metrics["baselines"]
    entries = []
    for row in study.rows:
        slugs = [slug for slug, _ in row.members()]
        scores = [baselines[slug][label] for slug in slugs]
        against = [test["improvement"][slug] for slug in slugs]
        rhos = [score["pearson"] for score in scores]
        entries.append(
            {
                "name": row.name,
                "pooled": float(np.mean(rhos)),
                "spread": float(np.std(rhos, ddof=1)) if len(rhos) > 1 else None,
                "mean": float(np.mean([score["pearson_copy_mean"] for score in scores])),
                "error": float(np.mean([score["pearson_copy_error"] for score in scores])),
                "ratio": float(np.mean([score.get("ratio_sample_mean", np.nan) for score in scores])),
                "over": -float(np.mean([each["copy_mean"] for each in against])),
                "over_error": float(np.mean([each["copy_error"] for each in against])),
                "seconds": float(np.mean([read_seconds(work / "rows" / slug) for slug in slugs])),
            }
        )
    return entries


def read_seconds(folder: Path) -> float:
    return float((folder / "seconds.txt").read_text())


def format_entry(entry: Mapping[str, Any]) -> str:
    spread = f" +- {entry['spread']:.3f}" if entry["spread"] is not None else " " * 9
    return (
        f"{entry['name']:36} {entry['pooled']:6.3f}{spread}  {entry['mean']:6.3f} +- {entry['error']:.3f}  "
        f"{entry['ratio']:5.2f}  {entry['over']:+6.3f} +- {entry['over_error']:.3f}  {entry['seconds']:6.0f}"
    )


def print_table(study: Study, metrics: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> None:
    test = next(iter(metrics["test"].values()))
    print(
        f"{metrics['copies']} test copies, {metrics['samples']} configurations, {metrics['particles']} A particles; "
        f"folds: {metrics['folds']}"
    )
    if "ceiling" in test:
        print(
            f"ceiling: {test['ceiling']:.3f} +- {test['ceiling_error']:.3f} pooled, "
            f"{test['ceiling_sample_mean']:.3f} +- {test['ceiling_sample_error']:.3f} per configuration"
        )
    print(
        f"{'':36} {'pooled, seeds':15}  {'mean of copies':15}  ratio  {'over ' + study.reference:16} seconds"
    )
    for entry in entries:
        print(format_entry(entry))


def verdict(study: Study, entries: Sequence[Mapping[str, Any]]) -> int:
    """Whether every bound holds; the exit status."""
    means = {entry["name"]: entry["mean"] for entry in entries}
    missed = {name: least for name, least in study.bounds.items() if name in means and means[name] < least}
    for name, least in missed.items():
        print(f"MISSED: {name}: {means[name]:.3f}, bound >= {least}")
    return 1 if missed else 0


def draw_slab(work: Path, picture: Path) -> None:
    """A slab of a test configuration, as measured and as the model in the network's place predicts it."""
    table = pl.read_csv(work / "plots/evaluate/slab.csv", infer_schema_length=None)
    label = str(table["label"][0])
    style.save(slab(table.filter(pl.col("label") == label), label=label), picture)


def run_study(
    study: Study, folder: Path, work: Path, words: Sequence[str], picture: Path | None = None
) -> int:
    """Train what is not there yet, compare, print, draw."""
    rows = [row for row in study.rows if not words or any(word in row.name for word in words)]
    rows += [row for row in study.rows if row.name == study.reference and row not in rows]
    link_data(study, folder, work)
    if not (work / "prepared").exists():
        write_params(folder, work, study.base)
        for stage in study.stages:
            run_stage(stage, work)
        (work / "prepared").touch()
    members = [member for row in rows for member in row.members()]
    for slug, overrides in members:
        train_member(slug, [*study.base, *overrides], folder, work)
    reference = next(slug for row in rows if row.name == study.reference for slug, _ in row.members())
    metrics = evaluate([slug for slug, _ in members], reference, folder, work, study.base)
    shown = replace(study, rows=rows)
    entries = tabulate(shown, metrics, work)
    print_table(shown, metrics, entries)
    if picture:
        best = max(entries, key=lambda entry: entry["mean"])["name"]
        leader = next(slug for row in rows if row.name == best for slug, _ in row.members())
        evaluate([slug for slug, _ in members], leader, folder, work, study.base)
        draw_slab(work, picture)
    return verdict(shown, entries)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", nargs="*", default=[], help="words; rows whose names hold one of them")
    parser.add_argument("--picture", type=Path, help="where to draw a slab as the best row predicts it")
    parser.add_argument("--work", type=Path, help="folder of what is finished; a temporary one by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)) / options.study
        work.mkdir(parents=True, exist_ok=True)
        return run_study(
            STUDIES[options.study], options.folder, work.resolve(), options.rows, options.picture
        )


if __name__ == "__main__":
    sys.exit(main())
