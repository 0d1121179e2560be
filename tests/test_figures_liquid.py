"""Figures can be drawn again from the tables on disk, with labels, units and the same bytes."""

import io

import polars as pl
import pytest

from glassdyn.figures import liquid, style
from glassdyn.observables.summary import Declared, summary
from glassdyn.observables.survey import survey
from glassdyn.observables.tabulate import tables
from walkers import TEMPERATURE, brownian


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    brownian(folder / "data")
    seen = survey(folder / "data", surroundings=500)
    again = {}
    for name, table in tables(seen).items():
        table.write_csv(folder / f"{name}.csv")
        again[name] = pl.read_csv(folder / f"{name}.csv")
    return again, summary(seen, Declared(TEMPERATURE, 2.0, 0.16))


def test_every_table_has_its_figure_with_labels_and_units(drawn):
    figures = liquid.figures(*drawn)
    assert set(figures) == set(drawn[0])
    for name, figure in figures.items():
        figure.draw_without_rendering()
        labels = [pair.get_xlabel() for pair in figure.axes] + [pair.get_ylabel() for pair in figure.axes]
        assert any("[" in label for label in labels), name
        assert all(pair.lines for pair in figure.axes)


def test_same_tables_same_bytes(drawn, tmp_path):
    for attempt in range(2):
        figure = liquid.rmsd(drawn[0]["rmsd"], drawn[1]["plateau"])
        style.save(figure, tmp_path / f"{attempt}" / "rmsd.png")
    first, second = ((tmp_path / f"{attempt}" / "rmsd.png").read_bytes() for attempt in range(2))
    assert first == second
    assert b"Software" not in first


def test_style_does_not_depend_on_what_was_set_before(drawn):
    import matplotlib as mpl

    def picture():
        buffer = io.BytesIO()
        liquid.non_gaussian(drawn[0]["non_gaussian"]).savefig(buffer, metadata={"Software": None})
        return buffer.getvalue()

    first = picture()
    mpl.rcParams["font.size"] = 30
    assert picture() == first


def test_tau_alpha_that_was_not_reached_is_left_out(drawn):
    lost = drawn[0]["tau_alpha"].with_columns(pl.lit(None, pl.Float64).alias("A"))
    figure = liquid.tau_alpha(lost, {"declared": 2.0})
    assert len(figure.axes) == 2
    figure = liquid.scattering(drawn[0]["scattering"], {"declared": 2.0}, 7.2)
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()][:2] == ["A", "B"]


def test_figures_are_freed_with_their_last_name(drawn):
    from matplotlib import pyplot as plt

    liquid.figures(*drawn)
    assert not plt.get_fignums(), "pyplot keeps a figure until it is told to close it"
