"""The experiments of a repository in a short table: what was changed, and the headline."""

import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from typing import Any

import polars as pl
from rich.table import Table

from glassdyn.experiments.identity import read_parameters
from glassdyn.experiments.queue import read_durations
from glassdyn.experiments.repository import Experiment, list_experiments, read_files

__all__ = ["lay_out_experiments", "tabulate_experiments"]

SHOWN = 4
"""Changed parameters that a row shows."""


def tabulate_experiments(patterns: Sequence[str] = ()) -> pl.DataFrame:
    """A row for each experiment, the oldest first.

    Args:
        patterns: that names fit, such as "architecture-*"; all, where there is none.

    Returns:
        Columns name, baseline (the commit that it started from), changes (parameters against that commit, as
        "model.n_rec=3 loss.alpha=0.5"), minutes (null where no worker's log tells), and the numbers of
        `metrics/headline.json`.
    """
    experiments = [
        each for each in list_experiments() if not patterns or any(fnmatch(each.name, p) for p in patterns)
    ]
    commits = [each.commit for each in experiments]
    parameters = read_parameters([*commits, *dict.fromkeys(each.baseline for each in experiments)])
    headlines, seconds = read_files(commits, "metrics/headline.json"), read_durations()
    rows = [
        {
            "name": each.name,
            "baseline": each.baseline[:7],
            "changes": " ".join(_changes(each, parameters)),
            "minutes": seconds[each.name] / 60 if each.name in seconds else None,
            **json.loads(headlines.get(each.commit, b"{}")),
        }
        for each in experiments
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _changes(experiment: Experiment, parameters: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    before, after = parameters.get(experiment.baseline, {}), parameters.get(experiment.commit, {})
    for section, keys in after.items():
        for key, value in keys.items():
            if before.get(section, {}).get(key) != value:
                yield f"{section}.{key}={json.dumps(value, separators=(',', ':'))}".replace('"', "")


def lay_out_experiments(table: pl.DataFrame) -> Table:
    """The table for a terminal: name, changes, Pearson with error, ceiling, ridge, minutes."""
    page = Table(box=None, pad_edge=False)
    for head in ("experiment", "changed", "Pearson", "ceiling", "ridge", "minutes"):
        page.add_column(head, no_wrap=head != "changed")
    for row in table.to_dicts():
        changes = row["changes"].split(" ")
        more = f" and {len(changes) - SHOWN} more" if len(changes) > SHOWN else ""
        page.add_row(
            row["name"],
            " ".join(changes[:SHOWN]) + more,
            _number(row, "pearson", "pearson_error"),
            _number(row, "ceiling", "ceiling_error"),
            _number(row, "ridge"),
            f"{row['minutes']:.1f}" if row["minutes"] is not None else "",
        )
    return page


def _number(row: Mapping[str, Any], name: str, error: str = "") -> str:
    value, deviation = row.get(name), row.get(error)
    if value is None:
        return ""
    return f"{value:.3f}" if deviation is None else f"{value:.3f} ± {deviation:.3f}"
