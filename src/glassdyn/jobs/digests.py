"""Digests of files by their content; those of results come from their manifests, without reading terabytes again."""

import json
from functools import cached_property
from hashlib import file_digest, sha256
from pathlib import Path

__all__ = ["Digests", "digest"]

Identity = tuple[int, int, int, int]
"""Device, inode, size and time of the last change: what all hard links of an unchanged file share."""


def digest(path: Path) -> str:
    """The sha256 of a file, or of the names and contents of all files of a folder."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        lines = (f"{file.relative_to(path)} {digest(file)}" for file in files)
        return sha256("\n".join(lines).encode()).hexdigest()
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


class Digests:
    """Digests of a run's inputs.

    Args:
        root: of the store, whose results know their digests.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def of(self, path: Path) -> str:
        """The digest of a file or folder; a file that is an unchanged link to a result is not read."""
        if path.is_file() and (known := self._results.get(_identify(path))):
            return known
        return digest(path)

    @cached_property
    def _results(self) -> dict[Identity, str]:
        return {
            (*_identify(file)[:2], *stamp): sha
            for manifest in self._root.glob("jobs/*/result/manifest.json")
            for file, stamp, sha in _single_files(manifest)
        }


def _identify(path: Path) -> Identity:
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _single_files(manifest: Path) -> list[tuple[Path, tuple[int, int], str]]:
    """Path, size and time, and digest of the files of a result; folders, which have several, are left out."""
    try:
        entries = json.loads(manifest.read_text())
    except (OSError, json.JSONDecodeError):
        return []
    return [
        (manifest.parent / name, (facts["stamps"][0][1], facts["stamps"][0][2]), facts["sha256"])
        for name, facts in entries.items()
        if [stamp[0] for stamp in facts["stamps"]] == ["."] and (manifest.parent / name).is_file()
    ]
