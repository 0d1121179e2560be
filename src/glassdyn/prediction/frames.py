"""Configurations of the liquid, whatever file they come from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from glassdyn.errors import GlassdynError
from glassdyn.liquid.configuration import Configuration
from glassdyn.storage.trajectory import open_trajectory

__all__ = ["ConfigurationError", "Frame", "read_trajectory", "select_frames"]

Frame = int | Literal["all"] | None
"""A frame of a file, from 0; every one; or the middle one."""

BLOCK = 2**28
"""Bytes of positions that are read at a time."""


class ConfigurationError(GlassdynError):
    """A file from which no configuration can be read, or to which no prediction can be written."""


def select_frames(path: Path, frame: Frame, number: int) -> range:
    """The frames that are asked for, of a file that holds so many.

    Raises:
        ConfigurationError: where it does not hold the frame.
    """
    if frame == "all":
        return range(number)
    index = (number - 1) // 2 if frame is None else frame
    if not 0 <= index < number:
        raise ConfigurationError(f"{path} has frames 0 to {number - 1}: got {index} (--frame)")
    return range(index, index + 1)


def read_trajectory(path: Path, frame: Frame) -> Iterator[tuple[int, Configuration]]:
    """Frames of an H5MD trajectory with their numbers, some of them in memory at a time.

    Raises:
        ConfigurationError: where the trajectory does not hold the frame.
        TrajectoryError: for a file that is no trajectory.
    """
    with open_trajectory(path) as trajectory:
        wanted = select_frames(path, frame, trajectory.frames)
        blocks = trajectory.frame_blocks(BLOCK) if frame == "all" else [slice(wanted.start, wanted.stop)]
        for block in blocks:
            window = trajectory.window(block.start, min(block.stop, trajectory.frames))
            for number, positions in enumerate(window, start=block.start):
                configuration = Configuration(
                    positions.astype(np.float64), trajectory.species, trajectory.box_length
                )
                yield number, configuration
