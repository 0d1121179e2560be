"""GSD files of HOOMD-blue. Their particles keep their order.

Source: https://gsd.readthedocs.io
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gsd.hoomd
import numpy as np

from glassdyn.importing.source import Box, ImportingError, ReadOptions, SourceFrame, require_sane_size
from glassdyn.storage.trajectory_writer import THERMODYNAMICS

__all__ = ["Gsd"]

KINDS = ("particles", "bonds", "angles", "dihedrals", "impropers", "constraints", "pairs")
"""What a frame has a number of."""

UNREADABLE = (
    OSError,
    RuntimeError,
    KeyError,
    IndexError,
    ValueError,
    TypeError,
    AttributeError,
    MemoryError,
)
"""What the library raises for a damaged file: it compares little."""


class Gsd:
    """See the module, and `Source`."""

    format = "GSD"
    keeps_order = True

    def __init__(self, path: Path, _options: ReadOptions) -> None:
        self.path = path

    def count(self) -> int:
        """See `Source`."""
        with self._open() as trajectory:
            if not len(trajectory):
                raise ImportingError(f"a GSD file holds at least one frame: {self.path} has none")
            return len(trajectory)

    def read(self, frames: range) -> Iterator[SourceFrame]:
        """See `Source`."""
        with self._open() as trajectory:
            has_images = _has_images(trajectory)
            for number in frames:
                try:
                    self._require_sane_counts(trajectory, {0, number})
                    frame = _convert(trajectory[number], has_images, f"{self.path}, frame {number}")
                except ImportingError:
                    raise
                except UNREADABLE as error:
                    raise ImportingError(
                        f"frame {number} of {self.path} cannot be read: {error}; the file is damaged, copy it anew"
                    ) from None
                yield frame

    def _require_sane_counts(self, trajectory: Any, frames: Collection[int]) -> None:
        """Refuse frames that state more particles or bonds than the file has bytes: the library takes memory for them."""
        size = self.path.stat().st_size
        for name in (f"{kind}/N" for kind in KINDS):
            for frame in frames:
                if trajectory.file.chunk_exists(frame=frame, name=name):
                    stated = int(np.max(trajectory.file.read_chunk(frame=frame, name=name), initial=0))
                    if stated > size:
                        raise ImportingError(
                            f"a frame states no more than the file holds: got {stated} {name} in {size} bytes of "
                            f"{self.path}; the file is damaged, copy it anew"
                        )

    @contextmanager
    def _open(self) -> Iterator[Any]:
        try:
            trajectory = gsd.hoomd.open(self.path, "r")
        except UNREADABLE as error:
            raise ImportingError(f"{self.path} is no whole GSD file: {error}; copy it anew") from None
        with trajectory:
            yield trajectory


def _has_images(trajectory: Any) -> bool:
    """Whether images are those of each frame.

    HOOMD writes them with the first frame alone, unless momenta are dynamic, and the library repeats them for all others.
    """
    return len(trajectory) == 1 or any(
        trajectory.file.chunk_exists(frame=number, name="particles/image")
        for number in range(1, len(trajectory))
    )


@np.errstate(all="ignore")  # a box that is not finite is refused with its frame
def _convert(snapshot: Any, has_images: bool, where: str) -> SourceFrame:
    """Take a frame of the library; the box is centred at 0."""
    particles, configuration = snapshot.particles, snapshot.configuration
    require_sane_size(particles.N, where)
    length_x, length_y, length_z, *tilts = map(float, configuration.box)
    vectors = np.diag([length_x, length_y, length_z])
    vectors[1, 0], vectors[2, :2] = tilts[0] * length_y, (tilts[1] * length_z, tilts[2] * length_z)
    dimensions = 2 if configuration.dimensions == 2 or length_z == 0 else 3
    return SourceFrame(
        particles.position[:, :dimensions].astype(np.float64),
        particles.typeid.astype(np.int64),
        tuple(particles.types),
        Box(vectors, -vectors.sum(axis=0) / 2),
        images=particles.image.astype(np.int64) if has_images else None,
        step=int(configuration.step),
        observables=_thermodynamics(snapshot.log),
    )


def _thermodynamics(log: Mapping[str, Any]) -> dict[str, float]:
    """Energies and pressure as HOOMD's logger names them: .../ThermodynamicQuantities/potential_energy."""
    values = {key.rpartition("/")[2]: np.ravel(value) for key, value in log.items()}
    return {name: float(values[name][0]) for name in THERMODYNAMICS if len(values.get(name, [])) == 1}
