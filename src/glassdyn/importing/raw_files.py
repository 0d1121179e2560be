"""The files of a data set: which of them are runs, and what the parameters say about them."""

import re
from pathlib import Path

from glassdyn.file_statements import parse_arrays, parse_species
from glassdyn.importing.source import ImportingError, ReadOptions
from glassdyn.params import Raw

__all__ = ["find_runs", "list_files", "read_options"]


def find_runs(folder: Path, topology: str = "") -> list[list[Path]]:
    """The files of each run in a folder, by the numbers in their names; hidden ones are left out.

    Args:
        folder: an entry is a run: a file, or a folder of files that follow each other in time.
        topology: name of the file in it that is no run.

    Raises:
        ImportingError: where there is none, or as `list_files`.
    """
    entries = [path for path in _list(folder) if path.name != topology]
    if not entries:
        raise ImportingError(f"a data set has files: there is none in {folder}; put trajectories there")
    return [list_files(path) for path in entries]


def list_files(entry: Path) -> list[Path]:
    """The files of a run, in the order of time: the file itself, or those in its folder by the numbers in their names.

    Raises:
        ImportingError: for a folder without files, or with folders.
    """
    files = _list(entry) if entry.is_dir() else [entry]
    if not files or any(file.is_dir() for file in files):
        raise ImportingError(f"a folder holds the files of one run, and no folders: got {entry}")
    return files


def _list(folder: Path) -> list[Path]:
    entries = folder.iterdir() if folder.is_dir() else ()
    return sorted((path for path in entries if not path.name.startswith(".")), key=_natural_order)


def _natural_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    words = re.findall(r"\d+|\D+", path.name)
    return [(int(word), "") if word.isdecimal() else (-1, word) for word in words], path.name


def read_options(raw: Raw, folder: Path, box_length: float) -> ReadOptions:
    """What the parameters say about the files of a folder.

    Args:
        raw: the section.
        folder: of the topology.
        box_length: L, which a file that states its own must agree with, units of sigma_AA.
    """
    return ReadOptions(
        species=parse_species(raw.species),
        box_length=box_length,
        timestep=raw.timestep or None,
        topology=folder / raw.topology if raw.topology else None,
        keys=parse_arrays(raw.keys),
        unwrapped=raw.unwrapped,
    )
