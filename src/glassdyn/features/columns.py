"""Columns of numbers per particle, each computed or read when it is first asked for."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from numpy.typing import NDArray

__all__ = ["LazyColumns"]


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
