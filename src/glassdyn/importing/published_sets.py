"""Published sets by name: read from the files that their authors published, written as the stages expect them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from glassdyn.importing import glassbench
from glassdyn.importing.deepmind_set import find_pickles, read_runs
from glassdyn.importing.glassbench_tables import StatePoint, import_glassbench
from glassdyn.importing.isoconfigurational_set import (
    find_files,
    import_end_points,
    read_end_points,
    state_from_names,
)
from glassdyn.importing.published_runs import write_runs
from glassdyn.importing.published_times import DENSITY, relative_times
from glassdyn.importing.set_folders import ImportedFolders, list_samples, replace_folders, require_new
from glassdyn.importing.source import ImportingError
from glassdyn.jobs.progress import show_progress
from glassdyn.liquid.box import compute_box_length
from glassdyn.storage.trajectory_writer import sample_name

__all__ = ["SETS", "import_set"]


def _import_botan(path: Path, folders: ImportedFolders) -> int:
    files = find_files(path)
    state = state_from_names(files)
    particles = len(read_end_points(files[0], box_length=1.0).configuration.species)
    with show_progress("import", total=len(files), unit="files") as advance:
        import_end_points(
            files,
            folders,
            box_length=compute_box_length(particles, DENSITY),
            temperature=state.temperature,
            label=state.label,
            advance=advance,
        )
    return len(files)


def _import_glassbench(path: Path, folders: ImportedFolders) -> int:
    source = glassbench.find_source(path)
    temperature = glassbench.read_temperature(source)
    state = StatePoint(relative_times(temperature), temperature, DENSITY)
    with show_progress("import", total=glassbench.STRUCTURES, unit="files") as advance:
        return import_glassbench(source, folders, state, advance)


def _import_deepmind(path: Path, folders: ImportedFolders) -> int:
    files = find_pickles(path)
    names = [sample_name(copy, 0) for copy in range(len(files))]
    with show_progress("import", total=len(files), unit="files") as advance:
        for name, file in zip(names, files, strict=True):
            write_runs(name, read_runs(file), folders)
            advance(1)
    list_samples(names, folders)
    return len(files)


SETS: Mapping[str, Callable[[Path, ImportedFolders], int]] = {
    "botan": _import_botan,
    "glassbench": _import_glassbench,
    "deepmind": _import_deepmind,
}
"""What imports each set, and returns the number of its configurations."""


def import_set(name: str, path: Path, output: Path) -> int:
    """Import a published set, whole or not at all.

    Args:
        name: of the set.
        path: the file or folder that its authors published.
        output: a new folder, or an empty one; `ImportedFolders` lie below it.

    Returns:
        The number of its configurations.

    Raises:
        ImportingError: for an unknown set, or files that are not of it; nothing is written then.
    """
    if name not in SETS:
        raise ImportingError(f"published sets are {', '.join(SETS)}: got {name}")
    require_new(output)
    with replace_folders(output) as folders:
        return SETS[name](path, folders)
