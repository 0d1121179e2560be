"""Elements of H5MD: values that are fixed, or stated for each frame; and the steps and times of frames."""

import h5py
import numpy as np
from numpy.typing import NDArray

from glassdyn.importing.hdf5_tree import get, read_values, require
from glassdyn.importing.source import ImportingError, as_integers

__all__ = ["Clock", "Element", "open_clock", "open_element"]

BLOCK_BYTES = 2**27
"""Bytes of an element that are read at a time: a frame costs as much as the chunks that it lies in."""


class Element:
    """A quantity of a group.

    Attributes:
        is_changing: it is stated for each frame.
        frames: T; 1 where it is fixed.
        particles: N, where it has particles.
        enumeration: names of its numbers.

    Args:
        values: the dataset.
        is_changing: its first axis is that of the frames.
    """

    def __init__(self, values: h5py.Dataset, *, is_changing: bool) -> None:
        self.is_changing = is_changing and values.shape[0] != 1
        self.frames = int(values.shape[0]) if is_changing else 1
        shape = values.shape[1:] if is_changing else values.shape
        self.particles = int(shape[0]) if shape else 0
        names = h5py.check_enum_dtype(values.dtype) or {}
        self.enumeration = {int(number): name for name, number in names.items()}
        self._values, self._first_axis = values, is_changing
        self._block: NDArray[np.generic] = np.empty(0)
        self._first = 0

    def at(self, frame: int, frames: range) -> NDArray[np.generic]:
        """The value of a frame; the same for all where it is fixed.

        Args:
            frame: its number.
            frames: those that are going to be read, so that a block of them is read at once.
        """
        if self.frames > 1 and frame >= self.frames:
            raise ImportingError(
                f"{self._values.name} of {self._values.file.filename} has {self.frames} frames, less than the "
                "positions; write it for every frame, or once"
            )
        if not self._first_axis:
            return self._read_fixed()
        index = frame if self.frames > 1 else 0
        if not self._first <= index < self._first + len(self._block):
            stop = min(self._end_block(index), frames.stop if self.frames > 1 else 1, self.frames)
            self._block, self._first = read_values(self._values, slice(index, max(stop, index + 1))), index
        value: NDArray[np.generic] = self._block[index - self._first]
        return value

    def _read_fixed(self) -> NDArray[np.generic]:
        if not self._block.size:
            self._block = np.asarray(read_values(self._values))
        return self._block

    def _end_block(self, index: int) -> int:
        """The frame before which a block that begins with a frame ends: with a chunk, where one is not too much."""
        count = max(BLOCK_BYTES // max(int(self._values.nbytes) // self.frames, 1), 1)
        chunk = int(self._values.chunks[0]) if self._values.chunks else 1
        return index + count if count < chunk else (index // chunk + count // chunk) * chunk


def open_element(group: h5py.Group, name: str, *, particles_axes: int | None) -> Element | None:
    """Open a quantity of a group; None where there is none.

    Args:
        group: of the particles, or of their box.
        name: of the quantity.
        particles_axes: number of axes of one frame: (N,) has 1, (N, 3) has 2; None where a value alone is fixed, and
            values in a group change, whatever their shape.

    Raises:
        ImportingError: for another number of axes.
    """
    node = get(group, name)
    if node is None:
        return None
    is_group = isinstance(node, h5py.Group)
    values = require(node, "value") if isinstance(node, h5py.Group) else node
    if not isinstance(values, h5py.Dataset):
        raise ImportingError(f"{values.name} must be a dataset ({group.file.filename})")
    if particles_axes is None:
        return Element(values, is_changing=is_group)
    extra = values.ndim - particles_axes
    if extra not in {0, 1} or 0 in values.shape:
        raise ImportingError(
            f"{values.name} has {particles_axes} axes, or one more for frames, none of them empty: got the shape "
            f"{values.shape} ({group.file.filename})"
        )
    return Element(values, is_changing=extra == 1)


class Clock:
    """Steps and times of the frames: lists, intervals with an offset, or nothing.

    Args:
        step: of the positions; None where there is none.
        time: alike.
        frames: T.
    """

    def __init__(self, step: h5py.Dataset | None, time: h5py.Dataset | None, frames: int) -> None:
        self._steps, self._times = _expand(step, frames), _expand(time, frames)

    def at(self, frame: int) -> tuple[int | None, float | None]:
        """Step and time of a frame."""
        step = None if self._steps is None else int(as_integers(self._steps[frame], f"step of frame {frame}"))
        return step, None if self._times is None else float(self._times[frame])


def _expand(values: h5py.Dataset | None, frames: int) -> NDArray[np.generic] | None:
    if values is None:
        return None
    numbers = np.asarray(read_values(values))
    if numbers.ndim == 0:
        expanded: NDArray[np.generic] = values.attrs.get("offset", 0) + numbers * np.arange(frames)
        return expanded
    if numbers.shape != (frames,):
        raise ImportingError(
            f"{values.name} has {frames} entries, or one interval: got the shape {numbers.shape} "
            f"({values.file.filename})"
        )
    return numbers


def open_clock(group: h5py.Group, frames: int) -> Clock:
    """Open the steps and times of the positions of a group.

    Raises:
        ImportingError: for lists of another length than the positions.
    """
    nodes = (get(group, f"position/{name}") for name in ("step", "time"))
    step, time = (node if isinstance(node, h5py.Dataset) else None for node in nodes)
    return Clock(step, time, frames)
