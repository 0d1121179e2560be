"""Arrays of NumPy by name (.npz), or positions alone (.npy); never pickled objects.

Positions are streamed frame by frame; all other arrays, images and boxes of every frame among them, are read whole.
The arrays are named positions, species, box, ids, images, steps, times, or as `ALIASES` says, or as the user says.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from glassdyn.importing.npy_stream import (
    Header,
    open_arrays,
    read_array,
    read_bytes,
    read_header,
    read_values,
)
from glassdyn.importing.number_table import encode_names
from glassdyn.importing.source import (
    Box,
    ImportingError,
    ReadOptions,
    SourceFrame,
    as_integers,
    cubic_box,
    number_names,
    require_sane_size,
)
from glassdyn.importing.topology import Topology, TopologyReader, require_particles

__all__ = ["NumpyArrays"]

ALIASES: Mapping[str, tuple[str, ...]] = {
    "positions": ("initial_positions", "positions", "pos", "r"),
    "species": ("species", "types", "type", "ptype"),
    "box": ("box", "box_length", "L", "cell"),
    "ids": ("ids", "id"),
    "images": ("images", "image"),
    "steps": ("steps", "step"),
    "times": ("times", "time"),
}
"""Names of arrays, the first that there is. Of sets of isoconfigurational runs the initial configuration is taken."""

SEVERAL = ("steps", "times")


class NumpyArrays:
    """See the module, and `Source`."""

    format = "NumPy"
    keeps_order = True

    def __init__(self, path: Path, options: ReadOptions, topology: TopologyReader) -> None:
        self.path, self._options, self._read_topology = path, options, topology

    def count(self) -> int:
        """See `Source`."""
        with self._open_positions() as (_, header):
            return 1 if len(header.shape) == 2 else header.shape[0]

    def read(self, frames: range) -> Iterator[SourceFrame]:
        """See `Source`."""
        arrays = self._read_small_arrays()
        with self._open_positions() as (stream, header):
            shape = header.shape[-2:]
            require_sane_size(shape[0], self.path)
            topology = self._choose_topology(arrays, shape[0])
            for number, positions in enumerate(_stream_positions(stream, header, frames.stop, self.path)):
                if number in frames:
                    yield self._assemble(positions.astype(np.float64), arrays, topology, number)

    def _assemble(
        self,
        positions: NDArray[np.float64],
        arrays: Mapping[str, NDArray[np.generic]],
        topology: Topology,
        number: int,
    ) -> SourceFrame:
        where = f"{self.path}, frame {number}"
        step, time = (_entry(arrays.get(name), number, f"{name} of {where}") for name in SEVERAL)
        images = _frame_of(arrays.get("images"), number, 2, f"images of {where}")
        return SourceFrame(
            positions,
            topology.kinds,
            topology.names,
            _build_box(arrays.get("box"), number, f"box of {where}"),
            ids=topology.ids,
            images=None if images is None else as_integers(images, where),
            step=None if step is None else int(as_integers(step, where)),
            time=time,
        )

    def _choose_topology(self, arrays: Mapping[str, NDArray[np.generic]], particles: int) -> Topology:
        if "species" not in arrays:
            self._refuse_ids(arrays)
            topology = self._read_topology()
        else:
            species, ids = arrays["species"].reshape(-1), arrays.get("ids")
            kinds, names = (
                number_names(species.astype(np.int64), self.path)
                if species.dtype.kind in "iu"
                else encode_names(species.astype(str).tolist())
            )
            topology = Topology(
                kinds, names, None if ids is None else as_integers(ids, self.path).reshape(-1)
            )
        require_particles(topology, particles, self.path)
        return topology

    def _refuse_ids(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Where species come from a topology, rows must stand in its order, which ids in the file deny."""
        if "ids" in arrays:
            raise ImportingError(
                f"ids come with the species of their rows: {self.path} has ids alone; add an array species to it, "
                "or bring the rows into the order of the topology and leave the ids out"
            )

    def _name_of(self, meaning: str, present: list[str]) -> str | None:
        """The name of an array in the file.

        Raises:
            ImportingError: where the user names one that is not there.
        """
        name = self._options.keys.get(meaning)
        if name is not None and name not in present:
            raise ImportingError(
                f"no array is named {name}: {self.path} has {present} (--keys {meaning}={name})"
            )
        return name or next((name for name in ALIASES[meaning] if name in present), None)

    @contextmanager
    def _open_positions(self) -> Iterator[tuple[BinaryIO, Header]]:
        """The stream of the positions behind their head."""
        with open_arrays(self.path) as members:
            name = self._name_of("positions", list(members))
            if name is None:
                raise ImportingError(
                    f"needs positions: {self.path} has the arrays {list(members)}; "
                    "say which, as in --keys positions=pos"
                )
            stream = members[name]
            header = read_header(stream, f"{self.path}, {name}")
            shape = header.shape
            if len(shape) not in {2, 3} or shape[-1] not in {2, 3} or 0 in shape or header.dtype.kind != "f":
                raise ImportingError(
                    f"positions have the shape (N, 3), or (T, N, 3) of a trajectory: got {shape} of {header.dtype} "
                    f"({self.path}, {name}); say which array they are, as in --keys positions=pos"
                )
            yield stream, header

    def _read_small_arrays(self) -> dict[str, NDArray[np.generic]]:
        with open_arrays(self.path) as members:
            names = {
                meaning: self._name_of(meaning, list(members))
                for meaning in ALIASES
                if meaning != "positions"
            }
            return {
                meaning: read_array(members[name], f"{self.path}, {name}")
                for meaning, name in names.items()
                if name
            }


