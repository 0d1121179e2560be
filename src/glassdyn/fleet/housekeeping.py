"""What the scratch folder holds, and clearing it of what no output needs."""

import fcntl
import json
import shutil
from pathlib import Path
from typing import Any, Literal, NamedTuple

from glassdyn.fleet.jobs import FleetError
from glassdyn.fleet.scratch import Folder, locked

__all__ = ["Holding", "holdings", "prune"]


class Holding(NamedTuple):
    """One job's place in the scratch folder.

    Attributes:
        folder: where it is.
        name: of the job.
        size: bytes on the disk; those that an output shares with it are counted here too.
        state: "linked" to an output, "needed" by a job that is, "unfinished", or "loose".
    """

    folder: Folder
    name: str
    size: int
    state: Literal["linked", "needed", "unfinished", "loose"]


def holdings(root: Path) -> list[Holding]:
    """List what a scratch folder holds, by name of the job.

    A result counts as linked where it has another hard link, in the outputs or in DVC's cache, or where
    its output is a copy of it. What it was made from is needed: without it, a run with more samples would
    have to begin again.
    """
    folders = {path.name: Folder(path) for path in sorted(root.glob("jobs/*")) if path.is_dir()}
    facts = {key: _facts(folder) for key, folder in folders.items()}
    linked = {key for key, folder in folders.items() if _is_linked(folder, facts[key])}
    needed: set[str] = set()
    open_ends = list(linked)
    while open_ends:
        before = set(facts.get(open_ends.pop(), {}).get("after", ())) - needed
        needed |= before
        open_ends += before
    found = []
    for key, folder in folders.items():
        state: Literal["linked", "needed", "unfinished", "loose"] = "loose"
        if key in linked:
            state = "linked"
        elif key in needed:
            state = "needed"
        elif not folder.manifest():
            state = "unfinished"
        found.append(Holding(folder, facts[key].get("name", "?"), _size(folder.path), state))
    return sorted(found, key=lambda holding: (holding.name, holding.folder.path))


def prune(root: Path) -> list[Holding]:
    """Delete results that no output is linked to, and checkpoints of unfinished jobs.

    Returns:
        What was deleted.

    Raises:
        FleetError: while a run uses the folder.
    """
    if not root.is_dir():
        return []
    try:
        with locked(root / "in-use", fcntl.LOCK_EX | fcntl.LOCK_NB):
            deleted = [held for held in holdings(root) if held.state in {"unfinished", "loose"}]
            for held in deleted:
                shutil.rmtree(held.folder.path)
    except BlockingIOError:
        raise FleetError(f"a run is using {root}: wait for its end, or end it, and prune then") from None
    return deleted


def _facts(folder: Folder) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads((folder.path / "job.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return facts


def _is_linked(folder: Folder, facts: dict[str, Any]) -> bool:
    manifest = folder.manifest()
    files = [file for name in manifest for file in _files(folder.result / name)]
    if any(file.stat().st_nlink > 1 for file in files):
        return True
    output = Path(facts.get("output") or "/nowhere")
    return (
        bool(manifest)
        and output.exists()
        and _size(output) in map(_size, map(folder.result.joinpath, manifest))
    )


def _files(path: Path) -> list[Path]:
    return [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in _files(path))
