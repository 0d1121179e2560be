"""A sweep as a table: one row for each point, its repeats averaged, with errors, ceilings and the thesis's values."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from glassdyn.evaluation.units import standard_error
from glassdyn.experiments.points import Point
from glassdyn.experiments.results import Result
from glassdyn.experiments.sweep_file import TARGET, Figure, Reference, Sweep, Value

__all__ = ["Group", "group_results", "name_value", "tabulate_densities", "tabulate_groups"]


class Group(NamedTuple):
    """A point of a figure: experiments that are repeats of each other.

    Attributes:
        x: where it stands on the axis.
        line: the curve that it belongs to; empty for the only one.
        target: the label that is predicted.
        experiments: names.
        results: their numbers.
        repeats: fold and seed of each.
    """

    x: Value
    line: Value
    target: str
    experiments: tuple[str, ...]
    results: tuple[Result, ...]
    repeats: tuple[tuple[int, int], ...]

    @property
    def by_copy(self) -> dict[str, float]:
        """Pearson coefficient on each test copy, mean over seeds."""
        copies: dict[str, list[float]] = {}
        for result in self.results:
            for copy, rho in result.by_copy(self.target).items():
                copies.setdefault(copy, []).append(rho)
        return {copy: float(np.mean(rhos)) for copy, rhos in sorted(copies.items())}

    def mean(self, name: str) -> float | None:
        """A number, mean over the repeats that have it."""
        numbers = [result.value(name, self.target) for result in self.results]
        numbers = [number for number in numbers if number is not None]
        return float(np.mean(numbers)) if numbers else None  # type: ignore[arg-type]

    @property
    def validation(self) -> float | None:
        """Pearson coefficient on the part that selects, mean over repeats."""
        rhos = [result.validation[self.target] for result in self.results if self.target in result.validation]
        return float(np.mean(rhos)) if rhos else None

    @property
    def error(self) -> tuple[float | None, str]:
        """Error of the mean rho, and what it is taken over.

        The standard error over test copies, each the mean over seeds, where there are two; else that of the
        experiments themselves, the thesis's deviation over subsets.
        """
        rhos = list(self.by_copy.values())
        if len(rhos) > 1:
            return standard_error(np.array(rhos)), f"{len(rhos)} copies"
        return self.mean("pearson_subset_std"), "subsets"

    @property
    def seed_spread(self) -> float | None:
        """Standard deviation over seeds of rho, from pairs of equal fold; None for one seed."""
        folds: dict[int, list[float]] = {}
        for (fold, _), result in zip(self.repeats, self.results, strict=True):
            folds.setdefault(fold, []).append(float(result.value("pearson", self.target) or 0.0))
        variances = [np.var(rhos, ddof=1) for rhos in folds.values() if len(rhos) > 1]
        return float(np.sqrt(np.mean(variances))) if variances else None


def group_results(points: Sequence[Point], results: Mapping[str, Result], figure: Figure) -> list[Group]:
    """Put repeats together, in the order of the points.

    Args:
        points: of the sweep.
        results: by name of the point, of those that are done.
        figure: which axes are x and lines.
    """
    groups: dict[str, Group] = {}
    for point in points:
        if point.name not in results:
            continue
        for group in _places(point, results[point.name], figure):
            key = str((group.x, group.line, group.target))
            before = groups.get(key, group._replace(experiments=(), results=(), repeats=()))
            groups[key] = before._replace(
                experiments=before.experiments + group.experiments,
                results=before.results + group.results,
                repeats=before.repeats + group.repeats,
            )
    return list(groups.values())


def _places(point: Point, result: Result, figure: Figure) -> Iterator[Group]:
    """Where an experiment stands: once, or once for each label where these are an axis."""
    labels = list(result.targets) if TARGET in {figure.x, figure.lines} else list(result.targets)[:1]
    for label in labels:
        along = {**point.axes, TARGET: label}
        line = along[figure.lines] if figure.lines else ""
        yield Group(along[figure.x], line, label, (point.name,), (result,), (point.repeat,))


def name_value(value: Value) -> str:
    """A value as tables show it: (16, 16), 3, p_hop; of a list of one, its entry."""
    if not isinstance(value, list):
        return str(value)
    return str(value[0]) if len(value) == 1 else f"({', '.join(map(str, value))})"


def tabulate_groups(groups: Sequence[Group], sweep: Sweep) -> pl.DataFrame:
    """The table of a sweep.

    Returns:
        Columns x, line, target, experiments (how many), pearson, error, error_over, seed_spread, validation,
        ceiling, ceiling_error, the further numbers that the figure shows, thesis and thesis_error; null where there
        is none.
    """
    return pl.DataFrame([_row(group, sweep) for group in groups], infer_schema_length=None)


def _row(group: Group, sweep: Sweep) -> dict[str, Any]:
    error, error_over = group.error
    reference = _find_reference(sweep.reference, group)
    return {
        "x": group.x if isinstance(group.x, int | float) else name_value(group.x),
        "line": name_value(group.line),
        "target": group.target,
        "experiments": len(group.results),
        "pearson": group.mean("pearson"),
        "error": error,
        "error_over": error_over,
        "seed_spread": group.seed_spread,
        "validation": group.validation,
        "ceiling": group.mean("ceiling"),
        "ceiling_error": group.mean("ceiling_error"),
        **{name: group.mean(name) for name in sweep.figure.y if name != "pearson"},
        "thesis": reference.y if reference else None,
        "thesis_error": reference.error if reference else None,
    }


def _find_reference(references: Sequence[Reference], group: Group) -> Reference | None:
    """What the thesis states of a point: by its x, and by its line where there are several."""
    matching = (
        ref for ref in references if ref.x == group.x and (ref.line is None or ref.line == group.line)
    )
    return next(matching, None)


def tabulate_densities(groups: Sequence[Group], densities: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """PDFs of the predictions of each point, and of the truth: columns source, low, high, density.

    Args:
        groups: of one target.
        densities: by experiment, columns source, low, high and density.
    """
    parts = []
    for k, group in enumerate(groups):
        table = densities.get(group.experiments[0])
        if table is None:
            continue
        rows = table if k == 0 else table.filter(pl.col("source") != "target")
        name = name_value(group.x)
        named = pl.when(pl.col("source") == "target").then(pl.lit("true")).otherwise(pl.lit(name))
        parts.append(rows.with_columns(source=named))
    return pl.concat(parts) if parts else pl.DataFrame()
