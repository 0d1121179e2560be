"""What trainings write in the end: curves (as DVCLive does), and metrics of each."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from dvclive.live import Live

from glassdyn.learning.metrics import Metrics
from glassdyn.learning.training import LogEntry, best_entry

__all__ = ["summarise_training", "write_curves"]


def write_curves(folder: Path, targets: tuple[str, ...], log: Sequence[LogEntry]) -> None:
    """Write the curves of a training.

    `<folder>/plots/metrics/{train,held_out}/` get `objective.tsv`, `pearson.tsv` (mean over targets) and, for
    each target, `loss_<target>.tsv` and `pearson_<target>.tsv`, which `dvc plots` shows.

    Args:
        folder: of the curves; emptied first.
        targets: names of the labels.
        log: of the training.
    """
    with Live(str(folder), dvcyaml=None, save_dvc_exp=False, report=None) as live:
        for entry in log:
            _write(live, targets, entry)


def _write(live: Live, targets: tuple[str, ...], entry: LogEntry) -> None:
    live.step = entry.step
    for part, metrics in (("train", entry.train), ("held_out", entry.held_out)):
        live.log_metric(f"{part}/objective", metrics.objective)
        live.log_metric(f"{part}/pearson", float(np.mean(metrics.pearsons)))
        for target, loss, rho in zip(targets, metrics.losses, metrics.pearsons, strict=True):
            live.log_metric(f"{part}/loss_{target}", loss)
            live.log_metric(f"{part}/pearson_{target}", rho)
    live.next_step()  # type: ignore[no-untyped-call]


def summarise_training(part: str, targets: tuple[str, ...], log: Sequence[LogEntry]) -> dict[str, object]:
    """The metrics at the selected step, and which part of the split selected it."""
    best = best_entry(log)
    return {
        "selected_on": part,
        "selected_step": best.step,
        "steps": log[-1].step,
        "train": _by_target(targets, best.train),
        part: _by_target(targets, best.held_out),
    }


def _by_target(targets: tuple[str, ...], metrics: Metrics) -> dict[str, object]:
    columns = zip(targets, metrics.losses, metrics.pearsons, strict=True)
    return {
        "objective": metrics.objective,
        **{target: {"loss": loss, "pearson": rho} for target, loss, rho in columns},
    }
