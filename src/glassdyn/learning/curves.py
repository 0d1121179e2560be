"""What is told about a training: a line and curves while it runs (DVCLive), metrics when it is over."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from dvclive.live import Live

from glassdyn.jobs.progress import ProgressBar
from glassdyn.learning.metrics import Metrics
from glassdyn.learning.training import LogEntry, Progress, best_of, last_step
from glassdyn.params import Train

__all__ = ["log_curves", "metrics", "show_training"]


def show_training(bar: ProgressBar, settings: Train, training: Iterable[Progress]) -> Iterator[Progress]:
    """Pass a training through, telling its bar how it fares and when it ends.

    Args:
        bar: whose total becomes the step of the end, if the objective does not fall again.
        settings: of the training.
        training: the progress at each recording.
    """
    for progress in training:
        _, train, held_out = progress.recordings[-1]
        text = f"loss {train.objective:.3g}, held out {held_out.objective:.3g}"
        bar.tell(
            f"{text}, Pearson {np.mean(held_out.pearsons):.3f}",
            total=last_step(progress.recordings, settings),
        )
        yield progress


def log_curves(folder: Path, targets: tuple[str, ...], training: Iterable[Progress]) -> Iterator[Progress]:
    """Pass a training through, writing its curves as they grow.

    `<folder>/plots/metrics/{train,held_out}/` get `objective.tsv`, `pearson.tsv` (mean over targets) and, for
    each target, `loss_<target>.tsv` and `pearson_<target>.tsv`; `dvc plots` and editors follow them.

    Args:
        folder: of the curves; emptied first.
        targets: names of the labels.
        training: the progress at each recording; what an earlier run recorded is written too.
    """
    written = 0
    with Live(str(folder), dvcyaml=None, save_dvc_exp=False, report=None) as live:
        for progress in training:
            for recording in progress.recordings[written:]:
                _write(live, targets, recording)
            written = len(progress.recordings)
            yield progress


def _write(live: Live, targets: tuple[str, ...], recording: LogEntry) -> None:
    live.step = recording.step
    for name, measure in (("train", recording.train), ("held_out", recording.held_out)):
        live.log_metric(f"{name}/objective", measure.objective)
        live.log_metric(f"{name}/pearson", float(np.mean(measure.pearsons)))
        for target, loss, rho in zip(targets, measure.losses, measure.pearsons, strict=True):
            live.log_metric(f"{name}/loss_{target}", loss)
            live.log_metric(f"{name}/pearson_{target}", rho)
    live.next_step()  # type: ignore[no-untyped-call]


def metrics(part: str, targets: tuple[str, ...], progress: Progress) -> dict[str, object]:
    """The measures at the selected step, and which part of the split selected it."""
    best = best_of(progress.recordings)
    return {
        "selected_on": part,
        "selected_step": best.step,
        "steps": progress.recordings[-1].step,
        "train": _by_target(targets, best.train),
        part: _by_target(targets, best.held_out),
    }


def _by_target(targets: tuple[str, ...], measure: Metrics) -> dict[str, object]:
    found: dict[str, object] = {"objective": measure.objective}
    for target, loss, rho in zip(targets, measure.losses, measure.pearsons, strict=True):
        found[target] = {"loss": loss, "pearson": rho}
    return found
