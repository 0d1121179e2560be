"""Files that are there whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

__all__ = ["atomic_write", "publish", "sync"]


def sync(path: Path) -> None:
    """Bring a file, or the entries of a folder, to the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, which takes its name and place if the block succeeds.

    A reader, and a run after a crash, sees the old file or the new one, never a part.

    Raises:
        OSError: what the file system says; `path` is then as it was.
    """
    beside = path.with_name(f".{path.stem}-{uuid4().hex[:8]}{path.suffix}")
    try:
        yield beside
        sync(beside)
        beside.replace(path)
        sync(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def publish(source: Path, target: Path) -> None:
    """Give a finished file, or every file of a finished folder, a second name, atomically.

    A hard link where the file system allows it, otherwise a copy.
    """
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for child in sorted(source.iterdir()):
            publish(child, target / child.name)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(target) as beside:
        with suppress(OSError):
            os.link(source, beside)
        if not beside.exists():
            shutil.copyfile(source, beside)
