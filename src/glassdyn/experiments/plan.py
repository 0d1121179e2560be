"""What of a sweep is done, what is under way, and what is missing."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from glassdyn.experiments.identity import match_points
from glassdyn.experiments.points import Point
from glassdyn.experiments.queue import Task
from glassdyn.experiments.repository import Experiment

__all__ = ["Plan", "find_done", "make_plan", "unused_name"]


class Plan(NamedTuple):
    """The state of a sweep.

    Attributes:
        done: name of the point -> the experiment that holds it, of whatever name.
        under_way: name of the task -> the point that it is, waiting in the queue or running.
        missing: points that neither has.
        obsolete: revisions of tasks of these names that failed, or wait with other code or parameters.
    """

    done: Mapping[str, Experiment]
    under_way: Mapping[str, Point]
    missing: tuple[Point, ...]
    obsolete: tuple[str, ...]


def find_done(points: Sequence[Point], experiments: Sequence[Experiment]) -> dict[str, Experiment]:
    """The experiments that hold points of this code and these parameters, by name of the point."""
    by_commit = {experiment.commit: experiment for experiment in experiments}
    matches = match_points({point.name: point.changes for point in points}, list(by_commit))
    return {name: by_commit[commit] for name, commit in matches.items()}


def make_plan(points: Sequence[Point], experiments: Sequence[Experiment], tasks: Sequence[Task]) -> Plan:
    """Compare points with the experiments that there are and with what stands in the queue.

    Args:
        points: of the sweep.
        experiments: all finished ones.
        tasks: the queue.
    """
    done = find_done(points, experiments)
    rest = {point.name: point for point in points if point.name not in done}
    waiting = {task.revision: task for task in tasks if task.state in {"Queued", "Running"}}
    matches = match_points({name: point.changes for name, point in rest.items()}, list(waiting))
    under_way = {waiting[revision].name: rest[name] for name, revision in matches.items()}
    ours = [task for task in tasks if any(_is_name_of(point, task.name) for point in points)]
    obsolete = [
        task.revision
        for task in ours
        if task.state == "Failed" or (task.state == "Queued" and task.name not in under_way)
    ]
    missing = tuple(point for name, point in rest.items() if name not in matches)
    return Plan(done, under_way, missing, tuple(obsolete))


def _is_name_of(point: Point, name: str) -> bool:
    return re.fullmatch(rf"{re.escape(point.name)}(-v\d+)?", name) is not None


def unused_name(point: Point, names: set[str]) -> str:
    """The name of a point, or, where an experiment of other code or parameters has it, that with -v2, -v3 ..."""
    candidates = [point.name, *(f"{point.name}-v{number}" for number in range(2, len(names) + 3))]
    return next(name for name in candidates if name not in names)
