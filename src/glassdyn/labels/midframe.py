"""All labels of every particle at the middle frame, in one pass over a trajectory.

Particles come in blocks of whole chunks; memory does not grow with their number.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassdyn import label_names
from glassdyn.labels import LABELS
from glassdyn.labels.coarse_graining import coarse_grain
from glassdyn.labels.label import Kernel, Window
from glassdyn.labels.sections import Sections, as_mappings, column_names
from glassdyn.labels.tracks import check_tracks
from glassdyn.liquid.compiled import parallel_for
from glassdyn.storage.trajectory import Trajectory, TrajectoryError

__all__ = ["label_midframe", "label_parameters", "with_coarse_grained"]

BLOCK_BYTES = 64 * 1024**2
"""Positions read at a time, single precision."""

PARTICLES = 16
"""Particles that one core labels at a time; the memory for their tracks is used again and again."""


def label_parameters(trajectory: Trajectory, sections: Sections) -> dict[str, Any]:
    """What determines the labels, to be stored with them: the keys of all sections, and the window."""
    keys = {key: value for section in as_mappings(sections).values() for key, value in section.items()}
    return keys | {
        "interval": trajectory.interval,
        "frames": trajectory.frames,
        "frame": trajectory.middle,
        "box_length": trajectory.box_length,
    }


def label_midframe(
    trajectory: Trajectory, sections: Sections, advance: Callable[[float], None]
) -> Iterator[dict[str, NDArray[Any]]]:
    """Label block after block of particles.

    Args:
        trajectory: with equally spaced frames.
        sections: parameters of the labels.
        advance: called with the number of positions, of a particle in a frame, that each block has.

    Yields:
        Columns of the label table.

    Raises:
        TrajectoryError: where frames are not equally spaced, the window is too short for a label, or a particle
            is lost.
    """
    names = column_names(sections)
    try:
        window = Window(trajectory.frames, trajectory.middle, trajectory.interval)
        kernels = [label.prepare(sections[label.section], window) for label in LABELS]
        for block, tracks in _read_ahead(trajectory):
            labels = np.empty((len(names), len(tracks)))
            _label_block(tracks, labels, block.start, trajectory.box_length, kernels)
            advance(labels.shape[1] * trajectory.frames)
            identity = {"particle": np.arange(block.start, block.stop), "type": trajectory.species[block]}
            yield identity | dict(zip(names, labels, strict=True))
    except TrajectoryError:
        raise
    except ValueError as error:
        raise TrajectoryError(f"{error} ({trajectory.path})") from None


def _read_ahead(trajectory: Trajectory) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Blocks of particles with their (n, 3, T) tracks; the next is read while one is worked on."""
    blocks = list(trajectory.particle_blocks(BLOCK_BYTES))
    size = max(block.stop - block.start for block in blocks) * trajectory.frames * 3
    memories = cycle([np.empty(size, np.float32) for _ in blocks[:2]])

    def read(block: slice) -> NDArray[np.float32]:
        return trajectory.tracks(block.start, block.stop, next(memories))

    with ThreadPoolExecutor(1) as reader:
        pending = reader.submit(read, blocks[0])
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            tracks = pending.result()
            if following:
                pending = reader.submit(read, following)
            yield block, tracks


def with_coarse_grained(
    blocks: Iterable[Mapping[str, NDArray[Any]]], trajectory: Trajectory, lengths: Sequence[float]
) -> dict[str, NDArray[Any]]:
    """Put labels averaged over Gaussian neighbourhoods beside the labels of all blocks.

    Args:
        blocks: columns of the label table.
        trajectory: theirs; the middle frame is where the particles are.
        lengths: ell of the neighbourhoods, units of sigma_AA.

    Returns:
        Columns of the whole table, with `label_names.coarse` behind the labels.
    """
    parts = list(blocks)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    names = [name for name in columns if name not in {"particle", "type"}]
    labels = np.column_stack([columns[name] for name in names])
    positions = trajectory.frame(trajectory.middle)
    coarse = coarse_grain(labels, positions, trajectory.box_length, lengths)
    return columns | dict(zip(label_names.coarse(names, lengths), coarse.T, strict=True))


def _label_block(
    tracks: NDArray[np.float32],
    labels: NDArray[np.float64],
    start: int,
    box_length: float,
    kernels: Sequence[Kernel],
) -> None:
    """Fill the labels (K, n) of tracks (n, 3, T) whose first particle is number `start`, on all cores."""

    def work(first: int, last: int) -> None:
        workspace = np.empty((PARTICLES, *tracks.shape[1:]))
        for begin in range(first, last, PARTICLES):
            end = min(begin + PARTICLES, last)
            checked = check_tracks(tracks[begin:end], box_length, start + begin, workspace)
            labels[:, begin:end] = np.hstack([kernel(checked) for kernel in kernels]).T

    parallel_for(len(tracks), work, 4 * PARTICLES)
