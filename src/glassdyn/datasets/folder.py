"""The folder of a data set: a DVC repository of its own inside this one, with the files that its pipeline begins with."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from glassdyn.errors import GlassdynError

__all__ = ["copy_files", "lay_out", "track_files"]

IGNORED = ("raw/", "data/", "models/", ".scratch/", "report.html")
"""What DVC tracks, or nobody; metrics and plots are in git, as those of the root."""

CODE = Path("../../src")
"""From a data set to the code of its checkout: a link, because DVC ignores what .dvcignore names inside of a data set alone,
and compiled modules are no dependencies."""

CONFIG = """\
[core]
    analytics = false
[cache]
    type = "hardlink,symlink"
[plots]
    html_template = ../../../src/glassdyn/reporting/templates/plots_page.html
"""


def lay_out(root: Path, folder: Path) -> None:
    """Make the folder with all that does not depend on its files.

    Args:
        root: of the repository, whose templates of plots it shares.
        folder: to make; it may be there.
    """
    for path in (folder / ".dvc", folder / "raw"):
        path.mkdir(parents=True, exist_ok=True)
    if not (folder / "src").is_symlink():
        (folder / "src").symlink_to(CODE)
    (folder / ".dvc" / "config").write_text(CONFIG)
    (folder / ".dvc" / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (folder / ".gitignore").write_text("".join(f"/{name}\n" for name in IGNORED))
    (folder / ".dvcignore").write_text("__pycache__/\n*.pyc\n.scratch/\n")
    if (root / ".dvc" / "plots").is_dir():
        shutil.copytree(root / ".dvc" / "plots", folder / ".dvc" / "plots", dirs_exist_ok=True)


def copy_files(entries: Sequence[Path], topology: Path | None, raw: Path) -> str:
    """Copy runs, and the file with their species, into a data set: links would let the set change with the originals.

    Args:
        entries: files, or folders of files; where two have one name, their numbers stand before it.
        topology: None where there is none.
        raw: the folder that takes them.

    Returns:
        The name of the topology in the folder; empty without one.
    """
    distinct = len({entry.name for entry in entries}) == len(entries)
    for number, entry in enumerate(entries):
        target = raw / (entry.name if distinct else f"{number:02}-{entry.name}")
        if entry.is_dir():
            shutil.copytree(entry, target)
        else:
            shutil.copyfile(entry, target)
    if topology is None:
        return ""
    name = f"topology-{topology.name}" if (raw / topology.name).exists() else topology.name
    shutil.copyfile(topology, raw / name)
    return name


def track_files(folder: Path) -> None:
    """Give the files of a data set to DVC, so that experiments in folders of their own have them.

    Raises:
        GlassdynError: where DVC refuses, with its reason.
    """
    if list(folder.glob("[!.]*.dvc")) or list((folder / "raw").glob("[!.]*.dvc")):
        return
    command = [sys.executable, "-m", "dvc", "add", "-q", "raw"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise GlassdynError(
            f"{folder} is there, and DVC does not track its files: {done.stderr.strip()}; run `dvc add raw` in it"
        )
