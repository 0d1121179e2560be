"""An explanation as files: tables, pictures, the tree as text, and a summary."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from glassdyn.errors import GlassdynError
from glassdyn.explanation import figures
from glassdyn.explanation.collinearity import TOO_LARGE
from glassdyn.explanation.explain import Explanation
from glassdyn.figures import style
from glassdyn.jobs.atomic import atomic_write
from glassdyn.storage.outputs import write_csv, write_metrics

__all__ = ["collinearity_warning", "read_ceiling", "selected_formula", "write_explanation"]


def read_ceiling(path: Path, label: str) -> float | None:
    """The largest Pearson coefficient that chance leaves, from the metrics of `evaluate`; None where there is none.

    Args:
        path: of metrics/evaluate.json.
        label: name of the label.

    Raises:
        GlassdynError: for a file that is no JSON.
    """
    if not path.exists():
        return None
    try:
        metrics = json.loads(path.read_bytes())
    except ValueError as error:
        raise GlassdynError(
            f"{path} has the metrics of `dvc repro evaluate`: {error}; run it again"
        ) from None
    ceiling = metrics.get("test", {}).get(label, {}).get("ceiling")
    return None if ceiling is None else float(ceiling)


def write_explanation(
    folder: Path, explanation: Explanation, facts: Mapping[str, Any], ceiling: float | None
) -> None:
    """Write all files of an explanation; tables and pictures of an earlier one that this one has not are deleted.

    Args:
        folder: for <table>.csv, <table>.png, tree.txt, tree.png and summary.json.
        explanation: what is known of the model.
        facts: what was explained, for the summary.
        ceiling: the largest coefficient that chance leaves.
    """
    tables = dict(explanation.tables)
    tables["distillation"] = tables["distillation"].with_columns(
        ceiling=pl.lit(ceiling, pl.Float64),
        fraction_of_ceiling=pl.col("pearson") / pl.lit(ceiling, pl.Float64),
    )
    for name in {*figures.PICTURES, "formulas"} - tables.keys():
        for suffix in (".csv", ".png"):
            (folder / f"{name}{suffix}").unlink(missing_ok=True)
    for name, table in tables.items():
        write_csv(folder / f"{name}.csv", table)
        if name in figures.PICTURES:
            style.save(figures.PICTURES[name](table), folder / f"{name}.png")
    style.save(figures.draw_tree(explanation.tree, explanation.names), folder / "tree.png")
    with atomic_write(folder / "tree.txt") as beside:
        beside.write_text(explanation.tree.text)
    write_metrics(folder / "summary.json", _summary(tables, facts, ceiling))


def _summary(
    tables: Mapping[str, pl.DataFrame], facts: Mapping[str, Any], ceiling: float | None
) -> dict[str, Any]:
    return {
        **facts,
        "ceiling": ceiling,
        "distillation": {row.pop("explanation"): row for row in tables["distillation"].to_dicts()},
        "importance": {row.pop("group"): row for row in tables["importance"].to_dicts()},
        "formula": selected_formula(tables),
        "warnings": [warning] if (warning := collinearity_warning(tables["vif"])) else [],
    }


def selected_formula(tables: Mapping[str, pl.DataFrame]) -> str | None:
    """The text of the selected formula, None without a search.

    Args:
        tables: of an explanation.
    """
    if "formulas" not in tables:
        return None
    return str(tables["formulas"].filter("selected")["formula"][0])


def collinearity_warning(table: pl.DataFrame) -> str:
    """A sentence where weights must not be read; empty where they may.

    Args:
        table: columns feature, vif, readable.
    """
    unreadable: Sequence[str] = table.filter(~pl.col("readable"))["feature"].to_list()
    measured = len(table.drop_nulls("vif"))
    if not unreadable:
        return ""
    largest = table.drop_nulls("vif").sort("vif", descending=True)
    return (
        f"{len(unreadable)} of {measured} features have variance inflation factors above {TOO_LARGE:g}, up to "
        f"{largest['vif'][0]:.3g} ({largest['feature'][0]}): do not read their weights, nor their "
        "single importances; read groups"
    )
