"""GlassBench's result tables, and ours beside them."""

import csv

import polars as pl
import pytest

from glassdyn.figures import published
from glassdyn.importing.reference_results import (
    compare_results,
    compare_susceptibilities,
    compare_transfers,
    read_published,
)
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


@pytest.mark.parametrize(
    ("learnt_at", "method", "rho"),
    [(0.44, "SE3", 0.8146), (0.5, "SE3", 0.7984), (0.64, "CAGE", 0.6405), (0.56, "GlassMLP", 0.6777)],
)
def test_published_transfers_are_those_of_the_tested_temperature(root, learnt_at, method, rho):
    table = compare_transfers(MODELS, root / TABLES, temperature=0.44)
    (value,) = table.filter(learnt_at=learnt_at, method=method, origin="published")["pearson"]
    assert value == pytest.approx(rho, abs=1e-4)


def test_our_transfers_are_named_by_the_temperature_that_they_have_learnt_at(root):
    models = evaluated(("propensity_1", "ridge", 0.8), ("propensity_1", "ridge_T0.56", 0.7))
    table = compare_transfers(models, root / TABLES, temperature=0.5).filter(origin="here")
    assert table.select("learnt_at", "method", "pearson").rows() == [
        (0.5, "ridge", 0.8),
        (0.56, "ridge", 0.7),
    ]
    axes = published.methods_by_temperature(compare_transfers(models, root / TABLES, temperature=0.5)).axes[0]
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["SE3", "CAGE", "GlassMLP", "BOTAN", "ridge, here"]


def test_susceptibilities_are_at_their_times(root):
    rows = [("propensity_1", "truth", 0.2, 30.0, 9.0), ("propensity_1", "network", 0.1, 8.0, 3.0)]
    columns = ["label", "model", "overlap", "susceptibility", "susceptibility_error"]
    ours = pl.DataFrame(rows, columns, orient="row")
    table = compare_susceptibilities(ours, root / TABLES, temperature=0.44, tau_alpha=4120.0)
    assert table.filter(origin="here")["time"].to_list() == [4120.0, 4120.0]
    (peak,) = table.filter(time=1300.0, method="SE3")["susceptibility"]
    assert peak == pytest.approx(48.5381, abs=1e-4)
    axes = published.susceptibilities(table).axes[0]
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["truth", "SE3", "CAGE", "GlassMLP", "BOTAN", "truth, here", "network, here"]


def test_temperatures_and_tables_that_are_not_there_are_refused(root, tmp_path):
    with pytest.raises(ImportingError, match=r"published at T = 0\.44"):
        read_published(root / TABLES, 0.45)
    with pytest.raises(ImportingError, match="tables of numbers"):
        read_published(tmp_path, 0.44)
