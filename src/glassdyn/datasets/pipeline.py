"""The stages of a data set: `import_files`, then those of the repository's own dvc.yaml that follow a recording."""

from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

__all__ = ["IMPORT", "make_stages", "write_pipeline"]

SIMULATING = ("equilibrate", "record", "isoconfigurational")
"""Stages in whose place the files of other programs stand."""

IMPORT: Mapping[str, Any] = {
    "desc": "trajectories of raw/, cut into samples, and their middle frames as snapshots",
    "cmd": "exec env PYTHONPATH=src python -m glassdyn.stages.import_files",
    "deps": [
        "src/glassdyn/stages/import_files.py",
        "src/glassdyn/importing",
        "src/glassdyn/simulation/protocol.py",
        "src/glassdyn/liquid",
        "src/glassdyn/storage",
        "src/glassdyn/file_statements.py",
        "raw",
    ],
    "params": [
        "raw",
        "liquid",
        "simulation.timestep",
        "simulation.frame_steps",
        "simulation.tau_alpha",
        "simulation.copies",
        "simulation.samples",
        "record",
    ],
    "outs": ["data/trajectories", "data/snapshots"],
}

HEADER = """\
# Trajectories of other programs, which lie in raw/, each entry of it a run of the liquid: params.yaml says what they do not.
# The stages after `import_files` are those of the repository's root, and so is their code, src/, by a link: DVC ignores
# __pycache__ below a data set alone. `dvc repro` and `dvc exp run -S model.n_rec=1` work here as there. `glassdyn new-dataset`
# has written this file.
"""


def write_pipeline(root: Path, folder: Path) -> None:
    """Write dvc.yaml of a data set.

    Args:
        root: of the repository.
        folder: of the data set.
    """
    pipeline = YAML(typ="safe").load(root / "dvc.yaml")
    stages = make_stages(pipeline["stages"])
    tree: dict[str, Any] = {"stages": stages}
    made = set(_outputs(stages))
    if plots := [plot for plot in pipeline.get("plots", []) if _reads_only(plot, made)]:
        tree["plots"] = plots
    text = StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.representer.ignore_aliases = lambda _: True
    yaml.dump(tree, text)
    (folder / "dvc.yaml").write_text(HEADER + text.getvalue())


def make_stages(stages: Mapping[str, Any]) -> dict[str, Any]:
    """The stages of a data set, from the repository's: none simulates, and none reads what is not made.

    Args:
        stages: of the repository, as dvc.yaml states them.
    """
    following = {name: stage for name, stage in stages.items() if name not in SIMULATING}
    made = set(_outputs({"import_files": IMPORT, **following}))
    return {"import_files": dict(IMPORT)} | {
        name: {**stage, "deps": [path for path in stage["deps"] if _is_there(path, made)]}
        for name, stage in following.items()
    }


def _is_there(path: str, made: set[str]) -> bool:
    """Whether a path is code or made by a stage."""
    return path.startswith("src/") or _is_made(path, made)


def _outputs(stages: Mapping[str, Any]) -> Iterator[str]:
    for stage in stages.values():
        for entry in [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]:
            yield entry if isinstance(entry, str) else next(iter(entry))


def _is_made(path: str, made: set[str]) -> bool:
    """Whether a path is an output, a part of one, or a folder of outputs."""
    return any(
        path == output or path.startswith(f"{output}/") or output.startswith(f"{path}/") for output in made
    )


def _reads_only(plot: Mapping[str, Any], made: set[str]) -> bool:
    ((_, description),) = plot.items()
    return all(_is_made(path, made) for path in description["y"])
