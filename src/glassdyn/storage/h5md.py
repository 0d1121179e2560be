"""The file format of a trajectory, H5MD 1.1, and of the parts that it is assembled from.

de Buyl, Colberg, Hoefling, Comput. Phys. Commun. 185, 1546 (2014); https://nongnu.org/h5md
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.storage.chunk_writer import max_chunk_bytes, write_chunks
from glassdyn.storage.hdf5 import large_file, require_group

__all__ = [
    "BLOCK",
    "WIDTH",
    "TrajectoryError",
    "TrajectoryHeader",
    "assemble",
    "part_files",
    "part_length",
    "part_path",
    "write_part",
]

BLOCK = 128
"""Frames of a block and of a chunk: 98 MB of positions at N = 64000."""

WIDTH = 128
"""Particles of a chunk: with `BLOCK`, 197 kB of positions."""

MARGIN = 2**20
"""Bytes for what HDF5 notes about a file's contents."""

LAYOUT_VERSION = "1"
"""Of the layout written here: the bytes of a file must not depend on the version of the package."""

LAYOUT = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}


class TrajectoryError(GlassdynError):
    """A trajectory or a frame of a trajectory that breaks a rule."""


@dataclass(frozen=True)
class TrajectoryHeader:
    """The contents of a trajectory besides its frames.

    Attributes:
        species: (N,) 0 for A, 1 for B.
        box_length: L, units of sigma_AA.
        timestep: units of tau.
        metadata: numbers and strings about the run.
        observables: names of the numbers recorded with every frame.
        ids: (N,) of the particles in the file that they come from; None where rows are the particles.
    """

    species: NDArray[np.uint8]
    box_length: float
    timestep: float
    metadata: Mapping[str, Any]
    observables: tuple[str, ...]
    ids: NDArray[np.int64] | None = None


def write_part(
    path: Path, steps: NDArray[np.int64], block: NDArray[np.float32], observables: NDArray[np.float64]
) -> None:
    """Write one block of frames, atomically.

    Args:
        path: the part.
        steps: (T,).
        block: (T, N, 3), T <= `BLOCK`.
        observables: (T, number of observables).
    """
    chunks = -(-block.shape[1] // WIDTH)
    with large_file(
        path, chunks * max_chunk_bytes(3 * BLOCK * WIDTH) + steps.nbytes + observables.nbytes + MARGIN
    ) as file:
        file.create_dataset("step", data=steps, track_times=False)
        file.create_dataset("observables", data=observables, track_times=False)
        write_chunks(_create_positions(file, len(steps), block.shape[1]), block)


def assemble(path: Path, parts: list[Path], header: TrajectoryHeader) -> None:
    """Assemble the parts of a trajectory into one H5MD file, atomically.

    Compressed chunks are copied as they are: the speed is the disk's.

    Raises:
        TrajectoryError: where there is no frame.
    """
    lengths = [part_length(part) for part in parts]
    if not sum(lengths):
        raise TrajectoryError(f"a trajectory has at least one frame: got none for {path}")
    with large_file(path, _size_bound(parts)) as file:
        _write_header(file, header)
        position = require_group(file, "particles/all/position")
        value = _create_positions(position, sum(lengths), len(header.species), "value")
        steps = np.empty(sum(lengths), np.int64)
        observables = np.empty((sum(lengths), len(header.observables)))
        for block, part in enumerate(parts):
            first = block * BLOCK
            with h5py.File(part) as source:
                steps[first : first + lengths[block]] = source["step"][:]
                observables[first : first + lengths[block]] = source["observables"][:]
                _copy_chunks(source["value"], value, first)
        position.create_dataset("step", data=steps, track_times=False)
        position.create_dataset("time", data=steps * header.timestep, track_times=False)
        _write_box(file, header, position)
        for name, values in zip(header.observables, observables.T, strict=True):
            observable = require_group(file, f"observables/{name}")
            observable.create_dataset("value", data=values, track_times=False)
            observable["step"], observable["time"] = position["step"], position["time"]


def _size_bound(parts: list[Path]) -> int:
    """Upper bound of the bytes of the file assembled from these parts, which hold all but times and box."""
    frames = len(parts) * BLOCK
    return sum(part.stat().st_size for part in parts) + 64 * frames + MARGIN


def _copy_chunks(source: h5py.Dataset, target: h5py.Dataset, first: int) -> None:
    memory = np.empty(
        max_chunk_bytes(math.prod(source.chunks)), np.uint8
    )  # fresh memory costs more than the copy
    for particle in range(0, source.shape[1], source.chunks[1]):
        filters, chunk = source.id.read_direct_chunk((0, particle, 0), out=memory)
        target.id.write_direct_chunk((first, particle, 0), chunk, filters)


def _write_header(file: h5py.File, header: TrajectoryHeader) -> None:
    h5md = require_group(file, "h5md")
    h5md.attrs["version"] = np.array([1, 1], np.int32)
    require_group(h5md, "author").attrs["name"] = "glassdyn"
    creator = require_group(h5md, "creator")
    creator.attrs["name"], creator.attrs["version"] = "glassdyn", LAYOUT_VERSION
    run = require_group(file, "parameters/run")
    for key, entry in sorted({**header.metadata, "timestep": header.timestep}.items()):
        run.attrs[key] = entry
    particles = require_group(file, "particles/all")
    particles.create_dataset("species", data=header.species, track_times=False)
    if header.ids is not None:
        particles.create_dataset("id", data=header.ids, track_times=False)


def _write_box(file: h5py.File, header: TrajectoryHeader, position: h5py.Group) -> None:
    """Write the cubic box for every frame: MDAnalysis reads no other form."""
    box = require_group(file, "particles/all/box")
    box.attrs["dimension"] = 3
    box.attrs.create("boundary", ["periodic"] * 3, dtype=h5py.string_dtype("ascii", 8))
    edges = require_group(box, "edges")
    frames = len(position["step"])
    edges.create_dataset("value", data=np.full((frames, 3), header.box_length), track_times=False, **LAYOUT)
    edges["step"], edges["time"] = position["step"], position["time"]


def _create_positions(parent: h5py.Group, frames: int, particles: int, name: str = "value") -> h5py.Dataset:
    return parent.create_dataset(
        name,
        shape=(frames, particles, 3),
        maxshape=(None, particles, 3),
        dtype=np.float32,
        chunks=(BLOCK, min(WIDTH, particles), 3),
        track_times=False,
        **LAYOUT,
    )


def part_path(folder: Path, block: int) -> Path:
    """File of a block of frames."""
    return folder / f"block{block:06}.h5"


def part_files(folder: Path, frames: int) -> list[Path]:
    """Those files of the first `frames` frames that exist."""
    return [part for block in range(-(-frames // BLOCK)) if (part := part_path(folder, block)).exists()]


def part_length(part: Path) -> int:
    """Number of frames in a part."""
    with h5py.File(part) as file:
        return len(file["step"])
