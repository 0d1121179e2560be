"""A new data set from trajectories of other programs: its folder, parameters and stages."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from glassdyn import parameter_files
from glassdyn.constraints import validate
from glassdyn.datasets.contents import Contents, read_contents
from glassdyn.datasets.folder import copy_files, lay_out, track_files
from glassdyn.datasets.motion import measure_motion
from glassdyn.datasets.parameter_page import write_parameters
from glassdyn.datasets.parameters import Sections, Statements, choose_parameters, require_copies
from glassdyn.datasets.pipeline import write_pipeline
from glassdyn.errors import GlassdynError
from glassdyn.importing.raw_files import find_runs, list_files
from glassdyn.importing.source import ReadOptions
from glassdyn.importing.windows import plan_cut
from glassdyn.params import Params

__all__ = ["new_dataset"]

NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)


def new_dataset(
    root: Path, name: str, entries: Sequence[Path], options: ReadOptions, stated: Statements
) -> list[str]:
    """Make datasets/<name>; a folder is there as a whole or not at all.

    Args:
        root: of the repository.
        name: of the data set.
        entries: a run each: a file, or a folder of files; empty where they lie in datasets/<name>/raw already, or will.
        options: how to read them.
        stated: by the user.

    Returns:
        Lines that say what the files hold and what was made of it.

    Raises:
        GlassdynError: for a name that is taken or none, and for all that the files or parameters break.
    """
    if not NAME.fullmatch(name):
        raise GlassdynError(f"a name has letters, digits, and . _ - within: got {name!r}")
    folder = root / "datasets" / name
    _require_place(root, folder)
    if not entries and not any((folder / "raw").glob("[!.]*")):
        lay_out(root, folder)
        return [
            f"{folder / 'raw'}: put the files there, a file or a folder for each run, and run the command again"
        ]
    topology = "" if options.topology is None else options.topology.name
    runs = [list_files(entry) for entry in entries] or find_runs(folder / "raw", topology)
    require_copies(len(runs), stated.blocks)
    contents = read_contents(runs, options)
    motion = measure_motion(runs[0], options, contents.interval)
    sections = choose_parameters(parameter_files.read(root / "params.yaml"), contents, motion, stated)
    _write(root, folder, sections, entries, options.topology)
    track_files(folder)
    return _describe(folder, contents, sections, motion.tau_alpha)


def _write(
    root: Path, folder: Path, sections: Sections, entries: Sequence[Path], topology: Path | None
) -> None:
    """Write the folder beside its place, then move it there; a topology that lies there already is named."""
    folder.parent.mkdir(exist_ok=True)
    is_there = topology is not None and topology.resolve().parent == (folder / "raw").resolve()
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        made = Path(temporary) / folder.name
        lay_out(root, made)
        copied = copy_files(entries, None if is_there else topology, made / "raw")
        sections["raw"]["topology"] = topology.name if topology is not None and is_there else copied
        write_parameters(root / "params.yaml", made / "params.yaml", sections)
        write_pipeline(root, made)
        if not folder.exists():
            made.replace(folder)
            return
        lay_out(root, folder)
        shutil.copytree(made / "raw", folder / "raw", dirs_exist_ok=True)
        for file in ("params.yaml", "dvc.yaml"):
            (made / file).replace(folder / file)


def _require_place(root: Path, folder: Path) -> None:
    absent = [name for name in ("dvc.yaml", "params.yaml", "src/glassdyn") if not (root / name).exists()]
    if absent:
        raise GlassdynError(
            f"a data set lies in a checkout, and runs its code: {root.absolute()} has no {', '.join(absent)}; go to the "
            "repository's root"
        )
    if (folder / "dvc.yaml").exists():
        raise GlassdynError(f"a data set is made once: {folder} is there; take another name, or remove it")


def _describe(folder: Path, contents: Contents, sections: Sections, measured: float | None) -> list[str]:
    cut = plan_cut(validate(Params, sections, folder / "params.yaml"))
    simulation, split = sections["simulation"], sections["split"]
    a, b = contents.composition
    declared = simulation["tau_alpha"]
    seen = (
        "it is not seen in the first run" if measured is None else f"measured {measured:.3g} in the first run"
    )
    parts = ", ".join(f"{len(copies)} for {part}" for part, copies in split.items())
    return [
        f"{folder}: {contents.runs} runs of {contents.frames} frames or more, {contents.interval:g} tau apart",
        f"liquid: {a} A and {b} B particles, density {contents.density:.4g}, T = {cut.temperature:g}",
        f"tau_alpha of A: {declared:g} tau; {seen}",
        f"copies: {simulation['copies']}, {parts}; models of {sections['evaluate']['folds']} folds",
        f"samples: {cut.samples} of each copy, windows of {cut.frames} frames, {cut.gap} apart",
        f"potential: {sections['potential']['truncation']}",
        f"next: cd {folder} && dvc repro",
    ]
