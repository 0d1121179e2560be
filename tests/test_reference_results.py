"""GlassBench's result tables, and ours beside them."""

import csv

import polars as pl
import pytest

from glassdyn.figures import published
from glassdyn.importing.reference_results import compare_results, read_published
from glassdyn.importing.source import ImportingError
from glassdyn.label_names import propensities

TABLES = "references/glassbench"


def evaluated(*rows):
    """A table as `evaluate` writes it; rows of label, model, Pearson coefficient."""
    frame = pl.DataFrame(rows, ["label", "model", "pearson"], orient="row")
    return frame.with_columns(
        pearson_low=pl.col("pearson") - 0.02,
        pearson_high=pl.col("pearson") + 0.01,
        pearson_sample_mean=pl.col("pearson") - 0.005,
        pearson_sample_error=pl.lit(0.01),
        ceiling=pl.lit(0.9),
    )


MODELS = evaluated(
    ("p_hop", "network", 0.1), ("propensity_1", "network", 0.81), ("propensity_0.0315534", "ridge", 0.7)
)


def test_every_published_number_is_there(root):
    table = read_published(root / TABLES, 0.44)
    with (root / TABLES / "KA_results__FIG1.csv").open() as file:
        for row in csv.DictReader(file):
            time = float(row.pop("t"))
            for method, rho in row.items():
                (value,) = table.filter(time=time, method=method)["pearson"]
                assert value == float(rho)
    (ratio,) = table.filter(time=4120.0, method="SE3")["ratio"]
    assert ratio == pytest.approx(0.8146 / 0.9433, abs=1e-4)


@pytest.mark.parametrize(
    ("temperature", "time", "rho"), [(0.5, 217.0, 0.7710), (0.56, 52.0, 0.7151), (0.64, 16.5, 0.6724)]
)
def test_elsewhere_methods_are_those_that_learnt_there(root, temperature, time, rho):
    table = read_published(root / TABLES, temperature)
    assert set(table["method"]) == {"BOTAN", "CAGE", "GlassMLP", "SE3"}
    (value,) = table.filter(time=time, method="SE3")["pearson"]
    assert value == pytest.approx(rho, abs=1e-4)


def test_ours_stand_at_their_times(root):
    table = compare_results(MODELS, root / TABLES, temperature=0.44, tau_alpha=4120.0)
    ours = table.filter(origin="here")
    assert ours.select("time", "method", "pearson").rows() == [
        (130.0, "ridge", 0.7),
        (4120.0, "network", 0.81),
    ]
    assert ours["ratio"].to_list() == pytest.approx([0.7 / 0.9, 0.9])
    assert table["time"].is_sorted()
    assert len(table) == 92


def test_all_times_of_a_set_are_those_that_were_published(root):
    times = read_published(root / TABLES, 0.44)["time"].unique(maintain_order=True).to_list()
    labels = propensities([float(f"{time / 4120:.6g}") for time in times])
    models = evaluated(*((label, "CAGE", 0.5) for label in labels))
    ours = compare_results(models, root / TABLES, temperature=0.44, tau_alpha=4120.0).filter(origin="here")
    assert ours["time"].to_list() == times


def test_without_ceilings_there_are_no_ratios(root, tmp_path):
    MODELS.with_columns(ceiling=pl.lit(None)).write_csv(tmp_path / "models.csv")
    models = pl.read_csv(tmp_path / "models.csv")
    table = compare_results(models, root / TABLES, temperature=0.44, tau_alpha=4120.0)
    assert table.filter(origin="here")["ratio"].to_list() == [None, None]


def test_lines_are_published_and_symbols_are_ours(root):
    table = compare_results(MODELS, root / TABLES, temperature=0.44, tau_alpha=4120.0)
    axes = published.methods_by_time(table).axes[0]
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["SE3", "CAGE", "GlassMLP", "BOTAN", "EPOT", "ceiling", "network, here", "ridge, here"]
    (line,) = (line for line in axes.lines if line.get_label() == "SE3")
    assert list(line.get_ydata()) == table.filter(origin="published", method="SE3")["pearson"].to_list()


def test_temperatures_and_tables_that_are_not_there_are_refused(root, tmp_path):
    with pytest.raises(ImportingError, match=r"published at T = 0\.44"):
        read_published(root / TABLES, 0.45)
    with pytest.raises(ImportingError, match="tables of numbers"):
        read_published(tmp_path, 0.44)
