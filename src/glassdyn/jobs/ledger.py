"""Ledgers: what the jobs of a stage have made, in a file that travels with their outputs.

The scratch folder stays on one machine. In a clone that pulled a stage's outputs, its ledger says which job each of them
is the result of, and by which digests; the store adopts what is there and whole. Files beside the outputs, which lie in
the scratch folder only, are known by their digests then, and are made anew where somebody needs them.

A ledger is an output of its own, upon which nothing depends: a job's key changes with its code, also where its result
does not.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from glassdyn.jobs.atomic import atomic_write, publish
from glassdyn.jobs.digests import digest
from glassdyn.jobs.job import Job, JobError
from glassdyn.jobs.store import JobFolder

__all__ = ["LedgerEntry", "adopt", "read_ledger", "remove_stale", "write_ledger"]


class LedgerEntry(NamedTuple):
    """What a job has made.

    Attributes:
        key: of the job; see `store.job_key`.
        files: sha256 of its output and extra outputs, by their names in the scratch folder.
    """

    key: str
    files: dict[str, str]


def read_ledger(path: Path) -> dict[str, LedgerEntry]:
    """Read a ledger, by names of jobs; empty where there is none.

    Raises:
        JobError: for a file that is no ledger.
    """
    try:
        rows = json.loads(path.read_text())
        return {str(name): LedgerEntry(str(row["key"]), dict(row["files"])) for name, row in rows.items()}
    except FileNotFoundError:
        return {}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise JobError(f"{path} is no ledger of jobs: {error!r}; remove it, and run again") from None


def write_ledger(path: Path, results: Mapping[str, JobFolder]) -> None:
    """Write a ledger; the same results give the same bytes.

    Args:
        path: the file.
        results: places of finished jobs, by their names.
    """
    rows = {
        name: {
            "key": folder.path.name,
            "files": {file: facts["sha256"] for file, facts in folder.manifest().items()},
        }
        for name, folder in results.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as beside:
        beside.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n")


def adopt(job: Job, folder: JobFolder, entry: LedgerEntry | None) -> None:
    """Take an output that is there as the job's result, where the ledger says that it is.

    Args:
        job: whose result is wanted.
        folder: its place in the store, where nothing is known of a result.
        entry: of the ledger, if there is one.
    """
    if entry is None or entry.key != folder.path.name:
        return
    if set(entry.files) != {job.output_name, *job.extra_outputs}:
        return
    absent = dict(entry.files)
    if job.output:
        expected = absent.pop(job.output_name, None)
        if not job.output.is_file() or digest(job.output) != expected:
            return
    with folder.claim("another run works on this"):
        if folder.manifest():
            return
        if job.output:
            publish(job.output.resolve(), folder.attempt / job.output_name)
        folder.finish(absent)


def remove_stale(folder: Path, jobs: Iterable[Job]) -> None:
    """Remove files of an output folder that no job writes; DVC leaves the folder as it was for `adopt`."""
    outputs = {job.output.absolute() for job in jobs if job.output}
    for path in sorted(folder.rglob("*"), reverse=True):  # files before their folders
        if path.is_dir():
            with suppress(OSError):  # not empty
                path.rmdir()
        elif path.absolute() not in outputs:
            path.unlink()
