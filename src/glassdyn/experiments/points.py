"""The points of a sweep: every combination of its values and repeats, each an experiment with a readable name."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from glassdyn import folds, parameter_files, params
from glassdyn.constraints import validate
from glassdyn.experiments.sweep_file import CASE, Rotate, Sweep, Value
from glassdyn.parameter_files import ParamsError

__all__ = ["Point", "apply_changes", "as_override", "make_points", "require_valid", "select_points"]


class Point(NamedTuple):
    """An experiment of a sweep.

    Attributes:
        name: such as "architecture-16x16-n3-s1".
        axes: its values on the axes of the grid, by parameter, and its label by `case`.
        repeat: what tells it from its repeats: fold and seed.
        changes: values in place of those of params.yaml, by parameter.
    """

    name: str
    axes: Mapping[str, Value]
    repeat: tuple[int, int]
    changes: Mapping[str, Value]

    @property
    def overrides(self) -> list[str]:
        """The changes as `dvc exp run -S` takes them."""
        return [as_override(key, value) for key, value in self.changes.items()]


def as_override(key: str, value: Value) -> str:
    """Write "model.hidden=[16,16]"."""
    return f"{key}={_as_text(value)}"


def _as_text(value: Value) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(_as_text, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def apply_changes(tree: Mapping[str, Any], changes: Mapping[str, Value]) -> dict[str, Any]:
    """Put a point's values in place of those of a tree of parameters.

    Raises:
        ParamsError: for a parameter that does not exist.
    """
    nested: dict[str, dict[str, Value]] = {}
    for dotted, value in changes.items():
        section, _, key = dotted.partition(".")
        nested.setdefault(section, {})[key] = value
    if not all(nested[section].keys() <= tree.get(section, {}).keys() for section in nested):
        return parameter_files.merge(tree, nested)  # which says what there is
    return {section: {**keys, **nested.get(section, {})} for section, keys in tree.items()}


def make_points(name: str, sweep: Sweep, path: Path = Path("params.yaml")) -> list[Point]:
    """All points of a sweep, in the order of the file; seeds vary fastest.

    Args:
        name: of the sweep, with which names of points begin.
        sweep: what varies.
        path: the parameters that the points change.

    Raises:
        ParamsError: where the parameters of a point break a rule, and where two points have the same parameters.
    """
    split = params.load(path).split
    points = []
    for axes, changes, rotate in _combinations(sweep):
        rotations, inside = (sweep.folds if rotate == where else 1 for where in ("apart", "inside"))
        for fold, seed in itertools.product(range(rotations), sweep.seeds):
            repeat: dict[str, Value] = {"train.seed": seed, "evaluate.folds": inside}
            if rotations > 1:
                repeat |= _rotate_split(changes, split, fold)
            parts = [name, *_name_parts(axes), *([f"f{fold}"] if rotations > 1 else [])]
            points.append(Point("-".join([*parts, f"s{seed}"]), axes, (fold, seed), {**changes, **repeat}))
    _refuse_equal(points)
    return _number_repeats(points)


def _refuse_equal(points: Sequence[Point]) -> None:
    """Two points of equal parameters are one experiment: the second would be missing for ever."""
    seen = dict[str, str]()
    for point in points:
        parameters = repr(sorted(point.changes.items()))
        if parameters in seen:
            raise ParamsError(
                f"points of a sweep differ in a parameter: {seen[parameters]} and {point.name} do not; give every "
                "value once (sweeps/*.yaml, --set)"
            )
        seen[parameters] = point.name


def select_points(points: Sequence[Point], patterns: Sequence[str]) -> list[Point]:
    """The points whose name fits any pattern, such as "*16x16*"; all, where there is no pattern.

    Raises:
        ParamsError: where no point fits.
    """
    selected = [point for point in points if not patterns or any(fnmatch(point.name, p) for p in patterns)]
    if not selected:
        raise ParamsError(
            f"a pattern fits names such as {points[0].name}: got {', '.join(patterns)}; * stands for any letters"
        )
    return selected


def _combinations(sweep: Sweep) -> Iterator[tuple[dict[str, Value], dict[str, Value], Rotate]]:
    """Values on the axes, all changes that they mean, and where folds are made."""
    for values in itertools.product(*sweep.grid.values()):
        along = dict(zip(sweep.grid, values, strict=True))
        if not sweep.cases:
            yield along, {**sweep.set, **along}, sweep.rotate
        for case in sweep.cases:
            yield {**along, CASE: case.label}, {**sweep.set, **along, **case.set}, case.rotate or sweep.rotate


def _rotate_split(changes: Mapping[str, Value], split: params.Split, fold: int) -> dict[str, Value]:
    """The parts of a fold, from those that the point declares."""
    parts = {key: list(copies) for key, copies in asdict(split).items()}
    ours = {key: changes.get(f"split.{key}", copies) for key, copies in parts.items()}
    declared = params.Split(**{key: tuple(ours[key]) for key in ours})  # type: ignore[arg-type]
    rotated = folds.rotate_split(declared, fold)
    return {f"split.{key}": list(copies) for key, copies in asdict(rotated).items()}


def _name_parts(axes: Mapping[str, Value]) -> Iterator[str]:
    """Values as names have them: lists 16x16, numbers with the letter of their parameter, n3, words as they are."""
    for key, value in axes.items():
        letter = "" if key == CASE or isinstance(value, str | list) else key.rpartition(".")[2][0]
        text = "x".join(map(str, value)) if isinstance(value, list) else str(value)
        yield re.sub(r"[^0-9A-Za-z._+-]+", "-", f"{letter}{text}").strip("-.")


def _number_repeats(points: Sequence[Point]) -> list[Point]:
    """Cases of equal label repeat each other: r1, r2 ... in their names, and their number as the fold."""
    total, number = Counter(point.name for point in points), Counter[str]()
    numbered = []
    for point in points:
        number[point.name] += 1
        if total[point.name] == 1:
            numbered.append(point)
            continue
        body, _, seed = point.name.rpartition("-")
        name, fold = f"{body}-r{number[point.name]}-{seed}", number[point.name] - 1
        numbered.append(point._replace(name=name, repeat=(fold, point.repeat[1])))
    return numbered


def require_valid(points: Sequence[Point], path: Path = Path("params.yaml")) -> None:
    """Refuse points whose parameters break a rule, before anything is queued.

    Raises:
        ParamsError: with the first of each message and the names of its points.
    """
    tree, refused = parameter_files.read(path), dict[str, list[str]]()
    for point in points:
        try:
            validate(params.Params, apply_changes(tree, point.changes), path)
        except ParamsError as error:
            refused.setdefault(str(error), []).append(point.name)
    if refused:
        lines = [
            f"{', '.join(names[:3])}{' ...' if len(names) > 3 else ''}: {why}"
            for why, names in refused.items()
        ]
        raise ParamsError(
            "\n".join([*lines, "leave these points out with --only, or change them with --set"])
        )
