"""What a label is: columns of numbers per particle, computed from its track through a window of frames."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Kernel", "Label", "Window"]

Kernel = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From tracks (n, 3, T), unwrapped, units of sigma_AA, to the columns of a label (n, K)."""


class Window(NamedTuple):
    """The frames that a label is computed from.

    Attributes:
        frames: T.
        frame: the one whose label is wanted; at least 0, below T.
        interval: time from one frame to the next, units of tau.
    """

    frames: int
    frame: int
    interval: float


class Label(NamedTuple):
    """A label of particles, as tables store it and axes name it.

    Attributes:
        name: of the label, with which its columns begin: p_hop, or cwt for cwt_50 and cwt_100.
        section: of `params.yaml` that holds its parameters.
        parameters: the class of that section.
        columns: names of the K columns, from the section.
        prepare: the kernel for a section and a window, any number of tracks at a time; refuses a window that is
            too short with a `GlassdynError`.
        symbol: how axes write a column, from its name; mathtext.
        unit: of the columns; mathtext.
        density_unit: of their probability densities, the inverse; mathtext.
        scale: of the axis that shows the distribution.
        threshold: the parameter above which a label of that very name means an event, or None.
    """

    name: str
    section: str
    parameters: type[Any]
    columns: Callable[[Any], Sequence[str]]
    prepare: Callable[[Any, Window], Kernel]
    symbol: Callable[[str], str]
    unit: str
    density_unit: str
    scale: Literal["linear", "log"]
    threshold: str | None = None
