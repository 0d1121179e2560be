"""Which point of a sweep is the best: selected by validation, compared on the test copies by pairs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import ttest_rel

from glassdyn.evaluation.units import standard_error
from glassdyn.experiments.collect import Group, name_value

__all__ = ["PairedTest", "Selection", "compare_by_copies", "describe_selection", "select_by_validation"]


class PairedTest(NamedTuple):
    """The difference of two points on the same test copies.

    Attributes:
        difference: mean over copies of rho of the first minus rho of the second.
        error: its standard error.
        p_value: of Student's paired test, two-sided.
        copies: their number.
    """

    difference: float
    error: float
    p_value: float
    copies: int


class Selection(NamedTuple):
    """The best two points of one target.

    Attributes:
        best: has the largest rho on the validation part.
        next: comes second there.
        test: of best against next, on the test copies; None where they share less than two.
    """

    best: Group
    next: Group
    test: PairedTest | None


def select_by_validation(groups: Sequence[Group]) -> list[Selection]:
    """Select a point for each target that several points predict; the test copies have no say.

    Points whose models were selected on the test part are left out.
    """
    by_target: dict[str, list[Group]] = {}
    for group in groups:
        honest = all(result.selected_on != "test" for result in group.results)
        if group.validation is not None and honest:
            by_target.setdefault(group.target, []).append(group)
    selections = []
    for rivalling in by_target.values():
        ranked = sorted(rivalling, key=lambda group: -(group.validation or 0.0))
        if len(ranked) > 1:
            selections.append(Selection(ranked[0], ranked[1], compare_by_copies(ranked[0], ranked[1])))
    return selections


def compare_by_copies(first: Group, second: Group) -> PairedTest | None:
    """Test whether two points differ, on the test copies that both have predicted, each the mean over seeds."""
    ours, theirs = first.by_copy, second.by_copy
    copies = sorted(ours.keys() & theirs.keys())
    if len(copies) < 2:
        return None
    pairs = np.array([(ours[copy], theirs[copy]) for copy in copies])
    differences = pairs[:, 0] - pairs[:, 1]
    error = standard_error(differences) or 0.0
    p_value = float(ttest_rel(pairs[:, 0], pairs[:, 1]).pvalue) if error > 0 else 1.0
    return PairedTest(float(differences.mean()), error, p_value, len(copies))


def describe_selection(selection: Selection) -> str:
    """Say it in a sentence: the selected point, its test value, and whether it differs from the next."""
    best, second, test = selection
    error, error_over = best.error
    value = f"{best.mean('pearson') or 0.0:.3f}" + (f" +- {error:.3f} over {error_over}" if error else "")
    sentence = f"{best.target}: validation selects {_name(best)}, whose test value is {value}"
    if test is None:
        return f"{sentence}; next is {_name(second)}, and one test copy tells no difference"
    return (
        f"{sentence}; minus the next, {_name(second)}, {test.difference:+.3f} +- {test.error:.3f} "
        f"on the same {test.copies} copies (paired t-test: p = {test.p_value:.2g})"
    )


def _name(group: Group) -> str:
    return " ".join(
        filter(None, (name_value(group.line), "at" if group.line != "" else "", name_value(group.x)))
    )
