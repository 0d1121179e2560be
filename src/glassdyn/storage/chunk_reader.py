"""Positions of some frames and particles, from chunks as HDF5 stores them, on all cores.

HDF5's own filters run on one core, through zlib. Here each thread reads whole chunks as they lie in the file, and inflates
them with igzip (Intel ISA-L, package `isal`); planes of bytes in stored blocks, see `chunk_writer`, are taken as they
are. All checksums are compared. Datasets with other filters, and chunks that cannot be read so, are for HDF5.
"""

import struct
from typing import NamedTuple

import h5py
import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from glassdyn.liquid.compiled import compiled, parallel_for
from glassdyn.storage.checksum import CHECKSUM_BYTES, fletcher32

__all__ = ["ChunkError", "has_known_filters", "read_positions"]

FILTERS = [h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_FLETCHER32]
"""In the order in which they are applied; the last may be absent."""

INFLATE_ERRORS: tuple[type[Exception], ...] = (vars(isal_zlib)["error"],)
"""The package's types call it an exception, not a class of them."""

CHUNKS = 8
"""Read by a thread at a time."""

STORED = struct.Struct("<BHH")
"""Header of a stored block at the start of a byte: 0 unless it is the last, its length, and the length's complement."""

Plane = NDArray[np.uint8]
Planes = tuple[Plane, Plane, Plane, Plane]


class ChunkError(ValueError):
    """A chunk that is damaged, or stored in another way."""


class Part(NamedTuple):
    """What a selection and a chunk share: rows and columns, of coordinates, in the chunk and in the selection."""

    chunk_row: int
    chunk_column: int
    row: int
    column: int
    rows: int
    columns: int


def has_known_filters(dataset: h5py.Dataset) -> bool:
    """Whether these are little-endian float32 in chunks of all coordinates, shuffled and deflated."""
    if not dataset.chunks or dataset.chunks[2] != 3 or dataset.dtype != np.dtype("<f4"):
        return False
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(index)[0] for index in range(properties.get_nfilters())]
    return filters in (FILTERS, FILTERS[:2])


