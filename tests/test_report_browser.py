"""The page in a real browser: it asks for nothing, complains of nothing, draws, and obeys its switch.

Chromium is looked for among the commands, or where GLASSDYN_CHROMIUM says; Debian's is `apt-get install chromium`.
"""

import os
import shutil
from io import BytesIO

import numpy as np
import pytest
from dvc_render import VegaRenderer, render_html
from PIL import Image

from glassdyn import params
from glassdyn.reporting.page import make_page
from glassdyn.reporting.plots_page import PAGE
from report_runs import write_run, write_sweep

pytestmark = pytest.mark.slow

NAMES = ("chromium", "chromium-browser", "google-chrome")

CHARTS = 7
"""Of the planted run: those of five tables, the sample and a sweep."""

CONTRAST = 4.5
"""Of text, least by the rules for accessible pages (WCAG AA)."""

BRIGHTNESS = """() => {
  const luminance = (colour) => {
    const parts = colour.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255);
    const linear = parts.map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const page = luminance(getComputedStyle(document.body).backgroundColor);
  return [...document.querySelectorAll("p, th, td, dd, nav a, summary:not(.chart summary)")].map((element) => {
    const text = luminance(getComputedStyle(element).color);
    return (Math.max(text, page) + 0.05) / (Math.min(text, page) + 0.05);
  });
}"""


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    program = os.environ.get("GLASSDYN_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("there is no Chromium: apt-get install chromium, or set GLASSDYN_CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def file(root, tmp_path_factory):
    """A report, alone in a folder."""
    run = tmp_path_factory.mktemp("run")
    write_run(root, run)
    write_sweep(run)
    path = tmp_path_factory.mktemp("mailed") / "report.html"
    path.write_text(make_page(run, params.load(run / "params.yaml")), "utf-8")
    return path


class Opened:
    """A page that is open, and what it asked for and complained of."""

    def __init__(self, browser, file, *, width=1280, **settings):
        self.context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
        self.page = self.context.new_page()
        self.requests, self.complaints = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(file.as_uri())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def drawn_charts(self):
        self.page.wait_for_selector("html[data-drawn]", timeout=60_000)
        return int(self.page.evaluate("document.documentElement.dataset.drawn"))

    def pixels(self, selector):
        return np.asarray(
            Image.open(BytesIO(self.page.locator(selector).screenshot())).convert("RGB"), dtype=int
        )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_it_is_drawn_and_readable(browser, file, width, scheme):
    with Opened(browser, file, width=width, color_scheme=scheme) as opened:
        assert opened.drawn_charts() == CHARTS
        assert opened.page.locator("canvas").count() == CHARTS
        assert opened.complaints == []
        assert [url for url in opened.requests if not url.startswith(("data:", "blob:"))] == [file.as_uri()]
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
        for k in range(CHARTS):
            inside = opened.page.locator("canvas").nth(k).bounding_box()
            assert inside["x"] >= 0
            assert inside["x"] + inside["width"] <= width
        assert min(opened.page.evaluate(BRIGHTNESS)) > CONTRAST


def test_tables_hold_the_numbers_of_the_metrics(browser, file):
    with Opened(browser, file) as opened:
        network = opened.page.locator("tr[data-model=network]").inner_text()
        assert "0.432" in network
        assert "0.430 ± 0.012" in network
        assert "2.0e-03" in opened.page.locator("td.warns").inner_text()
        opened.page.get_by_text("2 points").click()
        assert opened.page.get_by_text("0.322 ± 0.010").is_visible()


def test_a_digest_stands_in_one_line_on_a_narrow_page(browser, file):
    with Opened(browser, file, width=400) as opened:
        opened.page.get_by_text("Data and their MD5 digests").click()
        assert opened.page.locator("td code").first.bounding_box()["height"] < 30


def test_the_switch_changes_what_the_sample_shows(browser, file):
    with Opened(browser, file) as opened:
        opened.drawn_charts()
        truth = opened.pixels("[data-chart=view] canvas")
        assert len(np.unique(truth.reshape(-1, 3), axis=0)) > 500  # shaded spheres, in many colours
        images = {"truth": truth}
        for quantity in ("prediction", "error"):
            opened.page.get_by_label(quantity, exact=True).check()
            images[quantity] = opened.pixels("[data-chart=view] canvas")
        for first, second in (("truth", "prediction"), ("prediction", "error"), ("error", "truth")):
            changed = np.abs(images[first] - images[second]).max(axis=2) > 10
            assert changed.mean() > 0.05
        opened.page.get_by_label("truth", exact=True).check()
        np.testing.assert_array_equal(opened.pixels("[data-chart=view] canvas"), truth)
        assert opened.complaints == []


def test_the_sample_is_turned_by_mouse_and_keyboard_and_cut(browser, file):
    with Opened(browser, file) as opened:
        opened.drawn_charts()
        canvas = "[data-chart=view] canvas"
        before = opened.pixels(canvas)
        box = opened.page.locator(canvas).bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        opened.page.mouse.move(x, y)
        opened.page.mouse.down()
        opened.page.mouse.move(x + 60, y + 20, steps=4)
        opened.page.mouse.up()
        opened.page.mouse.move(5, 5)
        rotated = opened.pixels(canvas)
        assert (rotated != before).any()
        opened.page.get_by_label("turn").press("ArrowRight")
        by_keyboard = opened.pixels(canvas)
        assert (by_keyboard != rotated).any()
        opened.page.get_by_label("cut away from the front").fill("0.5")
        assert (opened.pixels(canvas) != by_keyboard).any()


def test_pointing_at_a_particle_tells_its_numbers(browser, file):
    with Opened(browser, file) as opened:
        opened.drawn_charts()
        canvas = opened.page.locator("[data-chart=view] canvas")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        for offset in (0, 7, 14, 21):
            opened.page.mouse.move(
                box["x"] + box["width"] / 2 + offset, box["y"] + 0.42 * box["height"] + offset
            )
        tip = opened.page.locator("#vg-tooltip-element.visible")
        assert "particle" in tip.inner_text()
        assert "species" in tip.inner_text()


def test_without_scripts_pictures_take_the_place_of_charts(browser, file):
    with Opened(browser, file, java_script_enabled=False) as opened:
        assert opened.page.locator("canvas").count() == 0
        images = opened.page.locator("figure img")
        assert images.count() == 3
        assert all(images.nth(k).is_visible() for k in range(3))


def test_the_page_of_dvc_plots_needs_no_network(browser, tmp_path):
    """As `dvc plots show` makes it of the template that .dvc/config names."""
    renderer = VegaRenderer([{"time": 0.1, "A": 1.0}, {"time": 1.0, "A": 2.0}], "rmsd", x="time", y="A")
    path = render_html([renderer], tmp_path / "index.html", html_template=PAGE)
    with Opened(browser, path) as opened:
        opened.page.wait_for_selector("#rmsd .marks")
        assert opened.requests == [path.as_uri()]
        assert not [complaint for complaint in opened.complaints if "error" in complaint.lower()]


def test_configurations_of_dvc_name_the_page(root):
    for config in (root / ".dvc" / "config", *root.glob("datasets/*/.dvc/config")):
        (line,) = [line for line in config.read_text().splitlines() if "html_template" in line]
        assert (config.parent / line.partition("=")[2].strip()).resolve() == PAGE
