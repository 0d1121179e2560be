"""The checks that the frames of a trajectory are of the same particles, in the same box."""

from collections.abc import Sequence

import numpy as np

from glassdyn.importing.liquid_frame import LiquidFrame
from glassdyn.importing.source import ImportingError, Source
from glassdyn.storage.trajectory_writer import THERMODYNAMICS

__all__ = ["require_order", "require_same_particles", "select_observables"]

SAME = 1e-6
"""Part of L by which the box of a trajectory may differ between frames."""


def require_order(sources: Sequence[Source], counts: Sequence[int]) -> None:
    """Refuse a trajectory whose rows may change places from frame to frame.

    Args:
        sources: its files.
        counts: numbers of their frames.

    Raises:
        ImportingError: where a file has no ids, and its format no order.
    """
    for source, count in zip(sources, counts, strict=True):
        if sum(counts) > 1 and not source.keeps_order:
            frame = next(source.read(range(1)))
            if frame.ids is None:
                raise ImportingError(
                    f"particles are followed by their ids: {source.path} ({source.format}, {count} frames) has none, "
                    "and its rows stand in any order; dump them, as in `dump 1 all custom 100 a.dump id type xu yu zu`"
                )


def require_same_particles(frame: LiquidFrame, first: LiquidFrame) -> None:
    """Refuse a frame with other particles, species, another box or another kind of positions than the first.

    Raises:
        ImportingError: in these cases.
    """
    particles, first_particles = len(frame.configuration.species), len(first.configuration.species)
    if particles != first_particles:
        raise ImportingError(
            f"a trajectory has the same particles in every frame: got {particles} in {frame.where} and "
            f"{first_particles} in the first; import the frames as snapshots, into a folder"
        )
    if (frame.ids is None) != (first.ids is None) or (
        frame.ids is not None and not np.array_equal(frame.ids, first.ids)  # type: ignore[arg-type]
    ):
        raise ImportingError(
            f"a trajectory has the same particles in every frame: got other ids in {frame.where} than in the first"
        )
    _require_same_liquid(frame, first)
    _require_same_statement(frame, first)


def _require_same_liquid(frame: LiquidFrame, first: LiquidFrame) -> None:
    (_, species, box_length), (_, first_species, first_length) = frame.configuration, first.configuration
    if not np.array_equal(species, first_species):
        raise ImportingError(
            f"a particle keeps its species: got {int((species != first_species).sum())} changes up to "
            f"{frame.where}; are rows in one order? write ids"
        )
    if abs(box_length - first_length) > SAME * first_length:
        raise ImportingError(
            f"the box of a trajectory does not change: got L = {box_length:.9g} in {frame.where} and "
            f"{first_length:.9g} in the first; simulate at constant volume, or import the frames as snapshots, into "
            "a folder"
        )


def _require_same_statement(frame: LiquidFrame, first: LiquidFrame) -> None:
    """Images and unwrapped positions count boxes from a place of their own, which need not be that of the frames before."""
    statement, first_statement = _describe_positions(frame), _describe_positions(first)
    if statement != first_statement:
        raise ImportingError(
            f"a trajectory states its positions in one way: got them {statement} in {frame.where} and "
            f"{first_statement} in the first; write all of its files alike, or import them one by one"
        )


def _describe_positions(frame: LiquidFrame) -> str:
    if frame.is_unwrapped:
        return "unwrapped"
    return "without images" if frame.images is None else "with images"


def select_observables(frame: LiquidFrame, first: LiquidFrame) -> dict[str, float]:
    """The numbers of a frame that the first has, too.

    Raises:
        ImportingError: where one is absent.
    """
    names = [name for name in THERMODYNAMICS if name in first.observables]
    absent = [name for name in names if name not in frame.observables]
    if absent:
        raise ImportingError(
            f"every frame has the numbers of the first, {', '.join(names)}: {frame.where} lacks {', '.join(absent)}; "
            "log them with every frame, or with none"
        )
    return {name: frame.observables[name] for name in names}
