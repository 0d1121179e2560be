"""What a file of any format holds, in ten lines, and what it lacks for each stage."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from glassdyn.importing.formats import open_source
from glassdyn.importing.liquid_frame import LiquidFrame, normalise, refuse_coincident, refuse_damaged
from glassdyn.importing.source import ImportingError, ReadOptions, Source, SourceFrame
from glassdyn.importing.timeline import Timeline
from glassdyn.importing.unwrapping import Unwrapping
from glassdyn.storage.trajectory_writer import THERMODYNAMICS

__all__ = ["inspect_file"]

FRAMES = 20
"""That are read from the beginning; the last frame is read, too."""

LONG = 0.5
"""A step, units of L, that only a wrapped particle makes."""


@np.errstate(all="ignore")  # numbers that are not finite are told as they are
def inspect_file(path: Path, options: ReadOptions) -> list[tuple[str, str]]:
    """Describe a file: labels and texts, ten of them.

    Raises:
        ImportingError: for a file that cannot be read.
    """
    source = open_source(path, options)
    count = source.count()
    numbers = [*range(min(count, FRAMES)), *range(max(FRAMES, count - 1), count)]
    frames = list(source.read(range(min(count, FRAMES))))
    if count > FRAMES:
        frames += source.read(range(count - 1, count))
    for number, frame in zip(numbers, frames, strict=True):
        refuse_damaged(frame, f"{path}, frame {number}")
    first = frames[0]
    return [
        ("file", f"{path}, {source.format}, {path.stat().st_size / 1e6:.3g} MB"),
        ("frames", str(count)),
        ("particles", f"{len(first.positions)}, {_describe_ids(first, source)}"),
        ("species", _describe_species(first)),
        ("box", _describe_box(first)),
        ("density", _describe_density(first, options)),
        ("spacing", _describe_spacing(frames, count)),
        ("positions", _describe_positions(frames)),
        ("energies", ", ".join(first.observables) or "none"),
        ("missing", "; ".join(_list_missing(frames, numbers, source, options)) or "nothing"),
    ]


def _describe_ids(frame: SourceFrame, source: Source) -> str:
    if frame.ids is not None:
        return f"ids {frame.ids.min()} to {frame.ids.max()}"
    return "no ids, rows in one order" if source.keeps_order else "no ids, rows in any order"


def _describe_species(frame: SourceFrame) -> str:
    counts = np.bincount(frame.kinds, minlength=len(frame.names))
    return ", ".join(f"{name}: {count}" for name, count in zip(frame.names, counts, strict=True) if count)


def _describe_box(frame: SourceFrame) -> str:
    if frame.box is None:
        return "none"
    vectors = frame.box.vectors
    sides = "periodic" if all(frame.box.periodic) else "open in some directions"
    if np.allclose(vectors, vectors[0, 0] * np.eye(3), atol=1e-6 * abs(vectors[0, 0])):
        return f"cube, L = {vectors[0, 0]:.9g}, {sides}"
    return f"no cube: {vectors.tolist()}, {sides}"


def _describe_density(frame: SourceFrame, options: ReadOptions) -> str:
    length = options.box_length
    volume = (
        float(np.linalg.det(frame.box.vectors)) if frame.box is not None else length**3 if length else 0.0
    )
    return f"{len(frame.positions) / volume:.6g}" if volume else "unknown"


def _describe_spacing(frames: Sequence[SourceFrame], count: int) -> str:
    """Steps and times between frames: those that were read, and the mean up to the last."""
    texts = []
    for unit, values in (("steps", [f.step for f in frames]), ("tau", [f.time for f in frames])):
        numbers = np.array([value for value in values if value is not None], np.float64)
        if len(numbers) < 2 or len(numbers) != len(frames):
            continue
        gaps = np.diff(numbers)
        gaps[-1] /= max(count - FRAMES, 1)
        is_even = np.allclose(gaps, gaps[0], rtol=1e-3)
        texts.append(
            f"{gaps[0]:.6g} {unit}" if is_even else f"uneven, {gaps.min():.6g} to {gaps.max():.6g} {unit}"
        )
    if len(frames) == 1:
        return "one frame"
    return ", ".join(texts) or "neither steps nor times"


def _describe_positions(frames: Sequence[SourceFrame]) -> str:
    first = frames[0]
    if first.is_unwrapped:
        return "unwrapped"
    if first.images is not None:
        return "wrapped, with images"
    if first.box is None:
        return "no images"
    length = abs(first.box.vectors[0, 0])
    ordered = [f.positions if f.ids is None else f.positions[np.argsort(f.ids)] for f in frames[:FRAMES]]
    if len({positions.shape for positions in ordered}) == 1 and len(ordered) > 1:
        jumps = int((np.abs(np.diff(ordered, axis=0)) > LONG * length).any(axis=2).sum())
        if jumps:
            return f"wrapped, without images: {jumps} jumps through the box in {len(ordered)} frames"
    outside = np.ptp(first.positions, axis=0).max() > 1.01 * length
    return "unwrapped, as it seems" if outside else "inside the box, without images"


def _list_missing(
    frames: Sequence[SourceFrame], numbers: Sequence[int], source: Source, options: ReadOptions
) -> list[str]:
    """What stands in the way of which stage."""
    try:
        liquid = [
            normalise(frame, source.path, number, options)
            for number, frame in zip(numbers, frames, strict=True)
        ]
        refuse_coincident(liquid[0])
    except ImportingError as error:
        return [f"for every stage: {error}"]
    checks: list[tuple[str, Callable[[], None]]] = [
        ("p_hop and wavelets", lambda: _require_trajectory(liquid, source, options)),
        ("energies in observe", lambda: _require_energies(liquid[0])),
    ]
    missing = []
    for stage, check in checks:
        try:
            check()
        except ImportingError as error:
            missing.append(f"for {stage}: {error}")
    return missing


def _require_trajectory(frames: Sequence[LiquidFrame], source: Source, options: ReadOptions) -> None:
    if len(frames) == 1:
        raise ImportingError("more frames than one")
    if frames[0].ids is None and not source.keeps_order:
        raise ImportingError("ids of the particles")
    timeline, unwrapping = Timeline(frames[0], frames[1], options), Unwrapping()
    steps = [timeline.step(frame, index) for index, frame in enumerate(frames[:FRAMES])]
    if len(set(np.diff(steps).tolist())) > 1:
        raise ImportingError("equally spaced frames")
    for frame in frames[:FRAMES]:
        unwrapping.apply(frame)


def _require_energies(frame: LiquidFrame) -> None:
    absent = [name for name in THERMODYNAMICS if name not in frame.observables]
    if absent:
        raise ImportingError(" and ".join(absent))
