"""Trajectories of other programs as copies and samples of the liquid, in the layout of the stage `record`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from glassdyn.importing.convert import import_trajectory
from glassdyn.importing.raw_files import find_runs, read_options
from glassdyn.importing.source import ImportingError
from glassdyn.importing.windows import Cut, plan_cut, require_raw, window_starts
from glassdyn.jobs import Job, JobContext
from glassdyn.params import Params, Raw
from glassdyn.storage.snapshots import write_snapshot
from glassdyn.storage.trajectory import Trajectory, TrajectoryWriter, open_trajectory, sample_name
from glassdyn.storage.trajectory_writer import THERMODYNAMICS

__all__ = ["import_jobs", "import_run"]

FOLDERS = {"trajectories": ".h5", "snapshots": ".parquet"}
"""Of the results of a run, and the suffixes of their files."""

BLOCK = 64
"""Frames held at a time."""

SAME = 1e-6
"""Relative error of a time between frames: other programs write times in single precision."""


def import_jobs(params: Params, folder: Path) -> list[Job]:
    """The jobs that import runs, one for each; the result of each is a folder, see `import_run`.

    Args:
        params: of the data set.
        folder: of its files.

    Raises:
        ImportingError: where files and parameters name different numbers of copies; or as `plan_cut` and `find_runs`.
    """
    raw, cut = require_raw(params), plan_cut(params)
    runs, copies = find_runs(folder, raw.topology), params.simulation.copies
    if len(runs) * cut.blocks != copies:
        raise ImportingError(
            f"every run in {folder} is {cut.blocks} copies: got {len(runs)} runs for {copies} copies; state "
            f"{len(runs) * cut.blocks}, and the part of each (params.yaml: simulation.copies, split, evaluate.folds)"
        )
    topology = [folder / raw.topology] * bool(raw.topology)
    arguments = {"cut": asdict(cut), "raw": asdict(raw)}
    return [
        Job(
            f"import {files[0].relative_to(folder).parts[0]}",
            import_run,
            arguments | {"files": [path.name for path in files], "copy": number * cut.blocks},
            (*files, *topology),
            work=sum(path.stat().st_size for path in files) / 1e6,
        )
        for number, files in enumerate(runs)
    ]


def import_run(context: JobContext) -> None:
    """Job: read the files of a run, and write its samples and their middle frames.

    Args:
        context: arguments, a `Cut` and a section `Raw` as mappings, names of `files`, and the first `copy`; inputs, the
            files, then the topology where there is one; output, a folder with a trajectory for each sample
            in `trajectories/`, and a snapshot in `snapshots/`.

    Raises:
        GlassdynError: for files that break a rule, other particles or another box, and a run that is too short.
    """
    arguments, whole = context.arguments, context.output / "whole.h5"
    cut, files = Cut(**_tuples(arguments["cut"])), list(context.inputs[: len(context.arguments["files"])])
    options = read_options(Raw(**_tuples(arguments["raw"])), context.inputs[-1].parent, cut.box_length)
    for folder in FOLDERS:
        (context.output / folder).mkdir(parents=True)
    import_trajectory(files, whole, options)
    context.report(0.5)
    with open_trajectory(whole) as trajectory:
        _require_liquid(trajectory, cut, files)
        starts = window_starts(trajectory.frames, cut)
        origin = {"source": ", ".join(arguments["files"])}
        for done, ((block, sample), start) in enumerate(starts.items(), start=1):
            name = sample_name(arguments["copy"] + block, sample)
            path, snapshot = (
                context.output / folder / f"{name}{suffix}" for folder, suffix in FOLDERS.items()
            )
            _write_sample(trajectory, range(start, start + cut.frames), cut, path, origin)
            _write_middle_frame(path, snapshot, cut.temperature)
            context.report(0.5 + done / (2 * len(starts)))
    whole.unlink()


def _tuples(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Lists of JSON as the tuples that they were."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in arguments.items()}


def _require_liquid(trajectory: Trajectory, cut: Cut, files: Sequence[Path]) -> None:
    composition = tuple(np.bincount(trajectory.species, minlength=2).tolist())
    if composition != cut.composition:
        raise ImportingError(
            f"a data set is of one liquid, {cut.composition[0]} A and {cut.composition[1]} B: got {composition} in "
            f"{files[0]}; make a data set of its own of it (params.yaml: raw.composition)"
        )
    stated = cut.timestep * cut.frame_steps
    if abs(trajectory.interval - stated) > SAME * stated:
        raise ImportingError(
            f"frames are {stated:g} tau apart, frame_steps x timestep: got {trajectory.interval:g} in {files[0]}; "
            "state the time of a step in the files (params.yaml: raw.timestep), or what they have "
            "(params.yaml: simulation.timestep, simulation.frame_steps)"
        )


def _write_sample(
    trajectory: Trajectory, frames: range, cut: Cut, output: Path, origin: Mapping[str, str]
) -> None:
    """Write a window of a trajectory; times count from the start of the run."""
    observables = {
        name: trajectory.observables[name] for name in THERMODYNAMICS if name in trajectory.observables
    }
    with TrajectoryWriter(
        output,
        species=trajectory.species,
        box_length=cut.box_length,
        timestep=cut.timestep,
        metadata=origin,
        observables=list(observables),
        ids=trajectory.ids,
    ) as writer:
        for first in frames[::BLOCK]:
            block = trajectory.window(first, min(first + BLOCK, frames.stop))
            for frame, positions in enumerate(block, start=first):
                values = {name: float(series[frame]) for name, series in observables.items()}
                writer.append(frame * cut.frame_steps, positions.astype(np.float64), values)


def _write_middle_frame(path: Path, output: Path, temperature: float) -> None:
    """As stage `record` writes it, and the ids of the particles."""
    with open_trajectory(path) as window:
        metadata = {"frames": window.frames, "frame": window.middle, "temperature": temperature}
        write_snapshot(output, window.configuration(window.middle), metadata, ids=window.ids)
