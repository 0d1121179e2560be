"""Run the missing points of a sweep in DVC's queue, and watch until they are done."""

import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event
from types import FrameType
from typing import NamedTuple

from glassdyn.experiments import queue
from glassdyn.experiments.identity import read_pipeline
from glassdyn.experiments.plan import Plan, make_plan, unused_name
from glassdyn.experiments.points import Point
from glassdyn.experiments.queue import Task
from glassdyn.experiments.repository import list_experiments
from glassdyn.jobs.progress import ProgressBar, print_line, show_progress

__all__ = [
    "Failure",
    "describe_others",
    "end_lost_tasks",
    "enqueue_missing",
    "note_interrupts",
    "plan_points",
    "run_points",
]

INTERVAL = 3.0
"""Seconds between looks at the queue."""

START_TIME = 20.0
"""Seconds that workers get to come up before others are started."""

RESTARTS = 2
"""Times that an experiment whose worker was killed is queued anew."""


LOOKS = 5
"""Looks in vain after which an experiment is no longer in the queue."""


class Failure(NamedTuple):
    """An experiment that failed.

    Attributes:
        name: of the experiment, as `dvc queue logs` takes it.
        words: the end of what it printed.
    """

    name: str
    words: str


def plan_points(points: Sequence[Point]) -> Plan:
    """Look at the experiments and at the queue, see `make_plan`."""
    return make_plan(points, list_experiments(), queue.list_tasks())


def run_points(name: str, points: Sequence[Point], jobs: int) -> list[Failure]:
    """Have all points done: queue those that are missing, keep workers at work, show how far they are.

    Whatever ends this process, `kill -9` or a power cut, the queue stays, and the next call goes on with it; Ctrl-C
    ends the experiments that run, and leaves those that wait in the queue.

    Args:
        name: of the sweep.
        points: of the sweep.
        jobs: experiments at a time.

    Returns:
        The points that failed.
    """
    with note_interrupts() as interrupt:
        end_lost_tasks(queue.list_tasks())
        plan = plan_points(points)
        queue.remove_tasks(plan.obsolete)
        if sentence := describe_others(
            queue.list_tasks(), {*plan.under_way, *(point.name for point in points)}
        ):
            print_line(sentence)
        waiting = dict(plan.under_way) | enqueue_missing(plan.missing, interrupt)
        with show_progress(name, total=len(points), unit="experiments") as bar:
            bar(len(points) - len(waiting))
            failures = _watch(waiting, jobs, bar, interrupt)
    if interrupt.is_set():
        running = [
            task.name for task in queue.list_tasks() if task.state == "Running" and task.name in waiting
        ]
        print_line("interrupted; what is finished is kept, and the same command goes on")
        queue.stop_tasks(running)
        raise KeyboardInterrupt
    return failures


def describe_others(tasks: Sequence[Task], names: set[str]) -> str:
    """Which experiments run before those of a sweep: of another, or of this one before it was changed; empty: none."""
    foreign = [task.name for task in tasks if task.state == "Queued" and task.name not in names]
    if not foreign:
        return ""
    return (
        f"{len(foreign)} other experiments wait in the queue and run first, such as {foreign[0]}; "
        "`dvc queue remove NAME ...` takes them out"
    )


@contextmanager
def note_interrupts() -> Iterator[Event]:
    """Set an event at Ctrl-C or SIGTERM; a second one ends the process at once.

    An exception could be raised anywhere, and in DVC's queue it is swallowed.
    """
    interrupt = Event()

    def note(number: int, _frame: FrameType | None) -> None:
        interrupt.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def enqueue_missing(points: Sequence[Point], interrupt: Event) -> dict[str, Point]:
    """Put points into the queue, until there is an interrupt.

    They run up to the numbers that a sweep compares: pictures and report of each would take as long as its training.

    Returns:
        Name of the experiment -> point.
    """
    if not points:
        return {}
    names = {experiment.name for experiment in list_experiments()}
    names |= {task.name for task in queue.list_tasks() if task.state != "Success"}
    queued = {unused_name(point, names): point for point in points}
    print_line(f"queueing {len(queued)} experiments")
    for experiment, point in queued.items():
        if not interrupt.is_set():
            _enqueue(experiment, point)
    return queued


def _enqueue(experiment: str, point: Point) -> None:
    queue.enqueue(experiment, point.overrides, read_pipeline().last)


def _watch(waiting: dict[str, Point], jobs: int, bar: ProgressBar, interrupt: Event) -> list[Failure]:
    """Follow experiments until none waits or there is an interrupt; those whose worker was killed are queued anew."""
    failures: list[Failure] = []
    restarts, absences = Counter[str](), Counter[str]()
    started = float("-inf")
    while waiting and not interrupt.is_set():
        tasks = {task.name: task for task in reversed(queue.list_tasks()) if task.name in waiting}
        absences.update(name for name in waiting if name not in tasks)
        if (
            len(queue.worker_processes()) < min(jobs, len(waiting))
            and time.monotonic() > started + START_TIME
        ):
            queue.start_workers(jobs)
            started = time.monotonic()
        bar.tell(_describe(tasks))
        lost = end_lost_tasks(list(tasks.values()))
        _enqueue_again([task for task in lost if restarts[task.name] < RESTARTS], waiting)
        restarts.update(task.name for task in lost)
        for experiment in [name for name in waiting if _has_ended(tasks.get(name), absences[name])]:
            point, task = waiting.pop(experiment), tasks.get(experiment)
            bar(1)
            if task is not None and task.state == "Failed":
                failures.append(Failure(experiment, queue.last_words(task.revision)))
                print_line(f"{point.name} failed: {failures[-1].words.splitlines()[-1]}")
        interrupt.wait(INTERVAL if waiting else 0.0)
    return failures


def _enqueue_again(tasks: Sequence[Task], waiting: Mapping[str, Point]) -> None:
    for task in tasks:
        print_line(f"{task.name}: its worker was killed; queued again")
        queue.remove_tasks([task.revision])
        _enqueue(task.name, waiting[task.name])


def _describe(tasks: Mapping[str, Task]) -> str:
    states = Counter(task.state for task in tasks.values())
    return f"{states['Running']} running, {states['Queued']} waiting"


def _has_ended(task: Task | None, absences: int) -> bool:
    """Whether an experiment succeeded, failed, or was taken out of the queue by somebody.

    On its way to a worker it is nowhere for a moment.
    """
    return absences >= LOOKS if task is None else task.state in {"Success", "Failed"}


def end_lost_tasks(tasks: Sequence[Task]) -> list[Task]:
    """End experiments whose worker was killed; return those that DVC counts as failed, the next look takes others."""
    lost = [task for task in tasks if task.state == "Running" and queue.is_lost(task)]
    return [task for task in lost if queue.end_lost_task(task.name)]
