"""How well each model predicts each label, beside what chance allows, and what that says in words."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from glassdyn.reporting.numbers import decimals, interval, percent, with_error

__all__ = ["ModelRow", "TargetScores", "list_scores"]

Numbers = Mapping[str, Any]

MODELS = {
    "network": "network",
    "ridge": "ridge regression on the same features",
    "perceptron": "perceptron on the same features, without a graph",
    "radial_ridge": "ridge regression on radial descriptors",
    "averaged_ridge": "ridge regression on averaged radial descriptors",
    "constant": "mean of the training labels",
}
"""Models of the pipeline in words; others go by the names of their folders."""

THESIS = {"p_hop": ("0.35 ± 0.01", "thesis (figure 3.1): another liquid, 64000 particles at T = 0.43")}
"""Published Pearson coefficients and what they belong to, by label."""


class ModelRow(NamedTuple):
    """A row of the table of scores; every cell as it is written.

    Attributes:
        name: of the model's folder.
        text: the model in words.
        pearson: rho over all test particles, pooled, with its bootstrap interval.
        copies: mean of the rho of each copy, with its standard error.
        ratio: rho over the ceiling.
        auc: area under the ROC curve.
        spearman: rho of the ranks.
        difference: rho of the network less that of this model, with its interval.
    """

    name: str
    text: str
    pearson: str
    interval: str
    copies: str
    ratio: str
    auc: str
    spearman: str
    difference: str


class TargetScores(NamedTuple):
    """All scores of a label.

    Attributes:
        label: its name.
        rows: of the models, the network first, then from the best to the worst.
        ceiling: rho_max with its error; a dash without isoconfigurational runs.
        thesis: a published value and what it belongs to, where there is one.
        network: the numbers of the network.
        verdict: what they say, in sentences.
    """

    label: str
    rows: tuple[ModelRow, ...]
    ceiling: str
    thesis: tuple[str, str] | None
    network: ModelRow
    verdict: tuple[str, ...]


def list_scores(metrics: Numbers) -> list[TargetScores]:
    """Lay out the scores of every label.

    Args:
        metrics: of the stage evaluate.
    """
    return [_score_target(label, metrics) for label in metrics.get("test", {})]


def _score_target(label: str, metrics: Numbers) -> TargetScores:
    network: Numbers = metrics["test"][label]
    others = {name: numbers[label] for name, numbers in metrics["baselines"].items() if label in numbers}
    others = {name: numbers for name, numbers in others.items() if "pearson" in numbers}
    ordered = sorted(others, key=lambda name: -float(others[name]["pearson"]))
    differences: Numbers = network.get("improvement", {})
    rows = [_row("network", network, {})]
    rows += [_row(name, others[name], differences.get(name, {})) for name in ordered]
    return TargetScores(
        label,
        tuple(rows),
        with_error(network.get("ceiling"), network.get("ceiling_error")),
        THESIS.get(label),
        rows[0],
        tuple(_verdict(label, network, differences, best=ordered[0] if ordered else "")),
    )


def _row(name: str, numbers: Numbers, difference: Numbers) -> ModelRow:
    text = decimals(difference.get("difference"), 4)
    if difference:
        text += f" {interval(difference.get('low'), difference.get('high'), 4)}"
    return ModelRow(
        name,
        MODELS.get(name, name),
        decimals(numbers.get("pearson")),
        interval(numbers.get("pearson_low"), numbers.get("pearson_high")),
        with_error(numbers.get("pearson_copy_mean"), numbers.get("pearson_copy_error")),
        decimals(numbers.get("ratio"), 2),
        decimals(numbers.get("auc")),
        decimals(numbers.get("spearman")),
        text,
    )


def _verdict(label: str, network: Numbers, differences: Numbers, *, best: str) -> Iterator[str]:
    rho = with_error(
        network.get("pearson_copy_mean", network.get("pearson")), network.get("pearson_copy_error")
    )
    yield f"The Pearson correlation of {label} and the network's prediction from the structure is {rho}."
    if "ceiling" in network:
        yield (
            "Runs from one configuration differ by chance, so that no function of the structure can correlate by more than "
            f"{with_error(network['ceiling'], network.get('ceiling_error'))}: the network gets "
            f"{percent(network.get('ratio'))} of that."
        )
    if {"low", "high"} <= differences.get(best, {}).keys():
        yield _compare(best, differences[best])


def _compare(best: str, difference: Numbers) -> str:
    low, high = float(difference["low"]), float(difference["high"])
    name = MODELS.get(best, best)
    span = interval(low, high, 4)
    if low <= 0 <= high:
        return f"It does not differ from the best of the others, the {name}: the interval of the difference is {span}."
    better = "better" if low > 0 else "worse"
    return f"It is {better} than the best of the others, the {name}, by an amount in {span}."
