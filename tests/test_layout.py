"""The layout: imports run one way, dvc.yaml says what each stage depends on, and names are the field's."""

import ast
import re

import pytest
from dvc.utils.serialize import modify_yaml
from ruamel.yaml import YAML

from glassdyn import params
from glassdyn.datasets.pipeline import make_stages
from glassdyn.jobs.code_digest import SOURCE, code_files

LAYERS = [
    "errors",
    "parent_process",
    "cores",
    "label_names",
    "file_statements",
    "parameter_files",
    "constraints",
    "limits",
    "params",
    "folds",
    "correlation",
    "liquid",
    "jobs",
    "presets",
    "storage",
    "simulation",
    "costs",
    "observables",
    "features",
    "labels",
    "learning",
    "baselines",
    "evaluation",
    "importing",
    "datasets",
    "prediction",
    "figures",
    "reporting",
    "data_card",
    "explanation",
    "experiments",
    "remotes",
    "stages",
    "commands",
    "cli",
]
"""Folders and modules of the package: each imports itself and what stands before it."""


@pytest.fixture(scope="module")
def pipeline(root):
    return YAML(typ="safe").load(root / "dvc.yaml")["stages"]


def layers_imported(path):
    """Layers of the package that a module imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "glassdyn":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("glassdyn."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (name.name.split(".")[1] for name in node.names if name.name.startswith("glassdyn."))


def test_imports_go_one_way(root):
    package = root / "src" / "glassdyn"
    for path in sorted(package.rglob("*.py")):
        layer = path.relative_to(package).parts[0].removesuffix(".py")
        if layer == "__init__":
            continue
        assert layer in LAYERS, f"{path} has no place among the layers"
        for origin in layers_imported(path):
            assert LAYERS.index(origin) <= LAYERS.index(layer), f"{path} imports {origin}, which comes later"
            assert origin == layer or origin not in {"stages", "cli"}, f"{path} imports {origin}"


def test_stages_declare_the_folders_whose_code_determines_their_results(pipeline):
    for name, stage in pipeline.items():
        declared = [entry.removeprefix("src/") for entry in stage["deps"] if entry.startswith("src/")]
        files = [str(path.relative_to(SOURCE)) for path in code_files(f"glassdyn.stages.{name}").values()]

        def holds(entry, file):
            return file == entry or file.startswith(f"{entry}/")

        lacking = [file for file in files if not any(holds(entry, file) for entry in declared)]
        idle = [entry for entry in declared if not any(holds(entry, file) for file in files)]
        assert not lacking, f"stage {name}: {lacking} lie in no folder that it declares"
        assert not idle, f"stage {name}: it needs nothing of {idle}"


def test_pictures_are_drawn_by_one_stage_alone(pipeline):
    drawing = [name for name, stage in pipeline.items() if "src/glassdyn/figures" in stage["deps"]]
    assert drawing == ["draw"]


def test_stages_run_the_checkout_s_own_code(pipeline):
    for name, stage in pipeline.items():
        assert stage["cmd"] == f"exec env PYTHONPATH=src python -m glassdyn.stages.{name}"


def test_the_pipeline_is_short_enough_to_be_read(root):
    assert len((root / "dvc.yaml").read_text().splitlines()) < 400
    for path in (root / "src" / "glassdyn" / "stages").glob("[!_]*.py"):
        assert len(path.read_text().splitlines()) <= 50, f"{path}: a stage reads, calls and writes"


@pytest.mark.parametrize("folder", [".", "datasets/botan", "datasets/glassbench"])
@pytest.mark.parametrize("name", ["dvc.yaml", "params.yaml"])
def test_files_that_dvc_edits_are_in_its_layout(root, tmp_path, folder, name):
    """`dvc exp run -S` and `dvc freeze` then change what they are asked to, and no other line."""
    copy = tmp_path / name
    copy.write_bytes((root / folder / name).read_bytes())
    with modify_yaml(copy):
        pass
    assert copy.read_text() == (root / folder / name).read_text(), (
        f"write {name} by dvc.utils.serialize.modify_yaml"
    )


def test_every_output_is_ignored_by_git_or_kept_in_it(root, pipeline):
    """DVC then writes no .gitignore of its own, and takes none back when a later stage fails."""
    ignored = [line.strip().strip("/") for line in (root / ".gitignore").read_text().splitlines()]
    for stage in pipeline.values():
        for output in [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]:
            ((path, options),) = [(output, {})] if isinstance(output, str) else output.items()
            if options.get("cache", True):
                assert any(path == entry or path.startswith(f"{entry}/") for entry in ignored) or (
                    path.startswith("models/") and "models/*.safetensors" in ignored
                )
                assert options in ({}, {"persist": True})
            else:
                assert options == {"cache": False}


def test_every_stage_is_a_module_and_every_module_a_stage(root, pipeline):
    """Of the pipeline itself, or of one that reads other people's data."""
    stages = make_stages(pipeline)
    modules = {path.stem for path in (root / "src" / "glassdyn" / "stages").glob("*.py")} - {"__init__"}
    datasets = " ".join(path.read_text() for path in (root / "datasets").glob("*/dvc.yaml"))
    assert modules == {*stages, *pipeline} | set(re.findall(r"glassdyn\.stages\.(\w+)", datasets))


