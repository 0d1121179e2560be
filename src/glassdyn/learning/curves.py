"""What a training shows and writes: a line and curves while it runs (DVCLive), metrics at its end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from dvclive.live import Live

from glassdyn.jobs.progress import ProgressBar, show_progress
from glassdyn.learning.distributed import Group
from glassdyn.learning.metrics import Metrics
from glassdyn.learning.training import LogEntry, TrainingState, best_entry, last_step
from glassdyn.params import Train

__all__ = ["Monitor", "log_curves", "monitor_training", "show_state", "summarise_training"]


class Monitor(NamedTuple):
    """What to call while a training runs.

    Attributes:
        advance: with the number of steps done since the last call.
        log: with every state.
    """

    advance: Callable[[float], None]
    log: Callable[[TrainingState], None]


@contextmanager
def monitor_training(
    folder: Path, targets: tuple[str, ...], params: Train, group: Group
) -> Iterator[Monitor]:
    """Show how a training fares and write its curves, in the first of its processes.

    Args:
        folder: of the curves, see `log_curves`.
        targets: names of the labels.
        params: of the training.
        group: this process among those that train together.
    """
    if group.rank > 0:
        yield Monitor(lambda _steps: None, lambda _state: None)
        return
    bar_total = last_step((), params)
    with show_progress("train", total=bar_total, unit="steps") as bar, log_curves(folder, targets) as write:

        def log(state: TrainingState) -> None:
            write(state)
            show_state(bar, params, state)

        yield Monitor(bar, log)


def show_state(bar: ProgressBar, params: Train, state: TrainingState) -> None:
    """Show the newest metrics, and the step of the end if the objective does not fall again."""
    _, train, held_out = state.log[-1]
    text = f"loss {train.objective:.3g}, held out {held_out.objective:.3g}"
    bar.tell(f"{text}, Pearson {np.mean(held_out.pearsons):.3f}", total=last_step(state.log, params))


@contextmanager
def log_curves(folder: Path, targets: tuple[str, ...]) -> Iterator[Callable[[TrainingState], None]]:
    """Write the curves of a training as they grow.

    `<folder>/plots/metrics/{train,held_out}/` get `objective.tsv`, `pearson.tsv` (mean over targets) and, for
    each target, `loss_<target>.tsv` and `pearson_<target>.tsv`; `dvc plots` and editors follow them.

    Args:
        folder: of the curves; emptied first.
        targets: names of the labels.

    Yields:
        What to call with every state; entries of the log that an earlier run has made are written too.
    """
    written = 0
    with Live(str(folder), dvcyaml=None, save_dvc_exp=False, report=None) as live:

        def write(state: TrainingState) -> None:
            nonlocal written
            for entry in state.log[written:]:
                _write(live, targets, entry)
            written = len(state.log)

        yield write


def _write(live: Live, targets: tuple[str, ...], entry: LogEntry) -> None:
    live.step = entry.step
    for part, metrics in (("train", entry.train), ("held_out", entry.held_out)):
        live.log_metric(f"{part}/objective", metrics.objective)
        live.log_metric(f"{part}/pearson", float(np.mean(metrics.pearsons)))
        for target, loss, rho in zip(targets, metrics.losses, metrics.pearsons, strict=True):
            live.log_metric(f"{part}/loss_{target}", loss)
            live.log_metric(f"{part}/pearson_{target}", rho)
    live.next_step()  # type: ignore[no-untyped-call]


def summarise_training(part: str, targets: tuple[str, ...], state: TrainingState) -> dict[str, object]:
    """The metrics at the selected step, and which part of the split selected it."""
    best = best_entry(state.log)
    return {
        "selected_on": part,
        "selected_step": best.step,
        "steps": state.step,
        "train": _by_target(targets, best.train),
        part: _by_target(targets, best.held_out),
    }


def _by_target(targets: tuple[str, ...], metrics: Metrics) -> dict[str, object]:
    columns = zip(targets, metrics.losses, metrics.pearsons, strict=True)
    return {
        "objective": metrics.objective,
        **{target: {"loss": loss, "pearson": rho} for target, loss, rho in columns},
    }
