"""What the scratch folder holds, and clearing it of what no output needs."""

import fcntl
import json
import shutil
from pathlib import Path
from typing import Any, Literal, NamedTuple

from glassdyn.jobs.job import JobError
from glassdyn.jobs.store import JobFolder, locked

__all__ = ["Entry", "State", "list_entries", "prune"]

State = Literal["linked", "needed", "deletable", "deleted", "unfinished", "orphaned"]


class Entry(NamedTuple):
    """One job's place in the scratch folder.

    Attributes:
        folder: where it is.
        name: of the job.
        size: bytes on the disk; those that an output shares with it are counted here too.
        state: "linked" to an output; "needed" to make more of what is; "deletable", needed so, but without an
            output of its own, and all that was made from it is finished; "deleted", all but its digests; "unfinished"; or "orphaned".
    """

    folder: JobFolder
    name: str
    size: int
    state: State


def list_entries(root: Path) -> list[Entry]:
    """List what a scratch folder holds, by name of the job.

    A result counts as linked where it has another hard link, in the outputs or in DVC's cache, or where
    its output is a copy of it. What it was made from is needed: without it, a run with more samples would
    have to begin again.
    """
    folders = {path.name: JobFolder(path) for path in sorted(root.glob("jobs/*")) if path.is_dir()}
    facts = {key: _facts(folder) for key, folder in folders.items()}
    states = _states(folders, facts)
    entries = [
        Entry(folder, facts[key].get("name", "?"), _size(folder.path), states[key])
        for key, folder in folders.items()
    ]
    return sorted(entries, key=lambda entry: (entry.name, entry.folder.path))


def _states(folders: dict[str, JobFolder], facts: dict[str, dict[str, Any]]) -> dict[str, State]:
    states: dict[str, State] = {
        key: "orphaned" if folder.manifest() else "unfinished" for key, folder in folders.items()
    }
    unfinished = [key for key, state in states.items() if state == "unfinished"]
    awaited = {origin for key in unfinished for origin in facts[key].get("after", ())}
    linked = {key for key, folder in folders.items() if _is_linked(folder, facts[key])}
    for key in _origins(linked, facts) & folders.keys():
        if facts[key].get("output", "") is not None or key in awaited or states[key] == "unfinished":
            states[key] = "needed"
        else:
            states[key] = "deleted" if folders[key].is_deleted() else "deletable"
    for key in linked:
        states[key] = "linked"
    return states


def _origins(keys: set[str], facts: dict[str, dict[str, Any]]) -> set[str]:
    """What jobs were made from, directly or not."""
    origins: set[str] = set()
    open_ends = list(keys)
    while open_ends:
        new = set(facts.get(open_ends.pop(), {}).get("after", ())) - origins
        origins |= new
        open_ends += new
    return origins


def prune(root: Path) -> list[Entry]:
    """Delete results that no output is linked to, deletable ones, and checkpoints of unfinished jobs.

    Of deletable results the digests stay: a run that needs the results again computes them again, and any other
    run goes on without.

    Returns:
        What was deleted.

    Raises:
        FleetError: while a run uses the folder.
    """
    if not root.is_dir():
        return []
    try:
        with locked(root / "in-use", fcntl.LOCK_EX | fcntl.LOCK_NB):
            deleted = [
                entry
                for entry in list_entries(root)
                if entry.state in {"unfinished", "orphaned", "deletable"}
            ]
            for entry in deleted:
                if entry.state == "deletable":
                    entry.folder.delete_files()
                else:
                    shutil.rmtree(entry.folder.path)
    except BlockingIOError:
        raise JobError(f"a run is using {root}: wait for its end, or end it, and prune then") from None
    return deleted


def _facts(folder: JobFolder) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads((folder.path / "job.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return facts


def _is_linked(folder: JobFolder, facts: dict[str, Any]) -> bool:
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
    return [file for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in _files(path))