def read_positions(dataset: h5py.Dataset, frames: slice, particles: slice, out: NDArray[np.float32]) -> None:
    """Read some frames of some particles.

    Args:
        dataset: (T, N, 3), with known filters.
        frames: t of them, without a step.
        particles: n of them, without a step.
        out: (t, n, 3) to be filled, contiguous.

    Raises:
        ChunkError: where a chunk is damaged, absent, or stored without one of the filters.
    """
    frame_range = range(dataset.shape[0])[frames]
    particle_range = range(dataset.shape[1])[particles]
    words = out.view("<u4").reshape(len(frame_range), 3 * len(particle_range))
    height, width, _ = dataset.chunks
    corners = [
        (frame, particle)
        for particle in range(particle_range.start // width * width, particle_range.stop, width)
        for frame in range(frame_range.start // height * height, frame_range.stop, height)
    ]
    origin = frame_range.start, particle_range.start
    parallel_for(
        len(corners),
        lambda first, last: _read_chunks(dataset, corners[first:last], origin, words),
        CHUNKS,
    )


def _read_chunks(
    dataset: h5py.Dataset, corners: list[tuple[int, int]], origin: tuple[int, int], words: NDArray[np.uint32]
) -> None:
    """Read the chunks at some corners into what they share with the selection."""
    height, width, _ = dataset.chunks
    size = 3 * height * width
    has_checksum = dataset.fletcher32
    memory = np.empty(5 * size + 1024, np.uint8)  # deflate makes noise longer by an eighth at the most
    for corner in corners:
        try:
            mask, chunk = dataset.id.read_direct_chunk((*corner, 0), out=memory)
        except (OSError, RuntimeError, ValueError) as error:
            raise ChunkError(f"no whole chunk at {corner}: {error}") from None
        if mask:
            raise ChunkError(f"a filter was left out at {corner}")
        stored = np.frombuffer(chunk, np.uint8)
        stored.setflags(write=False)  # as what is inflated: kernels are compiled for one kind of array
        planes = _inflate(stored, size, has_checksum=has_checksum)
        _unshuffle(*planes, 3 * width, words, _intersect(corner, (height, width), origin, words.shape))


def _intersect(
    corner: tuple[int, int], chunk: tuple[int, int], origin: tuple[int, int], shape: tuple[int, ...]
) -> Part:
    row, column = corner[0] - origin[0], 3 * (corner[1] - origin[1])
    chunk_row, chunk_column = max(-row, 0), max(-column, 0)
    rows = min(chunk[0], shape[0] - row) - chunk_row
    columns = min(3 * chunk[1], shape[1] - column) - chunk_column
    return Part(chunk_row, chunk_column, max(row, 0), max(column, 0), rows, columns)


def _inflate(chunk: NDArray[np.uint8], size: int, *, has_checksum: bool) -> Planes:
    """The four planes of a chunk: views of it as far as they lie in stored blocks at its beginning."""
    if has_checksum:
        chunk, checksum = chunk[:-CHECKSUM_BYTES], chunk[-CHECKSUM_BYTES:]
        _require(struct.pack("<I", fletcher32(chunk)) == checksum.tobytes(), "its checksum")
    head, stream, adler = chunk[:2].tobytes(), chunk[2:-4], chunk[-4:].tobytes()
    # RFC 1950: deflate, no dictionary, a multiple of 31
    _require(len(head) == 2 and head[0] & 15 == 8 and not head[1] & 32, "its header")
    _require(int.from_bytes(head) % 31 == 0, "its header")
    stored = _count_stored(stream, size)
    rest_bytes = (4 - stored) * size
    try:
        rest = isal_zlib.decompress(
            stream[stored * (STORED.size + size) :], -isal_zlib.MAX_WBITS, rest_bytes or 1
        )
    except INFLATE_ERRORS as error:
        raise ChunkError(f"a chunk cannot be inflated: {error}") from None
    _require(len(rest) == rest_bytes, "its length")
    blocks = [stream[STORED.size :][place * (STORED.size + size) :][:size] for place in range(stored)]
    blocks += list(np.frombuffer(rest, np.uint8).reshape(4 - stored, size))
    _require(struct.pack(">I", _adler32(blocks)) == adler, "its checksum")
    return blocks[0], blocks[1], blocks[2], blocks[3]


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ChunkError(f"a chunk is damaged: {what} is not that of its contents")


def _count_stored(stream: NDArray[np.uint8], size: int) -> int:
    """The planes at the beginning of a deflate stream that are stored blocks."""
    if size >= 2**16:
        return 0
    header = STORED.pack(0, size, size ^ 0xFFFF)
    step = STORED.size + size
    for place in range(4):
        if stream[place * step :][: STORED.size].tobytes() != header:
            return place
    return 4


def _adler32(blocks: list[Plane]) -> int:
    checksum = 1
    for block in blocks:
        checksum = isal_zlib.adler32(block, checksum)
    return checksum


@compiled
def _unshuffle(
    plane0: Plane,
    plane1: Plane,
    plane2: Plane,
    plane3: Plane,
    width: int,
    words: NDArray[np.uint32],
    part: Part,
) -> None:
    """Put numbers together from their bytes, `width` coordinates of the chunk in a frame."""
    for k in range(part.rows):
        start = (part.chunk_row + k) * width + part.chunk_column
        stop = start + part.columns
        low, second, third, high = (
            plane0[start:stop],
            plane1[start:stop],
            plane2[start:stop],
            plane3[start:stop],
        )
        row = words[part.row + k, part.column : part.column + part.columns]
        for i in range(part.columns):
            lower = np.uint32(low[i]) | (np.uint32(second[i]) << np.uint32(8))
            row[i] = lower | (np.uint32(third[i]) << np.uint32(16)) | (np.uint32(high[i]) << np.uint32(24))
