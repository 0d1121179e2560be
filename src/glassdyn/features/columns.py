"""Columns of numbers per particle: computed or read when they are first asked for, and put side by side."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LazyColumns", "stack"]


class LazyColumns(Mapping[str, NDArray[Any]]):
    """Columns by name, in a fixed order; what nobody asks for is neither computed nor read.

    Attributes:
        evaluated: the columns that were asked for.
    """

    def __init__(self, sources: Mapping[str, Callable[[], NDArray[Any]]]) -> None:
        self._sources = dict(sources)
        self.evaluated: dict[str, NDArray[Any]] = {}

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self.evaluated:
            self.evaluated[name] = self._sources[name]()
        return self.evaluated[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def stack(columns: Mapping[str, NDArray[Any]], names: Sequence[str]) -> NDArray[np.float32]:
    """Put columns side by side.

    Args:
        columns: (N,) or (N, width) each.
        names: of those to take, in this order.

    Returns:
        (N, F) float32.
    """
    return np.column_stack([columns[name].astype(np.float32) for name in names])
