"""The git repository of a run: its experiments, and files of any revision."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from zipfile import ZipFile

from glassdyn.errors import GlassdynError

__all__ = [
    "Experiment",
    "RepositoryError",
    "extract_source",
    "list_experiments",
    "read_files",
    "require_fit_for_experiments",
    "run_git",
    "unfit_for_experiments",
]

EXPERIMENT = re.compile(
    r"(?P<commit>\w+) refs/exps/(?P<head>[0-9a-f]{2})/(?P<tail>[0-9a-f]{38})/(?P<name>.+)"
)
"""A line of `git for-each-ref`: DVC keeps an experiment under the commit that it started from."""


class RepositoryError(GlassdynError):
    """A repository in which experiments would fail; the message says what to do."""


class Experiment(NamedTuple):
    """A finished experiment.

    Attributes:
        name: as `dvc exp apply` takes it.
        commit: its results, parameters and code.
        baseline: the commit that it started from.
    """

    name: str
    commit: str
    baseline: str


def run_git(*arguments: str, input_bytes: bytes = b"") -> bytes:
    """Run a git command here and return what it prints.

    Raises:
        RepositoryError: with git's own words.
    """
    done = subprocess.run(["git", *arguments], input=input_bytes, capture_output=True, check=False)  # noqa: S603, S607
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip()
        raise RepositoryError(f"git {arguments[0]} failed: {words}")
    return done.stdout


def list_experiments() -> list[Experiment]:
    """Every finished experiment of the repository, from whatever commit; the oldest first."""
    form = "--format=%(objectname) %(refname)"
    lines = run_git("for-each-ref", "--sort=committerdate", form, "refs/exps").decode().splitlines()
    matches = [match for match in map(EXPERIMENT.fullmatch, lines) if match]
    return [Experiment(match["name"], match["commit"], match["head"] + match["tail"]) for match in matches]


def read_files(revisions: Sequence[str], path: str) -> dict[str, bytes]:
    """Read a file of this folder in many revisions at once; those that lack it are left out.

    A data set is a folder of a repository, and git counts paths from the root, unless they begin with a dot.
    """
    asked = "".join(f"{revision}:./{path}\n" for revision in revisions).encode()
    stream = BytesIO(run_git("cat-file", "--batch", input_bytes=asked))
    contents = {}
    for revision in revisions:
        *_, kind, size = stream.readline().decode().split(" ")
        if kind == "blob":
            contents[revision] = stream.read(int(size))
            stream.readline()
    return contents


@contextmanager
def extract_source(tree: str) -> Iterator[Path]:
    """A folder of git's, by the name of its content, in a temporary place."""
    with TemporaryDirectory() as folder:
        with ZipFile(BytesIO(run_git("archive", "--format=zip", tree))) as archive:  # makes no links
            archive.extractall(folder)
        yield Path(folder)


def unfit_for_experiments(root: Path) -> list[str]:
    """Why experiments would fail in a folder, and the way out; nothing where they would not.

    DVC runs them in temporary checkouts below the repository, whose addresses are URLs.
    """
    path = str(root.absolute())
    reasons = []
    if not path.isascii() or "#" in path:
        reasons.append(
            "experiments need a path of ASCII letters without #, for DVC's temporary checkouts fail elsewhere: "
            f"got {path}; move the repository"
        )
    if not (root / ".git").exists():
        return [*reasons, f"experiments live in git: {path} is no repository's root; go there, or `git init`"]
    if not (root / ".dvc").is_dir():
        reasons.append(f"experiments are DVC's: {path} has no .dvc; `dvc init`")
    if run_git("rev-parse", "--is-shallow-repository").strip() == b"true":
        reasons.append(
            "DVC loses experiments of a shallow clone: this is one; complete it with `git fetch --unshallow`"
        )
    untracked = run_git(
        "ls-files", "--others", "--exclude-standard", "--", "src", "dvc.yaml", "params.yaml"
    ).decode()
    if untracked:
        names = ", ".join(untracked.split("\n")[:3])
        reasons.append(f"an experiment holds what git tracks: got {names}, which it does not; `git add` them")
    return reasons


def require_fit_for_experiments(root: Path) -> None:
    """Refuse a folder in which experiments would fail, see `unfit_for_experiments`.

    Raises:
        RepositoryError: with all reasons.
    """
    if reasons := unfit_for_experiments(root):
        raise RepositoryError("\n".join(reasons))
