"""The file format of a trajectory, H5MD 1.1, and of the parts that it is put together from.

de Buyl, Colberg, Hoefling, Comput. Phys. Commun. 185, 1546 (2014); https://nongnu.org/h5md
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.storage.hdf5 import group, large_file, small_file

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
"""Particles of a chunk: with `BLOCK`, 197 kB, which a filter takes in one go."""

LAYOUT_VERSION = "1"
"""Of what is written here; the package's own version would change bytes that nothing else changes."""

LAYOUT = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}


class TrajectoryError(GlassdynError):
    """A trajectory, or a frame for one, that breaks a rule."""


@dataclass(frozen=True)
class TrajectoryHeader:
    """What a trajectory holds besides its frames.

    Attributes:
        species: (N,) 0 for A, 1 for B.
        box_length: L, units of sigma_AA.
        timestep: units of tau.
        metadata: numbers and words about the run.
        observables: names of the numbers recorded with every frame.
    """

    species: NDArray[np.uint8]
    box_length: float
    timestep: float
    metadata: Mapping[str, Any]
    observables: tuple[str, ...]


def write_part(
    path: Path, steps: NDArray[np.int64], block: NDArray[np.float32], observed: NDArray[np.float64]
) -> None:
    """Write one block of frames, atomically.

    Args:
        path: the part.
        steps: (T,).
        block: (T, N, 3), T <= `BLOCK`.
        observed: (T, number of observables).
    """
    with small_file(path) as file:
        file.create_dataset("step", data=steps, track_times=False)
        file.create_dataset("observables", data=observed, track_times=False)
        _positions(file, len(steps), block.shape[1])[:] = block


def assemble(path: Path, parts: list[Path], content: TrajectoryHeader) -> None:
    """Put the parts of a trajectory together as one H5MD file, atomically.

    Compressed chunks are copied as they are: the speed is the disk's.

    Raises:
        TrajectoryError: where there is no frame.
    """
    lengths = [part_length(part) for part in parts]
    if not sum(lengths):
        raise TrajectoryError(f"a trajectory has at least one frame: got none for {path}")
    with large_file(path, _most(parts)) as file:
        _describe(file, content)
        position = group(file, "particles/all/position")
        value = _positions(position, sum(lengths), len(content.species), "value")
        steps = np.empty(sum(lengths), np.int64)
        observed = np.empty((sum(lengths), len(content.observables)))
        for block, part in enumerate(parts):
            first = block * BLOCK
            with h5py.File(part) as source:
                steps[first : first + lengths[block]] = source["step"][:]
                observed[first : first + lengths[block]] = source["observables"][:]
                _copy_chunks(source["value"], value, first)
        position.create_dataset("step", data=steps, track_times=False)
        position.create_dataset("time", data=steps * content.timestep, track_times=False)
        _describe_box(file, content, position)
        for name, values in zip(content.observables, observed.T, strict=True):
            observable = group(file, f"observables/{name}")
            observable.create_dataset("value", data=values, track_times=False)
            observable["step"], observable["time"] = position["step"], position["time"]


def _most(parts: list[Path]) -> int:
    """Bytes that are enough for the file made of these parts, which hold all but times and box."""
    frames = len(parts) * BLOCK
    return sum(part.stat().st_size for part in parts) + 64 * frames + 2**20


def _copy_chunks(source: h5py.Dataset, target: h5py.Dataset, first: int) -> None:
    for particle in range(0, source.shape[1], source.chunks[1]):
        filters, chunk = source.id.read_direct_chunk((0, particle, 0))
        target.id.write_direct_chunk((first, particle, 0), chunk, filters)


def _describe(file: h5py.File, content: TrajectoryHeader) -> None:
    h5md = group(file, "h5md")
    h5md.attrs["version"] = np.array([1, 1], np.int32)
    group(h5md, "author").attrs["name"] = "glassdyn"
    creator = group(h5md, "creator")
    creator.attrs["name"], creator.attrs["version"] = "glassdyn", LAYOUT_VERSION
    run = group(file, "parameters/run")
    for key, entry in sorted({**content.metadata, "timestep": content.timestep}.items()):
        run.attrs[key] = entry
    particles = group(file, "particles/all")
    particles.create_dataset("species", data=content.species, track_times=False)


def _describe_box(file: h5py.File, content: TrajectoryHeader, position: h5py.Group) -> None:
    """The cubic box, at every frame, because MDAnalysis reads no other form."""
    box = group(file, "particles/all/box")
    box.attrs["dimension"] = 3
    box.attrs.create("boundary", ["periodic"] * 3, dtype=h5py.string_dtype("ascii", 8))
    edges = group(box, "edges")
    frames = len(position["step"])
    edges.create_dataset("value", data=np.full((frames, 3), content.box_length), track_times=False, **LAYOUT)
    edges["step"], edges["time"] = position["step"], position["time"]


def _positions(parent: h5py.Group, frames: int, particles: int, name: str = "value") -> h5py.Dataset:
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
    """Those of the files of the first `frames` frames that are there."""
    return [part for block in range(-(-frames // BLOCK)) if (part := part_path(folder, block)).exists()]


def part_length(part: Path) -> int:
    """The frames in a part."""
    with h5py.File(part) as file:
        return len(file["step"])
