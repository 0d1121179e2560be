"""All labels of every particle at the middle frame, in one pass over a trajectory.

Particles come in blocks of whole chunks; memory does not grow with their number.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn import label_names
from glassdyn.labels.coarse_graining import coarse_grain
from glassdyn.labels.p_hop import HopCriteria, criteria_in_frames, p_hop_at
from glassdyn.labels.per_particle import per_particle
from glassdyn.labels.wavelets import kernels, wavelet_at
from glassdyn.liquid.compiled import parallel_for
from glassdyn.params import Hops, Wavelets
from glassdyn.storage.trajectory import Trajectory, TrajectoryError

__all__ = ["label_midframe", "label_parameters", "with_coarse_grained"]

BLOCK_BYTES = 64 * 1024**2
"""Positions read at a time, single precision."""

TOGETHER = 16
"""Particles that one core turns at a time; the memory for them is used again and again."""


class Plan(NamedTuple):
    """What to compute, in frames.

    Attributes:
        frame: whose labels are wanted.
        rule: of p_hop.
        weights: of the wavelets, one array for each scale.
        box_length: L, units of sigma_AA.
    """

    frame: int
    rule: HopCriteria
    weights: list[NDArray[np.float64]]
    box_length: float


def label_parameters(trajectory: Trajectory, hops: Hops, wavelets: Wavelets) -> dict[str, Any]:
    """What determines the labels, to be stored with them."""
    return {
        **asdict(hops),
        **asdict(wavelets),
        "interval": trajectory.interval,
        "frames": trajectory.frames,
        "frame": trajectory.middle,
        "box_length": trajectory.box_length,
    }


def label_midframe(
    trajectory: Trajectory, hops: Hops, wavelets: Wavelets, advance: Callable[[float], None]
) -> Iterator[dict[str, NDArray[Any]]]:
    """Label block after block of particles.

    Args:
        trajectory: with equally spaced frames.
        hops: parameters of p_hop.
        wavelets: scales of the wavelet transform.
        advance: told how many positions, of a particle in a frame, were done since it was told last.

    Yields:
        Columns of the label table.

    Raises:
        TrajectoryError: where frames are not equally spaced, the window is too short for the longest
            scale or for two segments, or a particle is lost.
    """
    names = label_names.of_window(wavelets.scales)
    try:
        weights = kernels(wavelets.scales, trajectory.middle, trajectory.interval)
        plan = Plan(
            trajectory.middle, criteria_in_frames(hops, trajectory.interval), weights, trajectory.box_length
        )
        for block, positions in _read_ahead(trajectory):
            labels = _label(positions, block.start, plan)
            advance(labels.shape[1] * trajectory.frames)
            identity = {"particle": np.arange(block.start, block.stop), "type": trajectory.species[block]}
            yield {**identity, **dict(zip(names, labels, strict=True))}
    except TrajectoryError:
        raise
    except ValueError as error:
        raise TrajectoryError(f"{error} ({trajectory.path})") from None


def _read_ahead(trajectory: Trajectory) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Blocks of particles with their (T, n, 3) positions; the next is read while one is worked on."""
    with ThreadPoolExecutor(1) as reader:
        blocks = list(trajectory.particle_blocks(BLOCK_BYTES))
        pending = reader.submit(trajectory.series, blocks[0].start, blocks[0].stop)
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            positions = pending.result()
            if following:
                pending = reader.submit(trajectory.series, following.start, following.stop)
            yield block, positions


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


def _label(positions: NDArray[np.float32], start: int, plan: Plan) -> NDArray[np.float64]:
    """(1 + K, n) labels of a block (T, n, 3) whose first particle is number `start`, on all cores."""
    labels = np.empty((1 + len(plan.weights), positions.shape[1]))

    def work(first: int, last: int) -> None:
        room = np.empty((TOGETHER, 3, positions.shape[0]))
        for begin in range(first, last, TOGETHER):
            end = min(begin + TOGETHER, last)
            tracks = per_particle(positions[:, begin:end], plan.box_length, start + begin, room)
            labels[0, begin:end] = p_hop_at(tracks, plan.frame, plan.rule)
            labels[1:, begin:end] = wavelet_at(tracks, plan.frame, plan.weights).T

    parallel_for(positions.shape[1], work, 4 * TOGETHER)
    return labels
