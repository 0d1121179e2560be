"""The scratch folder: results and checkpoints of jobs, each under a hash of all that determines it.

    <root>/in-use                 locked, shared, by every run
    <root>/jobs/<key>/job.json    what the job is, for people and for pruning
                     /lock        held by the one process that works on it
                     /progress    how far it is
                     /words       how it fares, where it says so
                     /checkpoint/ what survives a kill
                     /attempt/    what is being written
                     /result/     the finished files and their manifest: the attempt, renamed; the manifest
                                  alone where the files were deleted

The key is sha256 of the function's name, the digest of its code (see `code_digest`), the arguments, and the
digests of the inputs. A result is there as a whole or not at all. Outputs are hard links to it.
"""

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from glassdyn.jobs import progress
from glassdyn.jobs.atomic import atomic_write, sync
from glassdyn.jobs.code_digest import code_digest
from glassdyn.jobs.digests import digest
from glassdyn.jobs.job import Function, Job

__all__ = [
    "JobFolder",
    "claim",
    "default_root",
    "function_digest",
    "job_key",
    "locked",
    "qualified_name",
    "source_folder",
]

MANIFEST = "manifest.json"


def default_root() -> Path:
    """The scratch folder that the environment names, or .scratch at the root of the DVC repository.

    DVC sets DVC_ROOT to the user's own checkout also in the temporary ones of its experiments, so that
    all of them share results.
    """
    named = os.environ.get("GLASSDYN_SCRATCH")
    return Path(named) if named else Path(os.environ.get("DVC_ROOT", ".")) / ".scratch"


def source_folder(function: Function) -> Path:
    """The folder from which the function's module is imported."""
    path = Path(str(sys.modules[function.__module__].__file__)).resolve()
    return path.parents[function.__module__.count(".")]


def qualified_name(function: Function) -> str:
    """Its module and its name there."""
    return f"{function.__module__}.{function.__qualname__}"


def function_digest(function: Function) -> str:
    """Digest of the code that determines what the function returns."""
    return code_digest(function.__module__, source_folder(function))


def job_key(job: Job, code: str, inputs: Sequence[str]) -> str:
    """Hash of everything that determines a result.

    Args:
        job: its function's name, its arguments, with all digits, and the names of what it makes enter.
        code: digest of the function's code.
        inputs: digests of the job's inputs, in order.
    """
    entries = [qualified_name(job.function), code, job.arguments, inputs, job.output_name, job.extra_outputs]
    return sha256(json.dumps(entries, sort_keys=True, allow_nan=False).encode()).hexdigest()


@contextmanager
def locked(
    path: Path, mode: int = fcntl.LOCK_EX, *, waiting: str = "another run works on this"
) -> Iterator[None]:
    """Hold a lock, which ends with the process however it ends; wait for it if need be.

    Args:
        path: of the lock.
        mode: as `fcntl.flock` takes it.
        waiting: what to say before waiting for who has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            if mode & fcntl.LOCK_NB:
                raise
            progress.print_line(f"{waiting}: waiting for its end ({path})")
            fcntl.flock(file, mode)
        yield


@contextmanager
def claim(
    key: str, facts: Mapping[str, Any], *, waiting: str = "another run works on this"
) -> Iterator["JobFolder"]:
    """The place of a result in the store, for this process alone; begun unless the result is finished.

    Args:
        key: hash of all that determines the result.
        facts: what it is, for people and for pruning: `name`, `arguments`.
        waiting: what to say before waiting for another process that has it.
    """
    root = default_root()
    folder = JobFolder(root / "jobs" / key)
    with locked(root / "in-use", fcntl.LOCK_SH):
        folder.describe(facts)
        with folder.claim(waiting):
            yield folder


@dataclass(frozen=True)
class JobFolder:
    """The place of one job in the scratch folder.

    Attributes:
        path: <root>/jobs/<key>.
    """

    path: Path

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def progress(self) -> Path:
        return self.path / "progress"

    @property
    def words(self) -> Path:
        return self.path / "words"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint"

    @property
    def attempt(self) -> Path:
        return self.path / "attempt"

    @property
    def result(self) -> Path:
        return self.path / "result"

    @contextmanager
    def claim(self, waiting: str = "another run works on this") -> Iterator[None]:
        """Have the place for this process alone; begun unless the result is finished."""
        with locked(self.lock, waiting=waiting):
            if not self.is_finished():
                self.begin()
            yield

    def manifest(self) -> dict[str, dict[str, Any]]:
        """Size, time and digest of every finished file, by name; empty where the job is not finished."""
        try:
            manifest: dict[str, dict[str, Any]] = json.loads((self.result / MANIFEST).read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return manifest

    def is_finished(self) -> bool:
        """Whether the result is there, as it was written.

        Outputs are hard links: who writes into one writes into the result. A file whose size or time has
        changed is therefore read again and compared.
        """
        manifest = self.manifest()
        return bool(manifest) and all(_holds(self.result / name, facts) for name, facts in manifest.items())

    def is_deleted(self) -> bool:
        """Whether the result was there, but some file of it is gone; its digests are still known."""
        return any(not (self.result / name).exists() for name in self.manifest())

    def delete_files(self) -> None:
        """Delete the files of the result; by its manifest, what was made from them is still known."""
        for name in self.manifest():
            path = self.result / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def describe(self, facts: Mapping[str, Any]) -> None:
        """Write down what the job is."""
        self.path.mkdir(parents=True, exist_ok=True)
        with atomic_write(self.path / "job.json") as beside:
            beside.write_text(json.dumps(facts, indent=1, sort_keys=True))

    def begin(self) -> None:
        """Clear what a killed attempt has left half-written."""
        for folder in (self.attempt, self.result):
            shutil.rmtree(folder, ignore_errors=True)
        self.attempt.mkdir(parents=True)
        self.checkpoint.mkdir(exist_ok=True)
        for torn in self.checkpoint.rglob(".*"):  # what `atomic_write` had begun
            torn.unlink()

    def holds(self, name: str) -> bool:
        """Whether a file of the result is there, as it was written."""
        facts = self.manifest().get(name)
        return facts is not None and _holds(self.result / name, facts)

    def finish(self, absent: Mapping[str, str] | None = None) -> None:
        """Turn the attempt into the result, in one step.

        Args:
            absent: digests of files that belong to the result and are not there, by name.
        """
        manifest = {child.name: _facts(child) for child in sorted(self.attempt.iterdir())}
        manifest |= {name: {"sha256": known, "stamps": []} for name, known in (absent or {}).items()}
        (self.attempt / MANIFEST).write_text(json.dumps(manifest))
        sync(self.attempt / MANIFEST)
        sync(self.attempt)
        self.attempt.rename(self.result)
        sync(self.path)
        shutil.rmtree(self.checkpoint, ignore_errors=True)


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _facts(path: Path) -> dict[str, Any]:
    for file in _files(path):
        sync(file)
        file.chmod(0o444)  # an output is a hard link to it
    return {"sha256": digest(path), "stamps": _stamps(path)}


def _stamps(path: Path) -> list[list[Any]]:
    return [[str(file.relative_to(path)), *_stamp(file)] for file in _files(path)]


def _stamp(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def _holds(path: Path, facts: Mapping[str, Any]) -> bool:
    if not path.exists():
        return False
    return _stamps(path) == facts["stamps"] or bool(digest(path) == facts["sha256"])
