"""Snapshots of this project, as Parquet tables."""

from pathlib import Path

import numpy as np

from glassdyn.importing.source import ReadOptions, SingleFrame, SourceFrame, cubic_box
from glassdyn.storage import snapshots

__all__ = ["open_snapshot_table"]


def open_snapshot_table(path: Path, _options: ReadOptions) -> SingleFrame:
    """The source of a snapshot."""
    return SingleFrame(path, "snapshot", keeps_order=True, read_frame=_read)


def _read(path: Path) -> SourceFrame:
    configuration = snapshots.read_snapshot(path)
    return SourceFrame(
        configuration.positions,
        configuration.species.astype(np.int64),
        ("A", "B"),
        cubic_box(np.full(3, configuration.box_length)),
        ids=snapshots.read_ids(path),
    )
