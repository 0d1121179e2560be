"""Unwrapped trajectories from wrapped frames: by the images that a file states, or by the shortest step.

A particle that is wrapped between two frames jumps by the length of the box. Where no image is stated, each step is
taken as its minimum image, which is right as long as particles move less than half the box from frame to frame. A third
is the limit here: where steps come near to half the box, some were longer and look shorter.

Images are checked: where every minimum image is short and yet a particle is said to have moved by the length of the box,
they are not those of the frames. Some programs write zeros for all (OVITO's GSD): such images are none.
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
        self._crossed: NDArray[np.int64] | None = None
        self._stated: NDArray[np.int64] | None = None
        self._have_images_changed = self._are_images_ignored = False

    def apply(self, frame: LiquidFrame) -> NDArray[np.float64]:
        """Unwrap a frame by what the ones before it tell.

        Raises:
            ImportingError: for a step longer than a third of the box without images, and for images that are not
                those of the frames.
        """
        positions, _, box_length = frame.configuration
        if frame.is_unwrapped:
            return positions
        if self._last is None or self._crossed is None:
            self.method = "as written" if frame.images is None else "by images"
            self._crossed = np.zeros(positions.shape, np.int64) if frame.images is None else frame.images
        else:
            steps = (positions - self._last) / box_length
            self._crossed = self._cross(self._crossed, steps, frame)
        self._last, self._stated = positions, frame.images
        unwrapped: NDArray[np.float64] = positions + box_length * self._crossed
        return unwrapped

    def _cross(
        self, crossed: NDArray[np.int64], steps: NDArray[np.float64], frame: LiquidFrame
    ) -> NDArray[np.int64]:
        """Boxes that each particle has crossed, from those at the last frame and the steps since, units of L."""
        jumps = np.rint(steps).astype(np.int64)
        lengths = np.abs(steps - jumps)
        if frame.images is not None and self._fit(frame.images, crossed - jumps, lengths, frame):
            return frame.images
        self._require_short(lengths, frame)
        if self._are_images_ignored or jumps.any():
            self.method = "by the minimum image"
        return crossed - jumps

    def _fit(
        self,
        images: NDArray[np.int64],
        nearest: NDArray[np.int64],
        lengths: NDArray[np.float64],
        frame: LiquidFrame,
    ) -> bool:
        """Whether images are those of the frame; False where they never change and particles cross sides."""
        changes = self._stated is not None and bool((images != self._stated).any())
        self._have_images_changed |= changes
        differs = (images != nearest).any(axis=1)
        if not self._are_images_ignored and (lengths.max(initial=0) > LONGEST or not differs.any()):
            return True
        if self._have_images_changed:
            particle = int(differs.argmax())
            raise ImportingError(
                "images count the boxes that a particle has crossed: by them particle "
                f"{particle if frame.ids is None else frame.ids[particle]} moves by about the length of the box "
                f"to {frame.where}, and by less than a third of it by its minimum image; write the file without images"
            )
        self._are_images_ignored = True
        return False

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
