"""Files of other programs written as a trajectory (H5MD) or as snapshots, in bounded memory, whole or not at all."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from glassdyn.importing.formats import open_source
from glassdyn.importing.liquid_frame import (
    LiquidFrame,
    Selection,
    read_frames,
    refuse_coincident,
    select_frames,
)
from glassdyn.importing.source import ImportingError, ReadOptions, Source
from glassdyn.importing.timeline import Timeline
from glassdyn.importing.unwrapping import Unwrapping
from glassdyn.jobs.progress import show_progress
from glassdyn.storage.snapshots import write_snapshot
from glassdyn.storage.trajectory_writer import THERMODYNAMICS, TrajectoryWriter, sample_name

__all__ = ["Imported", "import_snapshots", "import_trajectory", "refuse_overwriting"]

SAME = 1e-6
"""Part of L by which the box of a trajectory may differ between frames."""


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
    _require_order(sources, counts)
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
    path, first = paths[0], next(frames)
    refuse_coincident(first, path)
    second = next(frames, None)
    timeline, unwrapping = Timeline(first, second, options, path), Unwrapping()
    names = [name for name in THERMODYNAMICS if name in first.observables]
    steps: list[int] = []
    repeated = 0
    with TrajectoryWriter(
        output,
        species=first.configuration.species,
        box_length=first.configuration.box_length,
        timestep=timeline.timestep,
        parts=parts,
        metadata={"source": ", ".join(path.name for path in paths)},
        observables=names,
        ids=first.ids,
    ) as writer:
        for frame in chain([first], [] if second is None else [second], frames):
            _require_same_particles(frame, first, path)
            step = timeline.step(frame, len(steps))
            if steps and step == steps[-1] and frame.number == 0:
                repeated += 1
                continue
            positions = unwrapping.apply(frame, path)
            writer.append(step, positions, {name: frame.observables[name] for name in names})
            steps.append(step)
    return Imported(len(steps), len(first.configuration.species), _notes(steps, repeated, unwrapping))


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


def _require_order(sources: Sequence[Source], counts: Sequence[int]) -> None:
    """Refuse a trajectory whose rows may change places from frame to frame."""
    for source, count in zip(sources, counts, strict=True):
        if sum(counts) > 1 and not source.keeps_order:
            frame = next(source.read(range(1)))
            if frame.ids is None:
                raise ImportingError(
                    f"particles are followed by their ids: {source.path} ({source.format}, {count} frames) has none, and "
                    "its rows stand in any order; dump them, as in `dump 1 all custom 100 a.dump id type xu yu zu`"
                )


def _require_same_particles(frame: LiquidFrame, first: LiquidFrame, path: Path) -> None:
    """Refuse a frame with other particles, species or another box than the first."""
    (_, species, box_length), (_, first_species, first_length) = frame.configuration, first.configuration
    where = f"frame {frame.number} of {path}"
    if len(species) != len(first_species):
        raise ImportingError(
            f"a trajectory has the same particles in every frame: got {len(species)} in {where} and {len(first_species)} "
            "in the first; import the frames as snapshots, into a folder"
        )
    if (frame.ids is None) != (first.ids is None) or (
        frame.ids is not None and not np.array_equal(frame.ids, first.ids)  # type: ignore[arg-type]
    ):
        raise ImportingError(
            f"a trajectory has the same particles in every frame: got other ids in {where} than in the first"
        )
    if not np.array_equal(species, first_species):
        raise ImportingError(
            f"a particle keeps its species: got {int((species != first_species).sum())} changes up to {where}; are rows "
            "in one order? write ids"
        )
    if abs(box_length - first_length) > SAME * first_length:
        raise ImportingError(
            f"the box of a trajectory does not change: got L = {box_length:.9g} in {where} and {first_length:.9g} in the "
            "first; simulate at constant volume, or import the frames as snapshots, into a folder"
        )


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
        written = list(_write_snapshots(paths, Path(folder), options, selection))
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
) -> Iterator[tuple[str, int]]:
    """Write snapshots and yield their names and numbers of particles."""
    for copy, path in enumerate(paths):
        source = open_source(path, options)
        count = source.count()
        frames = select_frames(path, selection, count)
        for sample, frame in enumerate(read_frames(source, frames, options)):
            refuse_coincident(frame, path)
            name = f"{sample_name(copy, sample)}.parquet"
            metadata = {"frames": count, "frame": frame.number, "source": path.name}
            write_snapshot(folder / name, frame.configuration, metadata, ids=frame.ids)
            yield name, len(frame.configuration.species)


def _require_folder(output: Path) -> None:
    if not output.parent.is_dir():
        raise ImportingError(f"the output's folder must exist: got {output}")
