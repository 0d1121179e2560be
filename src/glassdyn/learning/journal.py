"""What is told about a training: curves while it runs (DVCLive), metrics when it is over."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from dvclive.live import Live

from glassdyn.learning.training import Measure, Progress, Recording, best_of

__all__ = ["kept", "metrics"]


def kept(
    folder: Path, part: str, targets: tuple[str, ...], training: Iterable[Progress]
) -> Iterator[Progress]:
    """Pass a training through, writing its curves as they grow.

    `<folder>/plots/metrics/<part>/{loss,pearson}.tsv` hold means over targets, `pearson_<target>.tsv`
    the coefficient of each target where there are several; `dvc plots` and editors follow them.

    Args:
        folder: of the curves; emptied first.
        part: name of the held-out part.
        targets: names of the labels.
        training: the progress at each recording; what an earlier run recorded is written too.
    """
    written = 0
    with Live(str(folder), dvcyaml=None, save_dvc_exp=False, report=None) as live:
        for progress in training:
            for recording in progress.recordings[written:]:
                _write(live, part, targets, recording)
            written = len(progress.recordings)
            yield progress


def _write(live: Live, part: str, targets: tuple[str, ...], recording: Recording) -> None:
    live.step = recording.step
    for name, measure in (("train", recording.train), (part, recording.held_out)):
        live.log_metric(f"{name}/loss", float(np.mean(measure.losses)))
        live.log_metric(f"{name}/pearson", float(np.mean(measure.pearsons)))
        if len(targets) > 1:
            for target, rho in zip(targets, measure.pearsons, strict=True):
                live.log_metric(f"{name}/pearson_{target}", rho)
    live.next_step()  # type: ignore[no-untyped-call]


def metrics(part: str, targets: tuple[str, ...], progress: Progress) -> dict[str, object]:
    """The measures at the selected step, and which part selected it."""
    best = best_of(progress.recordings)
    return {
        "selected_on": part,
        "selected_step": best.step,
        "steps": progress.recordings[-1].step,
        "train": _by_target(targets, best.train),
        part: _by_target(targets, best.held_out),
    }


def _by_target(targets: tuple[str, ...], measure: Measure) -> dict[str, dict[str, float]]:
    return {
        target: {"loss": loss, "pearson": rho}
        for target, loss, rho in zip(targets, measure.losses, measure.pearsons, strict=True)
    }
