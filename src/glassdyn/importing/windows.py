"""Which frames of a run become which sample: blocks of time are copies, windows in them are samples.

A copy is a run of the liquid, or one of the `blocks` of time that a run is cut into; a sample is a window of 2 h + 1 frames
of a copy, as many intervals apart as the parameters decorrelate for. Copies that are blocks of one run hold the same
particles at other times, and are as independent as these times are far apart.
"""

from dataclasses import dataclass

from glassdyn.importing.source import ImportingError
from glassdyn.liquid.box import compute_box_length
from glassdyn.params import Params, Raw
from glassdyn.simulation.protocol import compute_frame_time, count_frame_intervals

__all__ = ["Cut", "count_windows", "plan_cut", "require_raw", "window_starts"]


@dataclass(frozen=True)
class Cut:
    """What is taken from a run besides its files, and what must be in them.

    Attributes:
        composition: numbers of A and B particles.
        box_length: L, units of sigma_AA.
        temperature: units of eps_AA / k_B.
        timestep: units of tau.
        frame_steps: from one frame to the next.
        blocks: of a run, each a copy.
        samples: of each copy.
        intervals: between the first and the last frame of a sample; even, so that one frame is the middle.
        gap: intervals from the last frame of a sample to the first of the next, at least 1.
    """

    composition: tuple[int, ...]
    box_length: float
    temperature: float
    timestep: float
    frame_steps: int
    blocks: int
    samples: int
    intervals: int
    gap: int

    @property
    def frames(self) -> int:
        """Of a sample."""
        return self.intervals + 1

    @property
    def lead(self) -> int:
        """Frames of a block that belong to no sample because they are near the block before."""
        return self.gap if self.blocks > 1 else 0


def plan_cut(params: Params) -> Cut:
    """The cut that the parameters state, durations in units of the declared tau_alpha turned into frames.

    Raises:
        ImportingError: where they have no section of files.
    """
    raw, simulation, liquid = require_raw(params), params.simulation, params.liquid
    gap = round(params.record.decorrelate * simulation.tau_alpha / compute_frame_time(simulation))
    return Cut(
        raw.composition,
        compute_box_length(liquid.particles, liquid.density),
        liquid.temperature,
        simulation.timestep,
        simulation.frame_steps,
        raw.blocks,
        simulation.samples,
        count_frame_intervals(simulation, params.record.duration),
        max(gap, 1),
    )


def require_raw(params: Params) -> Raw:
    """The section of files.

    Raises:
        ImportingError: where there is none.
    """
    if params.raw is None:
        raise ImportingError(
            "files of other programs are described in the section raw: params.yaml has none; make a data set by "
            "`glassdyn new-dataset`"
        )
    return params.raw


def count_windows(frames: int, cut: Cut) -> int:
    """How many samples each block of a run of so many frames holds."""
    usable = frames // cut.blocks - cut.lead
    return max((usable - 1 + cut.gap) // (cut.intervals + cut.gap), 0)


def window_starts(frames: int, cut: Cut) -> dict[tuple[int, int], int]:
    """Block and sample -> first frame of the window, in a run of so many frames.

    Raises:
        ImportingError: where it is too short.
    """
    fitting, period = count_windows(frames, cut), cut.intervals + cut.gap
    if fitting < cut.samples:
        needed = cut.blocks * (cut.lead + (cut.samples - 1) * period + cut.frames)
        raise ImportingError(
            f"{cut.blocks} blocks of {cut.samples} samples of {cut.frames} frames, {cut.gap} intervals apart, need "
            f"{needed} frames: got {frames}, in which {fitting} samples a block fit; take fewer or shorter ones "
            "(params.yaml: simulation.samples, record.duration, record.decorrelate, raw.blocks)"
        )
    return {
        (block, sample): block * frames // cut.blocks + cut.lead * (block > 0) + sample * period
        for block in range(cut.blocks)
        for sample in range(cut.samples)
    }
