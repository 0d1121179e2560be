"""The chart of a sweep as a Vega-Lite specification: Pearson's coefficient with its errors, curves, and the ceiling."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

__all__ = ["make_sweep_chart"]

Spec = dict[str, Any]

TITLE = "Pearson correlation, A particles of the test copies"

GREY = "#888888"
"""Of the ceiling, on light and on dark pages."""


def make_sweep_chart(table: pl.DataFrame, figure: Mapping[str, Any], x_title: str) -> Spec:
    """Make the chart of a sweep.

    Args:
        table: columns x, line, pearson, error; ceiling where there is one.
        figure: how the sweep's file describes its figure: `scale` and `lines`.
        x_title: of the axis.
    """
    table = table.drop_nulls("pearson").with_columns(
        pl.col("line").fill_null(""), pl.col("error").fill_null(0.0)
    )
    rows = table.with_columns(
        low=pl.col("pearson") - pl.col("error"), high=pl.col("pearson") + pl.col("error")
    )
    y = {"type": "quantitative", "title": TITLE, "scale": {"zero": False}}
    layers: list[Spec] = [
        {"mark": "rule", "encoding": {"y": {"field": "low", **y}, "y2": {"field": "high"}}},
        {
            "mark": {"type": "line", "point": True, "tooltip": {"content": "data"}},
            "encoding": {"y": {"field": "pearson", **y}},
        },
    ]
    if "ceiling" in table.columns and table["ceiling"].null_count() < len(table):
        dashes = {"type": "line", "strokeDash": [4, 4]}
        layers.append(
            {"mark": dashes, "encoding": {"y": {"field": "ceiling", **y}, "color": {"value": GREY}}}
        )
    encoding: Spec = {"x": _describe_x(table["x"].to_list(), str(figure.get("scale", "linear")), x_title)}
    lines = table["line"].unique(maintain_order=True).to_list()
    if len(lines) > 1:
        legend = {"title": str(figure.get("lines", ""))}
        encoding["color"] = {"field": "line", "type": "nominal", "sort": lines, "legend": legend}
    shown = [name for name in ("x", "line", "pearson", "low", "high", "ceiling") if name in rows.columns]
    return {"data": {"values": rows.select(shown).to_dicts()}, "encoding": encoding, "layer": layers}


def _describe_x(values: Sequence[float | str], scale: str, title: str) -> Spec:
    if scale == "categories" or not all(isinstance(value, int | float) for value in values):
        order = list(dict.fromkeys(values))
        return {"field": "x", "type": "nominal", "sort": order, "title": title, "axis": {"labelAngle": -30}}
    described: Spec = {"field": "x", "type": "quantitative", "title": title}
    return described | {"scale": {"type": "log", "nice": False} if scale == "log" else {"zero": False}}
