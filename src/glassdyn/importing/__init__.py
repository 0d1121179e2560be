"""Files of other programs as trajectories and snapshots of this project: one module a format.

A new format is a module with a `Source`, and a line in `FORMATS` (formats.py).
"""

from glassdyn.importing.formats import open_source
from glassdyn.importing.liquid_frame import LiquidFrame, read_frames
from glassdyn.importing.source import ImportingError, ReadOptions, Source

__all__ = ["ImportingError", "LiquidFrame", "ReadOptions", "Source", "open_source", "read_frames"]
