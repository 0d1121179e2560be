"""Means over copies, with their standard errors."""

from collections.abc import Sequence

import numpy as np

from glassdyn.evaluation.units import standard_error
from glassdyn.storage.trajectory import copy_of

__all__ = ["mean_and_error", "units_of"]


def mean_and_error(name: str, values: Sequence[float]) -> dict[str, float | None]:
    """The mean of some values under a name, and its standard error, None for a single one, under name_error.

    Args:
        name: of the mean.
        values: of copies, or samples.
    """
    return {name: float(np.mean(values)), f"{name}_error": standard_error(np.array(values))}


def units_of(names: Sequence[str]) -> list[list[int]]:
    """Numbers of the samples of each copy; each sample by itself where there is one copy.

    Args:
        names: of the samples.
    """
    copies = [copy_of(name) for name in names]
    keys = copies if len(set(copies)) > 1 else list(range(len(names)))
    return [[i for i, key in enumerate(keys) if key == unit] for unit in dict.fromkeys(keys)]
