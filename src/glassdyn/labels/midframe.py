"""All labels of every particle at the middle frame, in one pass over a trajectory.

Particles come in blocks of whole chunks, each read and labelled by one core; the memory for positions does not grow
with their number.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassdyn import label_names
from glassdyn.labels import LABELS
from glassdyn.labels.coarse_graining import coarse_grain
from glassdyn.labels.label import Kernel, Window
from glassdyn.labels.sections import Sections, as_mappings, column_names
from glassdyn.labels.tracks import check_tracks
from glassdyn.liquid.compiled import cores, parallel_for
from glassdyn.storage.trajectory import Trajectory, TrajectoryError

__all__ = ["label_midframe", "label_parameters", "with_coarse_grained"]

ROWS_BYTES = 64 * 1024**2
"""Positions, single precision, of the particles of a row group of the table."""

BLOCK_BYTES = 2**20
"""Positions that a core reads at a time, or those of a chunk's width of particles."""

MEMORY_BYTES = 2**29
"""For the positions that all cores hold."""

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
        advance: called with the number of positions, of a particle in a frame, that each block has; by one thread at a
            time.

    Yields:
        Columns of the label table.

    Raises:
        TrajectoryError: where frames are not equally spaced, the window is too short for a label, or a particle
            is lost.
    """
    names = column_names(sections)
    labels = np.empty((len(names), trajectory.particles))
    try:
        window = Window(trajectory.frames, trajectory.middle, trajectory.interval)
        kernels = [label.prepare(sections[label.section], window) for label in LABELS]
        _label_particles(trajectory, kernels, labels, advance)
    except TrajectoryError:
        raise
    except ValueError as error:
        raise TrajectoryError(f"{error} ({trajectory.path})") from None
    for block in trajectory.particle_blocks(ROWS_BYTES):
        identity = {"particle": np.arange(block.start, block.stop), "type": trajectory.species[block]}
        yield identity | dict(zip(names, labels[:, block], strict=True))


def _label_particles(
    trajectory: Trajectory,
    kernels: Sequence[Kernel],
    labels: NDArray[np.float64],
    advance: Callable[[float], None],
) -> None:
    """Fill the labels (K, N)."""
    blocks, side_by_side = _divide(trajectory)
    size, lock = _block_bytes(trajectory, blocks) // 4, Lock()
    memories = deque(np.empty(size, np.float32) for _ in range(side_by_side))

    def work(first: int, last: int) -> None:
        memory = memories.pop()
        for block in blocks[first:last]:
            tracks = trajectory.tracks(block.start, block.stop, memory)
            _label_block(tracks, labels[:, block], block.start, trajectory.box_length, kernels)
            with lock:
                advance(len(tracks) * trajectory.frames)
        memories.append(memory)

    if side_by_side > 1:
        parallel_for(len(blocks), work, 1)
    else:
        work(0, len(blocks))  # the loops in it are on all cores


def _divide(trajectory: Trajectory) -> tuple[list[slice], int]:
    """Blocks of particles, and how many of them are worked on at a time.

    Each core reads and labels blocks of its own, which stay in its cache; or all cores work on one wide block after the
    other, where particles are few, cannot be read without the others, or so many cores would hold too much.
    """
    blocks = list(trajectory.particle_blocks(BLOCK_BYTES))
    fits = cores() * _block_bytes(trajectory, blocks) <= MEMORY_BYTES
    if trajectory.is_chunked and len(blocks) >= cores() and fits:
        return blocks, cores()
    return list(trajectory.particle_blocks(MEMORY_BYTES // 4)), 1


def _block_bytes(trajectory: Trajectory, blocks: Sequence[slice]) -> int:
    """Of the positions in the largest of blocks, single precision."""
    return int(12 * trajectory.frames * max(block.stop - block.start for block in blocks))


def _label_block(
    tracks: NDArray[np.float32],
    labels: NDArray[np.float64],
    start: int,
    box_length: float,
    kernels: Sequence[Kernel],
) -> None:
    """Fill the labels (K, n) of tracks (n, 3, T) whose first particle is number `start`."""

    def work(first: int, last: int) -> None:
        workspace = np.empty((min(PARTICLES, last - first), *tracks.shape[1:]))
        for begin in range(first, last, PARTICLES):
            end = min(begin + PARTICLES, last)
            checked = check_tracks(tracks[begin:end], box_length, start + begin, workspace)
            labels[:, begin:end] = np.hstack([kernel(checked) for kernel in kernels]).T

    parallel_for(len(tracks), work)


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
