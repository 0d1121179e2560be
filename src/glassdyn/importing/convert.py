"""Files of other programs written as a trajectory (H5MD) or as snapshots, in bounded memory.

A trajectory, or a snapshot, is written whole or not at all. Of a folder of snapshots, none is written where a frame
breaks a rule; then they are moved into it file by file.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from glassdyn.importing.continuity import require_order, require_same_particles, select_observables
from glassdyn.importing.formats import open_source
from glassdyn.importing.liquid_frame import (
    LiquidFrame,
    Selection,
    read_frames,
    refuse_coincident,
    select_frames,
)
from glassdyn.importing.source import ImportingError, ReadOptions
from glassdyn.importing.timeline import Timeline
from glassdyn.importing.unwrapping import Unwrapping
from glassdyn.jobs.progress import show_progress
from glassdyn.storage.snapshots import write_snapshot
from glassdyn.storage.trajectory_writer import THERMODYNAMICS, TrajectoryWriter, sample_name

__all__ = ["Imported", "import_snapshots", "import_trajectory", "refuse_overwriting"]


class Imported(NamedTuple):
    """What was written.

    Attributes:
        frames: their number.
        particles: N.
        notes: what a user should know about it.
    """

    frames: int
    particles: int
    notes: tuple[str, ...]


def refuse_overwriting(output: Path, inputs: Sequence[Path]) -> None:
    """Refuse an output that is one of the inputs.

    Raises:
        ImportingError: in that case.
    """
    for path in inputs:
        if output.exists() and path.exists() and output.samefile(path):
            raise ImportingError(f"the output is another file than the input: got {output} for both")


def import_trajectory(paths: Sequence[Path], output: Path, options: ReadOptions) -> Imported:
    """Write all frames of files, one after the other, as one trajectory, unwrapped.

    Args:
        paths: of the files, in the order of time; a frame that ends one file and begins the next is taken once.
        output: the H5MD file.
        options: what the user says about the files.

    Raises:
        ImportingError: where a frame breaks a rule, or does not continue those before it; nothing is written then.
    """
    refuse_overwriting(output, paths)
    _require_folder(output)
    sources = [open_source(path, options) for path in paths]
    counts = [source.count() for source in sources]
    require_order(sources, counts)
    frames = chain.from_iterable(
        read_frames(source, range(count), options) for source, count in zip(sources, counts, strict=True)
    )
    with (
        TemporaryDirectory(dir=output.parent, prefix=f".{output.stem}-") as folder,
        show_progress("import", total=sum(counts), unit="frames") as advance,
    ):
        return _write_trajectory(
            _report(frames, advance),
            output,
            Path(folder) / "parts",
            options,
            [source.path for source in sources],
        )


def _report(frames: Iterator[LiquidFrame], advance: Callable[[float], None]) -> Iterator[LiquidFrame]:
    for frame in frames:
        yield frame
        advance(1)


def _write_trajectory(
    frames: Iterator[LiquidFrame], output: Path, parts: Path, options: ReadOptions, paths: Sequence[Path]
) -> Imported:
    first, second = next(frames), next(frames, None)
    refuse_coincident(first)
    timeline, unwrapping = Timeline(first, second, options), Unwrapping()
    with TrajectoryWriter(
        output,
        species=first.configuration.species,
        box_length=first.configuration.box_length,
        timestep=timeline.timestep,
        parts=parts,
        metadata={"source": ", ".join(path.name for path in paths)},
        observables=[name for name in THERMODYNAMICS if name in first.observables],
        ids=first.ids,
    ) as writer:
        following = [] if second is None else [second]
        steps, repeated = _append(writer, chain([first], following, frames), timeline, unwrapping)
    return Imported(len(steps), len(first.configuration.species), _notes(steps, repeated, unwrapping))


def _append(
    writer: TrajectoryWriter, frames: Iterator[LiquidFrame], timeline: Timeline, unwrapping: Unwrapping
) -> tuple[list[int], int]:
    """Write the frames; return their steps, and how many were left out because the file before ends with them."""
    steps: list[int] = []
    repeated, first = 0, None
    for frame in frames:
        first = first or frame
        require_same_particles(frame, first)
        step = timeline.step(frame, len(steps))
        if steps and step == steps[-1] and frame.number == 0:
            repeated += 1
            continue
        _require_increase(step, steps, frame)
        writer.append(step, unwrapping.apply(frame), select_observables(frame, first))
        steps.append(step)
    return steps, repeated


def _require_increase(step: int, steps: Sequence[int], frame: LiquidFrame) -> None:
    if steps and step <= steps[-1]:
        raise ImportingError(
            f"steps increase from frame to frame: got {step} after {steps[-1]} ({frame.where}); name the files in the "
            "order of time, and leave out what was written twice"
        )


def _notes(steps: Sequence[int], repeated: int, unwrapping: Unwrapping) -> tuple[str, ...]:
    notes = [f"positions: {unwrapping.method}"] if unwrapping.method != "as written" else []
    if repeated:
        notes.append(f"{repeated} frames that end one file and begin the next taken once")
    gaps = np.diff(steps)
    if len(gaps) and (gaps != gaps[0]).any():
        notes.append(
            f"frames are not equally spaced ({gaps.min()} to {gaps.max()} steps): good for snapshots and propensities, "
            "not for p_hop and wavelets"
        )
    return tuple(notes)


def import_snapshots(
    paths: Sequence[Path], output: Path, options: ReadOptions, selection: Selection
) -> Imported:
    """Write frames of files as snapshots.

    Args:
        paths: of the files; of a folder of snapshots, each is a copy and each frame a sample.
        output: a table (.parquet) for one frame of one file, otherwise a folder.
        options: what the user says about the files.
        selection: of frames of each file.

    Raises:
        ImportingError: where a frame breaks a rule; nothing is written then.
    """
    refuse_overwriting(output, paths)
    _require_folder(output)
    with TemporaryDirectory(dir=output.parent, prefix=f".{output.stem}-") as folder:
        written = _write_snapshots(paths, Path(folder), options, selection)
        if output.suffix == ".parquet" and len(written) > 1:
            raise ImportingError(
                f"one snapshot is written to {output.name}: got {len(written)} frames; name a folder"
            )
        output.mkdir(exist_ok=True) if output.suffix != ".parquet" else None
        for name, _ in written:
            target = output if output.suffix == ".parquet" else output / name
            (Path(folder) / name).replace(target)
    return Imported(len(written), max(particles for _, particles in written), ())


def _write_snapshots(
    paths: Sequence[Path], folder: Path, options: ReadOptions, selection: Selection
) -> list[tuple[str, int]]:
    """Write snapshots; return their names and numbers of particles."""
    written = []
    with show_progress("import", total=len(paths), unit="files") as advance:
        for copy, path in enumerate(paths):
            source = open_source(path, options)
            count = source.count()
            frames = read_frames(source, select_frames(path, selection, count), options)
            for sample, frame in enumerate(frames):
                refuse_coincident(frame)
                name = f"{sample_name(copy, sample)}.parquet"
                metadata = {"frames": count, "frame": frame.number, "source": path.name}
                write_snapshot(folder / name, frame.configuration, metadata, ids=frame.ids)
                written.append((name, len(frame.configuration.species)))
            advance(1)
    return written


def _require_folder(output: Path) -> None:
    if not output.parent.is_dir():
        raise ImportingError(f"the output's folder must exist: got {output}")
    if output.is_dir() and any(output.iterdir()):
        raise ImportingError(
            f"a folder of snapshots is new or empty: got {output}; name another, or empty it"
        )
