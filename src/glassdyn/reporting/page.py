"""The page: what the other modules read and lay out, put into the templates."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from glassdyn.params import Params
from glassdyn.reporting import numbers
from glassdyn.reporting.charts import Chart, list_charts
from glassdyn.reporting.explanations import list_explanations
from glassdyn.reporting.particles import view_sample
from glassdyn.reporting.physics_checks import list_facts, read_verdicts
from glassdyn.reporting.pictures import Picture, embed, list_pictures
from glassdyn.reporting.provenance import collect_provenance
from glassdyn.reporting.run_files import read_json, read_yaml
from glassdyn.reporting.scores import list_scores
from glassdyn.reporting.sweeps import list_sweeps
from glassdyn.reporting.viewer import make_viewer

__all__ = ["FigureGroup", "ReportFigure", "make_page", "read_chart_library"]

TEMPLATES = Path(__file__).parent / "templates"

GROUPS = {
    "evaluate": "Predictions of the test copies",
    "train": "Training",
    "physics": "The liquid",
    "labels": "Labels",
    "isoconfigurational": "Isoconfigurational runs",
    "pca": "Principal components of the descriptors",
}
"""Titles of the groups of figures, by the folder of their tables."""

TITLES = {
    "evaluate/slab": "true and predicted ranks in a slab",
    "physics/displacements": "distributions of displacements",
    "physics/energy": "energy and temperature along the windows",
    "labels/examples": "tracks of single particles with their labels",
    "isoconfigurational/ceilings": "how well runs agree, and the ceilings that follow",
    "isoconfigurational/agreement": "a run and the mean over the others",
}
"""Titles of pictures without a chart; of those of a label, its name follows."""

MOST_CHARACTERS = 2_500_000
"""Of all pictures together."""

LIBRARY = re.compile(r'<script id="vega">\n(?P<code>.*?)\n</script>', re.DOTALL)

VIEW = "view"
"""Identity of the three-dimensional view among the charts."""


class ReportFigure(NamedTuple):
    """A figure of the page: a chart, pictures of the same table, or both.

    Attributes:
        title: what it shows.
        chart: its chart; None where there is none.
        pictures: shown where there is no chart or no JavaScript.
    """

    title: str
    chart: Chart | None
    pictures: tuple[Picture, ...]

    @property
    def is_wide(self) -> bool:
        """Whether pictures are shown that need the width of the page."""
        return self.chart is None and any(picture.is_wide for picture in self.pictures)


class FigureGroup(NamedTuple):
    """The figures of a stage."""

    identity: str
    title: str
    figures: tuple[ReportFigure, ...]


def make_page(folder: Path, params: Params) -> str:
    """Make the page of a run; sections whose files a run has not got are left out.

    Args:
        folder: of the run.
        params: its parameters.

    Returns:
        HTML that needs no other file and makes no request.
    """
    charts = list_charts(folder, read_yaml(folder / "dvc.yaml").get("plots", []))
    scores = list_scores(read_json(folder / "metrics" / "evaluate.json"))
    view = view_sample(folder, scores[0].label) if scores else None
    groups = group_figures(charts, list_pictures(folder))
    sweeps = list_sweeps(folder)
    specs = {chart.identity: chart.spec for chart in (*charts, *(sweep.chart for sweep in sweeps))}
    specs |= {VIEW: make_viewer(view)} if view else {}
    return (
        _environment()
        .get_template("report.html")
        .render(
            params=params,
            metrics=read_json(folder / "metrics" / "evaluate.json"),
            scores=scores,
            view=view,
            facts=list_facts(read_json(folder / "metrics" / "physics.json")),
            verdicts=read_verdicts(folder),
            groups=groups if count_characters(groups) < MOST_CHARACTERS else drop_fallbacks(groups),
            sweeps=[(sweep, _embed_if_there(sweep.picture)) for sweep in sweeps],
            explanations=list_explanations(folder),
            provenance=collect_provenance(folder, params),
            specs=_as_script(specs) if specs else "",
            library=read_chart_library() if specs else "",
        )
    )


def group_figures(charts: Sequence[Chart], pictures: Sequence[Picture]) -> list[FigureGroup]:
    """Put charts and pictures of the same table side by side, by the folder of the table.

    Args:
        charts: of the run.
        pictures: <stage>/<table> or, of a label, <stage>/<table>_<label>.
    """
    groups = []
    for stage, title in GROUPS.items():
        own = [chart for chart in charts if chart.source.startswith(f"{stage}/")]
        left = [picture for picture in pictures if picture.name.startswith(f"{stage}/")]
        figures = []
        for chart in own:
            matching = _select_pictures(left, chart.source)
            left = [picture for picture in left if picture not in matching]
            figures.append(ReportFigure(chart.title, chart, matching))
        figures += [ReportFigure(_title(picture), None, (picture,)) for picture in left]
        if figures:
            groups.append(FigureGroup(stage, title, tuple(figures)))
    return groups


def count_characters(groups: Sequence[FigureGroup]) -> int:
    """How long all pictures are, as the page has them."""
    figures = (figure for group in groups for figure in group.figures)
    return sum(len(picture.data) for figure in figures for picture in figure.pictures)


def drop_fallbacks(groups: Sequence[FigureGroup]) -> list[FigureGroup]:
    """Leave out the pictures of figures that have a chart: a run of very many labels fits into a mail all the same."""
    return [
        group._replace(
            figures=tuple(
                figure._replace(pictures=() if figure.chart else figure.pictures) for figure in group.figures
            )
        )
        for group in groups
    ]


def read_chart_library() -> str:
    """The scripts that draw charts, as the page of `dvc plots` has them: there is one copy in the repository."""
    match = LIBRARY.search((TEMPLATES / "plots_page.html").read_text("utf-8"))
    return match["code"] if match else ""


def _select_pictures(pictures: Sequence[Picture], source: str) -> tuple[Picture, ...]:
    """The picture of a table, or those of its labels."""
    own = tuple(picture for picture in pictures if picture.name == source)
    return own or tuple(picture for picture in pictures if picture.name.startswith(f"{source}_"))


def _title(picture: Picture) -> str:
    table, _, label = next(
        (
            (name, *picture.name.removeprefix(name).partition("_")[1:])
            for name in TITLES
            if picture.name.startswith(name)
        ),
        (picture.name.partition("/")[2], "", ""),
    )
    title = TITLES.get(table, table)
    return f"{title}: {label}" if label else title


def _embed_if_there(path: Path) -> Picture | None:
    return embed(path, path.stem) if path.is_file() else None


def _as_script(specs: Mapping[str, Any]) -> str:
    """JSON that no HTML parser takes for the end of its script."""
    return json.dumps(specs, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "decimals": numbers.decimals,
        "significant": numbers.significant,
        "percent": numbers.percent,
    }
    return environment
