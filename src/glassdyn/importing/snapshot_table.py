"""Snapshots of this project, as Parquet tables."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from glassdyn.importing.source import ReadOptions, SourceFrame, cubic_box
from glassdyn.storage import snapshots

__all__ = ["SnapshotTable"]


class SnapshotTable:
    """See the module, and `Source`."""

    format = "snapshot"
    keeps_order = True

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path, self._options = path, options

    def count(self) -> int:
        """See `Source`."""
        return 1

    def read(self, frames: range) -> Iterator[SourceFrame]:
        """See `Source`."""
        if 0 in frames:
            configuration = snapshots.read_snapshot(self.path)
            yield SourceFrame(
                configuration.positions,
                configuration.species.astype(np.int64),
                ("A", "B"),
                cubic_box(np.full(3, configuration.box_length)),
                ids=snapshots.read_ids(self.path),
            )