@pytest.mark.parametrize("dataset", ["botan", "glassbench"])
def test_a_published_set_runs_stages_of_the_root(root, pipeline, dataset):
    """With the same commands, code and parameters; and its params.yaml is one of today's."""
    folder = root / "datasets" / dataset
    assert (folder / "src").resolve() == (root / "src").resolve()
    params.load(folder / "params.yaml")
    published = YAML(typ="safe").load(folder / "dvc.yaml")["stages"]
    for name in published.keys() & pipeline.keys():
        theirs, ours = published[name], pipeline[name]
        assert theirs["cmd"] == ours["cmd"]
        code = [entry for entry in theirs["deps"] if entry.startswith("src/")]
        assert code == [entry for entry in ours["deps"] if entry.startswith("src/")], name
        assert theirs["params"] == ours["params"], name


BANNED = {
    "Answers",
    "Course",
    "Declared",
    "Exercise",
    "Grades",
    "Holding",
    "Leg",
    "Lesson",
    "Notes",
    "Pool",
    "Problem",
    "Refusal",
    "Rival",
    "Room",
    "Round",
    "Rule",
    "Shown",
    "Surroundings",
    "Tables",
    "Watch",
    "Wiring",
    "activated",
    "add_layer",
    "answered",
    "apart",
    "around",
    "around_each",
    "attended",
    "chosen",
    "coarse_of",
    "course_of",
    "drawn",
    "exercises",
    "found",
    "freed",
    "gain",
    "given",
    "graded",
    "graduate",
    "holdings",
    "in_turns",
    "journal",
    "joined",
    "kept",
    "labelled",
    "learnt",
    "legs",
    "loose",
    "measuring",
    "nothing",
    "objections",
    "of_the_first",
    "one",
    "other",
    "planned",
    "prepared",
    "recall",
    "recalled",
    "replacing",
    "rivals",
    "route",
    "rule_of",
    "separate",
    "shares",
    "spent",
    "strangeness",
    "survey",
    "synthetic",
    "together",
    "told",
    "tracks_of",
    "turned",
    "unquenched",
}
"""Names that a physicist or an ML engineer would not guess."""


def names_defined(tree):
    """Functions, classes, arguments, and what is assigned to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr


@pytest.mark.parametrize("folder", ["src", "tests", "benchmarks"])
def test_names_are_the_field_s(root, folder):
    banned = {
        f"{path.relative_to(root)}: {name}"
        for path in (root / folder).rglob("*.py")
        for name in names_defined(ast.parse(path.read_text()))
        if name.lstrip("_") in BANNED
    }
    assert not banned
    modules = [path.stem for path in (root / folder).rglob("*.py")]
    assert not {
        name for name in modules if re.sub("^test_", "", name) in BANNED | {"fleet", "road", "walk", "hops"}
    }
