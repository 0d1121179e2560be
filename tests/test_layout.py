"""The road: imports run one way, and dvc.yaml tells DVC exactly what each stage depends on."""

import ast
import importlib.util

from ruamel.yaml import YAML

LAYERS = [
    "errors",
    "label_names",
    "params",
    "presets",
    "correlation",
    "liquid",
    "jobs",
    "storage",
    "simulation",
    "observables",
    "features",
    "labels",
    "learning",
    "baselines",
    "evaluation",
    "prediction",
    "figures",
    "stages",
    "cli",
]


def pipeline(root):
    return YAML(typ="safe").load(root / "dvc.yaml")["stages"]


def stations_imported(path):
    """Stations of the package that a module imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "glassdyn":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("glassdyn."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (name.name.split(".")[1] for name in node.names if name.name.startswith("glassdyn."))


def test_imports_go_down_the_road_only(root):
    package = root / "src" / "glassdyn"
    for path in sorted(package.rglob("*.py")):
        station = path.relative_to(package).parts[0].removesuffix(".py")
        if station == "__init__":
            continue
        assert station in LAYERS, f"{path} has no place on the road"
        for other in stations_imported(path):
            assert LAYERS.index(other) <= LAYERS.index(station), (
                f"{path} imports {other}, which lies behind it"
            )
            assert other == station or other not in {"stages", "cli"}, f"{path} imports {other}"


def test_stages_depend_on_exactly_the_modules_they_import(root):
    spec = importlib.util.spec_from_file_location("dependencies", root / "tools" / "dependencies.py")
    dependencies = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(dependencies)
    for name, stage in pipeline(root).items():
        declared = [entry for entry in stage["deps"] if entry.startswith("src/")]
        assert declared == dependencies.modules_of(name), f"stage {name}: run `make deps`"


def test_stages_run_the_checkout_s_own_code(root):
    for name, stage in pipeline(root).items():
        assert stage["cmd"] == f"exec env PYTHONPATH=src python -m glassdyn.stages.{name}"


def test_stage_modules_are_short(root):
    for path in (root / "src" / "glassdyn" / "stages").glob("*.py"):
        assert len(path.read_text().splitlines()) <= 60, f"{path}: a stage reads, calls and writes"


def test_every_output_is_ignored_by_git_or_kept_in_it(root):
    """DVC then writes no .gitignore of its own, and takes none back when a later stage fails."""
    ignored = {line.strip().strip("/") for line in (root / ".gitignore").read_text().splitlines()}
    for stage in pipeline(root).values():
        for output in [*stage.get("outs", []), *stage.get("metrics", [])]:
            if isinstance(output, str):
                assert output in ignored or (
                    output.startswith("models/") and "models/*.safetensors" in ignored
                )
            else:
                assert all(options == {"cache": False} for options in output.values())


def test_every_stage_is_a_module_and_every_module_a_stage(root):
    modules = {path.stem for path in (root / "src" / "glassdyn" / "stages").glob("*.py")} - {"__init__"}
    assert modules == set(pipeline(root))