def _stream_positions(
    stream: BinaryIO, header: Header, frames: int, path: Path
) -> Iterator[NDArray[np.generic]]:
    """The first frames one by one; of an array whose first index runs fastest, which has no frames in a row, all."""
    shape = header.shape[-2:]
    if header.is_fortran:
        yield from read_values(stream, header, str(path)).reshape(-1, *shape)[:frames]
        return
    size = math.prod(shape) * header.dtype.itemsize
    for number in range(frames):
        data = read_bytes(stream, size, f"{path}, frame {number}")
        yield np.frombuffer(data, header.dtype).reshape(shape)


def _entry(values: NDArray[np.generic] | None, number: int, where: str) -> float | None:
    if values is None:
        return None
    _require_frame(values.size, number, where)
    return float(values.reshape(-1)[number])


def _frame_of(
    values: NDArray[np.generic] | None, number: int, axes: int, where: str
) -> NDArray[np.generic] | None:
    """The values of a frame, whether they are stated once or for each."""
    if values is None or values.ndim <= axes:
        return values
    return _pick(values, number, where)


def _pick(values: NDArray[np.generic], number: int, where: str) -> NDArray[np.generic]:
    index = number if len(values) != 1 else 0
    _require_frame(len(values), index, where)
    picked: NDArray[np.generic] = values[index]
    return picked


def _require_frame(frames: int, number: int, where: str) -> None:
    if number >= frames:
        raise ImportingError(
            f"an array has as many frames as the positions: got {frames} ({where}); write them all, or leave the "
            "array out"
        )


def _build_box(values: NDArray[np.generic] | None, number: int, where: str) -> Box | None:
    """The box from one edge, three, or three vectors, for all frames or for each."""
    if values is None:
        return None
    if values.ndim == 3 or (values.ndim == 2 and values.shape != (3, 3)):
        values = _pick(values, number, where)
    edges = values.astype(np.float64)
    if edges.size == 1:
        edges = np.full(3, edges.reshape(-1)[0])
    if edges.shape == (3, 3):
        return Box(edges, np.zeros(3))
    if edges.shape != (3,):
        raise ImportingError(f"the box has one edge, three, or three vectors: got {edges.shape} ({where})")
    return cubic_box(edges)
