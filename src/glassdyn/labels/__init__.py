"""The mobility of every particle at the middle of a trajectory.

A label is a module with a `Label` and a place in `LABELS`; its parameters are a section of `params.yaml`.
"""

from glassdyn.labels.p_hop import P_HOP
from glassdyn.labels.wavelets import CWT

__all__ = ["LABELS"]

LABELS = (P_HOP, CWT)
"""All labels of a window, in the order of their columns."""
