"""The documentation site: it builds without a warning and a network, and says what the program does."""

import csv
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.cli.parser import get_main_parser
from ruamel.yaml import YAML

from checkouts import copy_working_tree
from glassdyn.cli import make_parser
from short_pipeline import SHORT, merge

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = sorted([*DOCS.glob("*.md"), DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md"])
BLOCK = re.compile(r"^```(?P<kind>sh|console)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)

WALKED = ["first-run", "sweeps", "results", "files"]
"""Pages whose shell blocks are run, one after another, in a short pipeline."""

SHOWN = ("pearson", "error", "spread", "validation")
"""Columns of a sweep's table that its page states."""

FIVE_COPIES = merge(
    SHORT,
    {
        "simulation": {"copies": 5},
        "split": {"train": [0, 1, 2], "validation": [3], "test": [4]},
        "graph": {"nodes": "full", "positions": "thermal"},
        "loss": {"targets": ["p_hop"]},
        "train": {"max_steps": 20, "patience": 1, "record_every": 10},
    },
)


def commands(page, *kinds):
    """Commands of a page's blocks, without prompts and comments."""
    for block in BLOCK.finditer(page.read_text("utf-8")):
        if block["kind"] in kinds:
            lines = [line.removeprefix("$ ") for line in block["text"].splitlines()]
            yield from filter(None, (shlex.split(line, comments=True) for line in lines))


def parse(words):
    """Read a command as its program does; what it means is not asked."""
    program, *arguments = words
    if program == "glassdyn":
        make_parser().parse_args(arguments)
    elif program == "dvc":
        get_main_parser().parse_args(arguments)
    elif program == "make":
        targets = re.findall(r"^([a-z -]+):", (DOCS.parent / "Makefile").read_text(), re.MULTILINE)
        words_known = {target for line in targets for target in line.split()}
        assert {word for word in arguments if "=" not in word} <= words_known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_those_of_the_programs(page, root, monkeypatch):
    monkeypatch.chdir(root)
    for words in commands(page, "sh", "console"):
        try:
            parse(words)
        except SystemExit as refusal:
            assert refusal.code == 0, f"{page.name}: {' '.join(words)}"  # noqa: PT017 (a parser's exit is its verdict)


def test_the_table_of_the_sweep_is_that_of_its_file(root):
    """Pearson with its error, and the spread, of every alpha; and which of them validation selects."""
    with (root / "plots" / "sweeps" / "alpha.csv").open() as file:
        points = [{key: float(row[key]) for key in ("x", *SHOWN)} for row in csv.DictReader(file)]
    text = (DOCS / "sweeps.md").read_text("utf-8")
    _, _, table = text.partition("| alpha | Pearson |")
    lines = [line for line in table.partition("\n\n")[0].splitlines() if line[2:3].isdigit()]
    assert lines == [
        f"| {row['x']:g} | {row['pearson']:.3f} ± {row['error']:.3f} | {row['spread']:.2f} |"
        for row in points
    ]
    best = max(points, key=lambda row: row["validation"])
    assert f"Validation selects alpha = {best['x']:g};" in text


def test_every_point_of_a_sweep_that_was_run_is_in_the_documentation(root):
    text = (DOCS / "sweeps.md").read_text("utf-8")
    tables = [path for path in (root / "plots" / "sweeps").glob("*.csv") if "densities" not in path.name]
    assert tables
    for path in tables:
        section = text.partition(f"plots/sweeps/{path.name}")[2].partition("![")[0]
        with path.open() as file:
            points = [
                f"{float(row['pearson']):.3f} ± {float(row['error']):.3f}" for row in csv.DictReader(file)
            ]
        assert [point for point in points if point not in section] == [], path.name


def test_the_table_of_explanations_is_that_of_its_file(root):
    """The columns of the default run: share of the variance, and Pearson with the truth, with their errors."""
    section = (DOCS / "explanation.md").read_text("utf-8").partition("## What they said")[2]
    rows = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:4]]
        for line in section.splitlines()
        if line.startswith("|")
    }
    with (root / "plots" / "explanations" / "network" / "distillation.csv").open() as file:
        for row in csv.DictReader(file):
            values = {key: float(row[key]) for key in ("r2", "r2_error", "pearson", "pearson_error")}
            r2 = f"{values['r2']:.3f} ± {values['r2_error']:.3f}" if values["r2_error"] else "1"
            pearson = f"{values['pearson']:.3f} ± {values['pearson_error']:.3f}"
            assert rows[row["explanation"]] == [r2, pearson]


def test_error_messages_are_those_of_the_code(root):
    source = "\n".join(path.read_text() for path in (root / "src").rglob("*.py"))
    source = re.sub(r'"\s*f?"', "", source)
    table, _, _ = (DOCS / "troubleshooting.md").read_text().partition("## DVC")
    messages = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")][2:]
    assert len(messages) > 5
    assert [message for message in messages if message not in source] == []


@pytest.fixture(scope="module")
def site(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    done = subprocess.run(
        [*command, "-d", folder / "doctrees", root / "docs", folder / "html"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(list(DOCS.glob("*.md")))
    loaded = re.compile(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"(?:https?:)?//")
    assert [page.name for page in pages if loaded.search(page.read_text())] == []


@pytest.mark.slow
def test_every_parameter_is_explained(site, root):
    page = (site / "parameters.html").read_text()
    for section, keys in YAML(typ="safe").load(root / "params.yaml").items():
        assert f'id="{section}"' in page
        for key in keys:
            assert f">{key}<" in page, f"{section}.{key}"


@pytest.mark.slow
def test_every_page_is_in_the_contents(site):
    contents = (site / "index.html").read_text()
    missing = [page.stem for page in DOCS.glob("*.md") if f'href="{page.stem}.html"' not in contents]
    assert [name for name in missing if name != "index"] == []


@pytest.mark.endurance
@pytest.mark.parametrize("name", WALKED)
def test_commands_run(name, walk):
    for words in commands(DOCS / f"{name}.md", "sh"):
        if words[0] != "make":  # `make repro` is `dvc repro` after an installation
            walk.run("env", "PYTHONPATH=src", *words)


@pytest.fixture(scope="module")
def walk(root, tmp_path_factory):
    checkout = copy_working_tree(root, tmp_path_factory.mktemp("walk") / "checkout", FIVE_COPIES)
    checkout.commit("short")
    checkout.dvc("repro")
    checkout.commit("reproduced")
    return checkout
