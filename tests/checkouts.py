"""A checkout of its own, with the commands that a user runs there."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from short_pipeline import SHORT, shorten

BIN = Path(sys.executable).parent


class Checkout:
    """A folder with commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *command: str, code: int = 0) -> str:
        environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
        for name in ("PYTHONDONTWRITEBYTECODE", "GLASSDYN_SCRATCH", "DVC_ROOT", "PYTHONPATH"):
            environment.pop(name, None)
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{' '.join(command)}: {done.returncode}\n{done.stdout[-4000:]}"
        return done.stdout

    def dvc(self, *arguments: str, code: int = 0) -> str:
        return self.run(sys.executable, "-m", "dvc", *arguments, code=code)

    def git(self, *arguments: str) -> str:
        return self.run("git", "-c", "user.name=test", "-c", "user.email=test@localhost", *arguments)

    def glassdyn(self, *arguments: str, code: int = 0) -> str:
        return self.run("env", "PYTHONPATH=src", sys.executable, "-m", "glassdyn.cli", *arguments, code=code)

    def commit(self, why: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", why)

    def metric(self, *path: str) -> float:
        value = json.loads((self.folder / "metrics" / "evaluate.json").read_text())
        for key in path:
            value = value[key]
        return value


def copy_working_tree(
    root: Path, folder: Path, changes: Mapping[str, Mapping[str, object]] = SHORT
) -> Checkout:
    """The files that git tracks or would track, without results, as a new repository with changed parameters."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=root, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (root / name).is_file() and not name.startswith(("metrics/", "plots/")) and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, folder / name)
    shorten(root / "params.yaml", folder / "params.yaml", changes)
    checkout = Checkout(folder)
    checkout.git("init", "-qb", "main")
    checkout.git("config", "user.name", "test")
    checkout.git("config", "user.email", "test@localhost")
    return checkout
