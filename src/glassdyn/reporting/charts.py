"""Charts of a run: the plots of dvc.yaml as Vega-Lite specifications, their data in them.

A chart is made of the same template and the same table as that of `dvc plots`; where `dvc plots` compares revisions by
colour, the report has one run, and colour tells its curves apart.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from dvc_render import VegaRenderer

from glassdyn.reporting.run_files import read_table

__all__ = ["Chart", "list_charts"]

Spec = dict[str, Any]

CURVE = "rev"
"""The field by which DVC's templates tell curves apart."""

DIGITS = 5
"""Of a number in a chart, in all; more is not seen."""

DEFAULT = "linear"
"""Template of a plot that names none, in DVC."""

PLAIN = {"linear": "simple"}
"""Templates that stand in for those with controls of their own."""

TEMPLATES = ".dvc/plots"
"""Folder of DVC's templates; a run without them has pictures alone."""

RUNS, CEILINGS = "plots/isoconfigurational", "ceilings"
"""Folder of the tables of isoconfigurational runs, and the one among them that is of no single label."""

FEW = 40
"""Points of a curve that are marked one by one."""


class Chart(NamedTuple):
    """A chart.

    Attributes:
        identity: by which the page finds it.
        title: what it shows.
        source: what it shows, <stage>/<picture>, as the picture of the same table is called.
        spec: its specification, with the data.
    """

    identity: str
    title: str
    source: str
    spec: Spec


class Curve(NamedTuple):
    """A column of a table that is drawn."""

    path: str
    column: str


def list_charts(folder: Path, plots: list[Mapping[str, Any] | str]) -> list[Chart]:
    """Make a chart of every plot that a run has the tables of.

    Args:
        folder: of the run, with plots/ and .dvc/plots/.
        plots: as dvc.yaml describes them, <name>: {x, y, template, ...}; there is a chart of those whose y names tables
            and columns.
    """
    if not (folder / TEMPLATES).is_dir():
        return []
    entries = [*plots, *_describe_runs(folder / RUNS)]
    described = [
        (name, plot)
        for entry in entries
        if isinstance(entry, Mapping)
        for name, plot in entry.items()
        if plot and isinstance(plot.get("y"), Mapping)
    ]
    charts = [_make_chart(folder, f"chart{k}", name, plot) for k, (name, plot) in enumerate(described)]
    return [chart for chart in charts if chart is not None]


def _make_chart(folder: Path, identity: str, name: str, plot: Mapping[str, Any]) -> Chart | None:
    curves = list(_list_curves(plot["y"]))
    rows = [row for curve in curves for row in _read_curve(folder, curve, curves)]
    if not rows:
        return None
    y = "value" if len({curve.column for curve in curves}) > 1 else curves[0].column
    properties = {key: plot[key] for key in ("x", "x_label", "y_label") if key in plot}
    template = plot.get("template", DEFAULT)
    properties["template"] = PLAIN.get(template, template)
    title = str(plot.get("title", name))
    renderer = VegaRenderer(rows, name, **properties, y=y, title="", template_dir=str(folder / TEMPLATES))
    spec = _simplify(renderer.get_filled_template(), [str(row.get(CURVE, "")) for row in rows])
    return Chart(identity, title, _name_source(curves[0].path), spec)


def _describe_runs(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Plots of the tables of isoconfigurational runs, one for each label that there is; dvc.yaml cannot know them."""
    for path in sorted(folder.glob("*.csv")):
        source, by_label = f"{RUNS}/{path.name}", path.stem != CEILINGS
        if by_label:
            axes = {"x": "mean", "x_label": "mean over the other runs", "y_label": "one run"}
            title = f"{path.stem}: a run and the mean over the others"
            yield {title: {**axes, "y": {source: "raw"}, "template": "scatter"}}
        else:
            axes = {"x": "ceiling", "x_label": "ceiling of a prediction of one run", "y_label": "sample"}
            title = "ceilings by label and sample"
            yield {title: {**axes, "y": {source: "sample"}, "template": "bars_by_label"}}


def _list_curves(y: Mapping[str, str | list[str]]) -> Iterator[Curve]:
    for path, columns in y.items():
        for column in [columns] if isinstance(columns, str) else columns:
            yield Curve(path, column)


def _name_source(path: str) -> str:
    """<stage>/<picture>; the curves of a training lie in a folder for each part."""
    stage, *parts = Path(path.removesuffix(".csv")).parts[1:]
    if stage == "train":
        return "train/curves"
    agreement = "agreement_" if path.startswith(RUNS) and parts != [CEILINGS] else ""
    return f"{stage}/{agreement}{'/'.join(parts)}"


def _read_curve(folder: Path, curve: Curve, curves: list[Curve]) -> list[dict[str, Any]]:
    table = read_table(folder / curve.path)
    if curve.column not in table.columns:
        return []
    if "sample" in table.columns and "all" in table["sample"].to_list():
        table = table.filter(pl.col("sample") == "all")
    if len({sibling.column for sibling in curves}) > 1:
        table = table.drop({sibling.column for sibling in curves} - {curve.column}).rename(
            {curve.column: "value"}
        )
    rounded = table.with_columns(pl.col(pl.Float64).round_sig_figs(DIGITS))
    if len(curves) == 1:
        return rounded.to_dicts()
    return [{**row, CURVE: _name_curve(curve, curves)} for row in rounded.to_dicts()]


def _name_curve(curve: Curve, curves: list[Curve]) -> str:
    """The column, or the folder of the file where all columns are of a name."""
    columns = {sibling.column for sibling in curves}
    return curve.column if len(columns) > 1 else Path(curve.path).parent.name.replace("_", " ")


def _simplify(spec: Spec, curves: list[str]) -> Spec:
    """A specification without what compares revisions, colours and sizes, which the page sets."""
    names = list(dict.fromkeys(curves))
    for key in ("$schema", "title", "width", "height", "params"):
        spec.pop(key, None)
    encoding: Spec = spec["encoding"]
    encoding.pop("tooltip", None)
    for channel in [name for name, value in encoding.items() if _is_by_curve(value)]:
        if len(names) == 1 or channel != "color":
            del encoding[channel]
        else:
            encoding[channel] = {"field": CURVE, "type": "nominal", "sort": names, "title": None}
    if spec["mark"]["type"] == "line" and len(curves) <= FEW * len(names) and "row" not in encoding:
        spec["mark"] |= {"point": {"size": 25}, "tooltip": {"content": "data"}}
    return spec


def _is_by_curve(value: Any) -> bool:
    return isinstance(value, dict) and (value.get("field") == CURVE or not value)
