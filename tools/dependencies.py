"""Keep the module dependencies of dvc.yaml equal to what each stage imports.

DVC reruns a stage when a file it depends on has changed; a module that a stage imports and dvc.yaml
does not name would change results silently.
"""

from pathlib import Path

from ruamel.yaml import YAML

from glassdyn.provenance import import_closure

__all__ = ["modules_of", "rewrite"]


def modules_of(stage: str) -> list[str]:
    """Source files that the stage imports, directly or not, relative to the repository's root."""
    root = Path(__file__).resolve().parents[1]
    return [str(path.resolve().relative_to(root)) for path in import_closure(f"glassdyn.stages.{stage}")]


def rewrite(path: Path) -> None:
    """Write the modules of every stage into its deps; data stay as they are, and come last."""
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    pipeline = yaml.load(path)
    for name, stage in pipeline["stages"].items():
        data = [entry for entry in stage.get("deps", []) if not entry.startswith("src/")]
        stage["deps"] = [*modules_of(name), *data]
    yaml.dump(pipeline, path)


if __name__ == "__main__":
    rewrite(Path("dvc.yaml"))
