"""Unwrapped trajectories from wrapped frames: by the images that a file states, or by the shortest step.

A particle that is wrapped between two frames jumps by the length of the box. Where no image is stated, each step is
taken as its minimum image, which is right as long as particles move less than half the box from frame to frame. A third
is the limit here: where steps come near to half the box, some were longer and look shorter.
"""

import numpy as np
from numpy.typing import NDArray

from glassdyn.importing.liquid_frame import LiquidFrame
from glassdyn.importing.source import ImportingError

__all__ = ["Unwrapping"]

LONGEST = 1 / 3
"""Of a step along an axis, units of L."""


class Unwrapping:
    """How the frames were unwrapped so far, in words: `as written`, `by images` or `by the minimum image`."""

    def __init__(self) -> None:
        self.method = "as written"
        self._last: NDArray[np.float64] | None = None
        self._crossed: NDArray[np.float64] | None = None

    def apply(self, frame: LiquidFrame) -> NDArray[np.float64]:
        """Unwrap a frame by what the ones before it tell.

        Raises:
            ImportingError: for a step longer than a third of the box.
        """
        positions, _, box_length = frame.configuration
        if frame.is_unwrapped:
            return positions
        if frame.images is not None:
            self.method = "by images"
            return positions + box_length * frame.images
        if self._last is None or self._crossed is None:
            self._last, self._crossed = positions, np.zeros_like(positions)
            return positions
        steps = positions - self._last
        jumps = np.rint(steps / box_length)
        self._require_short(np.abs(steps - box_length * jumps) / box_length, frame)
        if jumps.any():
            self.method = "by the minimum image"
        self._last, self._crossed = positions, self._crossed - jumps
        unwrapped: NDArray[np.float64] = positions + box_length * self._crossed
        return unwrapped

    def _require_short(self, steps: NDArray[np.float64], frame: LiquidFrame) -> None:
        if steps.max(initial=0) <= LONGEST:
            return
        row = int(steps.max(axis=1).argmax())
        particle = row if frame.ids is None else int(frame.ids[row])
        raise ImportingError(
            f"a trajectory without images is unwrapped where no step is as long as a third of the box: "
            f"particle {particle} moves {steps[row].max():.2f} L to {frame.where}; dump images (ix iy iz) or unwrapped "
            "positions (xu yu zu), write frames more often, or say that the file is unwrapped (--unwrapped); are rows "
            "in one order?"
        )
