"""Figures can be drawn again from the tables on disk, with labels, units and the same bytes."""

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from ruamel.yaml import YAML

from glassdyn.figures import liquid, style
from glassdyn.figures.pictures import PICTURES
from glassdyn.figures.read import Numbers, read_table
from glassdyn.observables import warnings
from glassdyn.observables.measure import measure_all
from glassdyn.observables.summary import Expected, summarise
from glassdyn.observables.tabulate import tabulate
from glassdyn.storage.outputs import write_csv
from walkers import TEMPERATURE, brownian


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Tables as they are on disk, and numbers."""
    folder = tmp_path_factory.mktemp("figures")
    brownian(folder / "data")
    measurements = measure_all(folder / "data", structure_particles=500)
    tables = {}
    for name, table in tabulate(measurements).items():
        table.write_csv(folder / f"{name}.csv")
        tables[name] = pl.read_csv(folder / f"{name}.csv")
    return tables, summarise(measurements, Expected(TEMPERATURE, 2.0, 0.16))


def draw_all(tables, numbers):
    numbers = Numbers(physics=numbers, labels={}, train={}, components=0)
    return {name: PICTURES[f"physics/{name}"](table, numbers) for name, table in tables.items()}


def test_every_table_has_its_figure_with_labels_and_units(measured):
    assert {f"physics/{name}" for name in measured[0]} == {
        name for name in PICTURES if name.startswith("physics/")
    }
    for name, figure in draw_all(*measured).items():
        figure.draw_without_rendering()
        labels = [pair.get_xlabel() for pair in figure.axes] + [pair.get_ylabel() for pair in figure.axes]
        assert any("[" in label for label in labels), name
        assert all(pair.lines or pair.patches for pair in figure.axes)


def test_the_page_of_dvc_plots_names_columns_of_these_tables(measured, root):
    named = set()
    for plot in YAML(typ="safe").load(root / "dvc.yaml")["plots"]:
        for description in filter(None, plot.values()):
            for path, columns in description["y"].items():
                if path.startswith("plots/physics/"):
                    named.add(Path(path).stem)
                    assert {description["x"], *columns} <= set(measured[0][Path(path).stem].columns), path
    assert named == set(measured[0]) - {"displacements", "energy"}, "these two are pictures only"


def test_same_tables_same_bytes(measured, tmp_path):
    for attempt in range(2):
        figure = liquid.rmsd(measured[0]["rmsd"], measured[1]["plateau"])
        style.save(figure, tmp_path / f"{attempt}" / "rmsd.png")
    first, second = ((tmp_path / f"{attempt}" / "rmsd.png").read_bytes() for attempt in range(2))
    assert first == second
    assert b"Software" not in first


def test_style_does_not_depend_on_what_was_set_before(measured):
    import matplotlib as mpl

    def picture():
        buffer = io.BytesIO()
        liquid.non_gaussian(measured[0]["non_gaussian"]).savefig(buffer, metadata={"Software": None})
        return buffer.getvalue()

    first = picture()
    mpl.rcParams["font.size"] = 30
    assert picture() == first


def test_tau_alpha_that_was_not_reached_is_left_out(measured, tmp_path):
    lost = measured[0]["tau_alpha"].with_columns(pl.lit(None, pl.Float64).alias("A"))
    write_csv(tmp_path / "plots/physics/tau_alpha.csv", lost)
    figure = liquid.tau_alpha(read_table(tmp_path, "physics/tau_alpha"), {"declared": 2.0})
    assert [sum(len(line.get_xdata()) for line in pair.lines) for pair in figure.axes] == [0, len(lost)]
    figure = liquid.scattering(measured[0]["scattering"], {"declared": 2.0}, 7.2)
    assert legend(figure.axes[0])[:2] == ["A", "B"]


def test_figures_are_freed_with_their_last_name(measured):
    from matplotlib import pyplot as plt

    draw_all(*measured)
    assert not plt.get_fignums(), "pyplot keeps a figure until it is closed"


def legend(pair):
    return [text.get_text() for text in pair.get_legend().get_texts()]


@pytest.mark.parametrize("values", [(0.11, 0.7), (0.012, 0.0125), (0.02, 300.0)])
def test_numbers_of_logarithmic_axes_are_plain(values):
    figure, pair = style.axes("t", "y", y_scale="log")
    pair.plot([1, 2], values)
    figure.draw_without_rendering()
    ticks = zip(pair.yaxis.get_ticklocs(minor=True), pair.yaxis.get_ticklabels(minor=True), strict=True)
    major = zip(pair.yaxis.get_ticklocs(), pair.yaxis.get_ticklabels(), strict=True)
    low, high = pair.get_ylim()
    written = {at: text.get_text() for at, text in [*ticks, *major] if low <= at <= high and text.get_text()}
    assert len(written) >= 2, "one number alone shows no scale"
    assert all(float(text) == pytest.approx(at) and "e" not in text for at, text in written.items())


def test_no_line_crosses_an_empty_bin_of_the_displacements(measured):
    table = measured[0]["displacements"]
    figure = liquid.displacements(table)
    for pair, name in zip(figure.axes, "AB", strict=True):
        for steps, (_, rows) in zip(pair.patches, table.group_by("time", maintain_order=True), strict=True):
            values = steps.get_data()
            np.testing.assert_array_equal(values.values, rows[name])
            np.testing.assert_array_equal(values.edges, [*rows["low"], rows["high"][-1]])
        assert not pair.lines


def test_energies_are_drawn_since_the_start_beside_the_drift_allowed():
    time = np.linspace(0, 50, 101)
    total = -6.0 + 3 * liquid.DRIFT * time / time[-1]
    rows = {"time": time, "total": total, "potential": total, "temperature": 0.6, "pressure": 4.0}
    figure = liquid.energy(pl.DataFrame({"sample": "copy00-sample00", **rows}), 0.6, 3 * liquid.DRIFT)
    curve, *bounds = figure.axes[0].lines
    assert curve.get_ydata()[0] == 0
    assert curve.get_ydata()[-1] == pytest.approx(3 * (1 - (liquid.SMOOTH - 1) / 100))
    assert [bound.get_ydata()[0] for bound in bounds] == [1, -1]
    assert "3.00" in legend(figure.axes[0])[0]
    assert liquid.DRIFT == warnings.DRIFT
    low, high = figure.axes[0].get_ylim()
    assert low < -1
    assert high > curve.get_ydata()[-1], "a drift that is not allowed is inside"
