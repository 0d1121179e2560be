"""Steps and the timestep of a trajectory, from what its file says of them: steps, times, both or neither."""

from glassdyn.importing.liquid_frame import LiquidFrame
from glassdyn.importing.source import ImportingError, ReadOptions

__all__ = ["Timeline"]

TOLERANCE = 0.01
"""Error of a time, units of the first interval: other programs write times in single precision."""

DIGITS = 6
"""Of a timestep, where these few state it as well as all: differences of times have rounding errors."""


class Timeline:
    """Steps of frames, and the timestep that turns them into times.

    Args:
        first: frame.
        second: frame; None where there is one only.
        options: with the timestep, which counts more than the times of the file.

    Attributes:
        timestep: units of tau; 1 where there is one frame only.

    Raises:
        ImportingError: where the timestep is unknown, or frames do not advance.
    """

    def __init__(self, first: LiquidFrame, second: LiquidFrame | None, options: ReadOptions) -> None:
        self._first = first
        self._times_count = options.timestep is None
        self._gap = 1 if second is None or None in {first.step, second.step} else _difference(second, first)
        self.timestep = options.timestep or self._derive_timestep(second)

    def step(self, frame: LiquidFrame, index: int) -> int:
        """The step of a frame.

        Args:
            frame: of the file.
            index: how many frames were before it.

        Raises:
            ImportingError: where its time is not that of its step, or no multiple of the timestep.
        """
        first = self._first
        if frame.step is not None:
            if self._times_count and frame.time is not None and first.time is not None:
                self._check_time(frame, frame.time - first.time, _difference(frame, first))
            return frame.step
        if frame.time is None or first.time is None:
            return index
        steps = (frame.time - first.time) / self.timestep
        if abs(steps) >= 2**63:
            raise ImportingError(
                f"steps are integers of 64 bits: got {steps:.3e} up to {frame.where}; correct the times"
            )
        if abs(steps - round(steps)) > TOLERANCE:
            raise ImportingError(
                f"times are multiples of the timestep, {self.timestep:g}: got {frame.time:g} after {first.time:g} "
                f"({frame.where}); state one that divides them all (--timestep)"
            )
        return round(steps)

    def _derive_timestep(self, second: LiquidFrame | None) -> float:
        """The first interval, over its steps."""
        if second is None:
            return 1.0
        first, last = self._first.time, second.time
        if first is None or last is None:
            has_steps = self._first.step is not None
            raise ImportingError(
                "the time between frames must be known: "
                f"{self._first.path} states {'steps only' if has_steps else 'neither steps nor times'}; "
                f"state the time of {'a step' if has_steps else 'one interval'}, as in --timestep 0.005"
            )
        if not (last > first and self._gap > 0):
            raise ImportingError(
                f"time increases from frame to frame: got {first:g} and {last:g}, {self._gap} steps apart, "
                f"in the first frames of {self._first.path}; correct the file, or state the timestep (--timestep)"
            )
        return _round((last - first) / self._gap)

    def _check_time(self, frame: LiquidFrame, time: float, steps: int) -> None:
        if abs(time - steps * self.timestep) > TOLERANCE * self._gap * self.timestep + 1e-6 * abs(time):
            raise ImportingError(
                f"times grow as steps do, by {self.timestep:g} each: got {time:g} in {steps} steps up to "
                f"{frame.where}; if the timestep changed, import the parts one by one, otherwise state "
                "it (--timestep)"
            )


def _difference(frame: LiquidFrame, first: LiquidFrame) -> int:
    return (frame.step or 0) - (first.step or 0)


def _round(timestep: float) -> float:
    rounded = float(f"{timestep:.{DIGITS}g}")
    return rounded if abs(rounded - timestep) < 1e-6 * timestep else timestep
