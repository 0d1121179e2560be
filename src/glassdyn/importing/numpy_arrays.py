"""Arrays of NumPy by name (.npz), or positions alone (.npy), streamed frame by frame; never pickled objects.

The arrays are named positions, species, box, ids, images, steps, times, or as `ALIASES` says, or as the user says.
"""

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.importing.source import (
    Box,
    ImportingError,
    ReadOptions,
    SourceFrame,
    cubic_box,
    number_names,
    require_sane_size,
)
from glassdyn.importing.text import encode_names
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

MAX_RATIO, MAX_SMALL = 100, 2**28
"""An archive expands to so many times its size at most, or to so many bytes: published ones reach a tenth of it."""

SEVERAL = ("steps", "times")


class Header(NamedTuple):
    """Shape and type of a stored array."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]


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
            size = int(np.prod(shape)) * header.dtype.itemsize
            for number in range(frames.stop):
                data = stream.read(size)
                if len(data) != size:
                    raise ImportingError(f"{self.path} ends within frame {number}; copy it anew")
                if number in frames:
                    positions = np.frombuffer(data, header.dtype).reshape(shape).astype(np.float64)
                    yield self._assemble(positions, arrays, topology, number)

    def _assemble(
        self,
        positions: NDArray[np.float64],
        arrays: Mapping[str, NDArray[np.generic]],
        topology: Topology,
        number: int,
    ) -> SourceFrame:
        step, time = (_entry(arrays.get(name), number) for name in SEVERAL)
        images = _frame_of(arrays.get("images"), number, 2)
        return SourceFrame(
            positions,
            topology.kinds,
            topology.names,
            _build_box(arrays.get("box"), number, self.path),
            ids=topology.ids,
            images=None if images is None else images.astype(np.int64),
            step=None if step is None else int(step),
            time=time,
        )

    def _choose_topology(self, arrays: Mapping[str, NDArray[np.generic]], particles: int) -> Topology:
        if "species" not in arrays:
            topology = self._read_topology()
        else:
            species, ids = arrays["species"].reshape(-1), arrays.get("ids")
            kinds, names = (
                number_names(species.astype(np.int64), self.path)
                if species.dtype.kind in "iu"
                else encode_names(pl.Series(species.astype(str)))
            )
            topology = Topology(kinds, names, None if ids is None else ids.astype(np.int64).reshape(-1))
        require_particles(topology, particles, self.path)
        return topology

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
        with self._open() as members:
            name = self._name_of("positions", list(members))
            if name is None:
                raise ImportingError(
                    f"needs positions: {self.path} has the arrays {list(members)}; say which, as in --keys positions=pos"
                )
            stream = members[name]
            header = _read_header(stream, f"{self.path}, {name}")
            shape = header.shape
            if len(shape) not in {2, 3} or shape[-1] not in {2, 3} or 0 in shape or header.dtype.kind != "f":
                raise ImportingError(
                    f"positions have the shape (N, 3), or (T, N, 3) of a trajectory: got {shape} of {header.dtype} "
                    f"({self.path}, {name}); say which array they are, as in --keys positions=pos"
                )
            yield stream, header

    def _read_small_arrays(self) -> dict[str, NDArray[np.generic]]:
        with self._open() as members:
            names = {
                meaning: self._name_of(meaning, list(members))
                for meaning in ALIASES
                if meaning != "positions"
            }
            return {
                meaning: _read_array(members[name], f"{self.path}, {name}")
                for meaning, name in names.items()
                if name
            }

    @contextmanager
    def _open(self) -> Iterator[Mapping[str, BinaryIO]]:
        try:
            if not zipfile.is_zipfile(self.path):
                with self.path.open("rb") as file:
                    yield {"positions": file}
                return
            with zipfile.ZipFile(self.path) as archive:
                _require_sane_expansion(archive, self.path)
                yield _Members(archive)
        except FileNotFoundError:
            raise ImportingError(f"no such file: {self.path}") from None
        except (OSError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
            raise ImportingError(
                f"{self.path} is damaged or no file of NumPy: {error}; copy it anew"
            ) from None


class _Members(dict[str, BinaryIO]):
    """Streams of an archive's arrays by name, opened when they are asked for."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        names = (name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy"))
        super().__init__(dict.fromkeys(names))  # type: ignore[arg-type]

    def __getitem__(self, name: str) -> BinaryIO:
        return cast("BinaryIO", self._archive.open(f"{name}.npy"))


def _require_sane_expansion(archive: zipfile.ZipFile, path: Path) -> None:
    size = sum(member.file_size for member in archive.infolist())
    if size > max(MAX_RATIO * path.stat().st_size, MAX_SMALL):
        raise ImportingError(
            f"an archive expands to at most {MAX_RATIO} times its size: {path} claims {size / 1e9:.1f} GB of "
            f"{path.stat().st_size / 1e6:.1f} MB; is it the right file?"
        )


def _read_header(stream: BinaryIO, where: str) -> Header:
    """Read the head of an array.

    Raises:
        ImportingError: for pickled objects, columns first, or what is no array.
    """
    try:
        version = np.lib.format.read_magic(stream)
        reader = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, is_fortran, dtype = reader(stream)
    except (KeyError, ValueError) as error:
        raise ImportingError(
            f"an array of NumPy begins with its shape and type: got {error} ({where})"
        ) from None
    if dtype.hasobject or (is_fortran and len(shape) > 1):
        raise ImportingError(
            f"an array holds numbers or words, row by row: got {dtype}, {'columns first' if is_fortran else 'pickled'} "
            f"({where}); write it anew by np.ascontiguousarray and without objects"
        )
    return Header(tuple(map(int, shape)), dtype)


def _read_array(stream: BinaryIO, where: str) -> NDArray[np.generic]:
    header = _read_header(stream, where)
    size = int(np.prod(header.shape, dtype=np.float64)) * header.dtype.itemsize
    if size > 2**34:
        raise ImportingError(
            f"an array beside the positions has at most 17 GB: got {size / 1e9:.1f} ({where})"
        )
    data = stream.read(size)
    if len(data) != size:
        raise ImportingError(f"ends within an array: got {len(data)} bytes of {size} ({where}); copy it anew")
    return np.frombuffer(data, header.dtype).reshape(header.shape)


def _entry(values: NDArray[np.generic] | None, number: int) -> float | None:
    if values is None:
        return None
    return float(values.reshape(-1)[number]) if values.size > number else None


def _frame_of(values: NDArray[np.generic] | None, number: int, axes: int) -> NDArray[np.generic] | None:
    """The values of a frame, whether they are stated once or for each."""
    if values is None or values.ndim <= axes:
        return values
    frame: NDArray[np.generic] = values[number if len(values) > 1 else 0]
    return frame


def _build_box(values: NDArray[np.generic] | None, number: int, path: Path) -> Box | None:
    """The box from one edge, three, or three vectors, for all frames or for each."""
    if values is None:
        return None
    edges = values.astype(np.float64)
    if edges.ndim == 3 or (edges.ndim == 2 and edges.shape != (3, 3)):
        edges = edges[number if len(edges) > 1 else 0]
    if edges.size == 1:
        edges = np.full(3, edges.reshape(-1)[0])
    if edges.shape == (3, 3):
        return Box(edges, np.zeros(3))
    if edges.shape != (3,):
        raise ImportingError(f"the box has one edge, three, or three vectors: got {edges.shape} ({path})")
    return cubic_box(edges)
