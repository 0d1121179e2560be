"""The folders of an imported set, as the stages expect them, written beside their place and moved into it when whole."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from glassdyn.importing.source import ImportingError

__all__ = ["ImportedFolders", "list_samples", "replace_folders", "require_new"]


class ImportedFolders(NamedTuple):
    """Where an imported set lies, as the stages expect it.

    Attributes:
        snapshots: a configuration for each sample.
        isoconfigurational: of every sample a table of means over runs and, where a set has runs, one for each.
        inherent: the configurations in their nearest energy minima, where a set has them.
        cages: particles at the mean positions in their cages, where a set has them.
        predictions: a folder for each published method, in it a table for each sample.
    """

    snapshots: Path = Path("data/snapshots")
    isoconfigurational: Path = Path("data/isoconfigurational")
    inherent: Path = Path("data/inherent")
    cages: Path = Path("data/cages")
    predictions: Path = Path("data/predictions")

    @classmethod
    def below(cls, folder: Path) -> "ImportedFolders":
        """The same folders in another one."""
        return cls(*(folder / name for name in cls._fields))


def list_samples(names: Sequence[str], folders: ImportedFolders) -> None:
    """Write the names of the samples that have labels, as stage `isoconfigurational` does."""
    (folders.isoconfigurational / "samples.txt").write_text("".join(f"{name}\n" for name in names))


def require_new(folder: Path) -> None:
    """Refuse a folder that holds something, or that has no folder to lie in.

    Raises:
        ImportingError: in these cases.
    """
    if not folder.parent.is_dir():
        raise ImportingError(f"the output's folder must exist: got {folder}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ImportingError(
            f"a set is imported into a folder that is new or empty: got {folder}; name another"
        )


@contextmanager
def replace_folders(output: Path) -> Iterator[ImportedFolders]:
    """Folders to write a set to, which take their places below `output` if the block succeeds, and vanish otherwise.

    Those of the same names are replaced; other predictions, and whatever else lies there, stay.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as name:
        beside = ImportedFolders.below(Path(name))
        yield beside
        output.mkdir(exist_ok=True)
        methods = sorted(beside.predictions.glob("*"))
        for folder in [*beside[:4], *methods]:
            if folder.exists():
                _replace(folder, output / folder.relative_to(name))


def _replace(source: Path, target: Path) -> None:
    if target.exists():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)
