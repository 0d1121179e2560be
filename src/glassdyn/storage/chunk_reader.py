"""Positions of some frames and particles, from chunks as HDF5 stores them, on all cores.

HDF5's own filters run on one core, through zlib. Here each thread reads whole chunks by the descriptor of the file, at
places that HDF5 names once, and inflates them with igzip (Intel ISA-L, package `isal`); planes of bytes in stored
blocks, see `chunk_writer`, go from the file's bytes straight into the numbers. Python does little for a chunk, so that
threads do not wait for each other. Datasets with other filters, and chunks that cannot be read so, are for HDF5.
"""

import os
from collections.abc import Callable
from functools import reduce

import h5py
import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from glassdyn.liquid.compiled import compiled, parallel_for
from glassdyn.storage.checksum import CHECKSUM_BYTES, fletcher32
from glassdyn.storage.chunk_layout import (
    ADLER_BYTES,
    BLOCK_HEADER_BYTES,
    HEAD_BYTES,
    STORED_BYTES,
    Bytes,
    Planes,
    Words,
    block_start,
    four_planes,
)

__all__ = ["ChunkError", "ChunkReader"]

FILTERS = [h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_FLETCHER32]
"""In the order in which they are applied; the last may be absent."""

INFLATE_ERRORS: tuple[type[Exception], ...] = (vars(isal_zlib)["error"],)
"""The package's types call it an exception, not a class of them."""

SHORTEST = HEAD_BYTES + ADLER_BYTES + CHECKSUM_BYTES
"""Bytes of a chunk at least."""

DAMAGED = -1
"""In place of a number of planes."""

ROWS = 8
"""Of a chunk that are transposed at a time."""

PutWords = Callable[[Bytes, Bytes, int, int, int, Words, int, int], None]


class ChunkError(ValueError):
    """A chunk that is damaged, or stored in another way."""


class ChunkReader:
    """Reads positions of a dataset.

    Args:
        dataset: (T, N, 3), of a file that nobody writes.

    Raises:
        ChunkError: for other numbers than little-endian float32, other filters than shuffle and deflate, chunks that do
            not hold all coordinates or were never written, or a file with a head that is not HDF5's.
    """

    def __init__(self, dataset: h5py.Dataset) -> None:
        _require_filters(dataset)
        self._rows, self._columns = dataset.shape[0], 3 * dataset.shape[1]
        self._height, self._width = dataset.chunks[0], 3 * dataset.chunks[1]
        self._has_checksum = bool(dataset.fletcher32)
        grid = -(-self._rows // self._height), -(-self._columns // self._width)
        self._find_chunks(dataset, grid)

    def read(self, frames: slice, particles: slice, out: NDArray[np.float32]) -> None:
        """Read some frames of some particles.

        Args:
            frames: t of them, without a step.
            particles: n of them, without a step.
            out: (t, n, 3) to be filled, contiguous.

        Raises:
            ChunkError: where a chunk is damaged, or stored without one of the filters.
        """
        rows, columns = range(self._rows)[frames], self._columns_of(particles)
        self._read(rows, columns, out.view("<u4").reshape(len(rows), len(columns)), _put_frames)

    def read_tracks(self, particles: slice, out: NDArray[np.float32]) -> None:
        """Read all frames of some particles, each after the other; `out`: (n, 3, T). Otherwise as `read`."""
        columns = self._columns_of(particles)
        self._read(range(self._rows), columns, out.view("<u4").reshape(len(columns), self._rows), _put_tracks)

    def _columns_of(self, particles: slice) -> range:
        numbers = range(self._columns // 3)[particles]
        return range(3 * numbers.start, 3 * numbers.stop)

    def _read(self, rows: range, columns: range, words: Words, put: PutWords) -> None:
        """Read the numbers in some rows and columns of the dataset, all coordinates of a frame in a row."""
        if not (rows and columns):
            return
        places = [
            (row, column)
            for column in range(columns.start // self._width, -(-columns.stop // self._width))
            for row in range(rows.start // self._height, -(-rows.stop // self._height))
        ]

        def work(first: int, last: int) -> None:
            # deflate makes noise longer by an eighth at the most
            memory = np.empty(5 * self._height * self._width + 1024, np.uint8)
            for row, column in places[first:last]:
                corner = row * self._height - rows.start, column * self._width - columns.start
                put(*self._planes(row, column, memory), self._height, self._width, words, *corner)

        parallel_for(len(places), work)

    def _find_chunks(self, dataset: h5py.Dataset, grid: tuple[int, int]) -> None:
        """Remember the file, and where in it chunks lie; a size of 0 is that of one which HDF5 must read."""
        file = dataset.file
        try:
            if (
                file.driver != "sec2"
                or file.userblock_size
                or dataset.id.get_num_chunks() != grid[0] * grid[1]
            ):
                raise ChunkError("a file with a head of its own, or without some of its chunks")
            self._descriptor = int(file.id.get_vfd_handle())
            self._offsets, self._sizes = np.zeros(grid, np.int64), np.zeros(grid, np.int64)
            dataset.id.chunk_iter(self._note)
        except (OSError, RuntimeError, OverflowError) as error:
            raise ChunkError(f"the index of chunks is damaged: {error}") from None

    def _note(self, chunk: h5py.h5d.StoreInfo) -> None:
        frame, particle, _ = chunk.chunk_offset
        if frame < self._rows and 3 * particle < self._columns and not chunk.filter_mask:
            place = frame // self._height, 3 * particle // self._width
            self._offsets[place], self._sizes[place] = chunk.byte_offset, chunk.size

    def _planes(self, row: int, column: int, memory: Bytes) -> tuple[Bytes, Bytes, int]:
        """A chunk, the planes that were inflated from it, and the number of those that are stored in it."""
        chunk, size = self._load(row, column, memory), self._height * self._width
        stored = _count_stored(chunk, size, self._has_checksum)
        return chunk, _inflate(chunk, stored, size, self._has_checksum), stored

    def _load(self, row: int, column: int, memory: Bytes) -> Bytes:
        """The stored bytes of a chunk."""
        length = self._sizes[row, column]
        if not SHORTEST <= length <= len(memory):
            raise ChunkError(f"a chunk has {length} bytes, or was stored without one of the filters")
        chunk = memory[:length]
        if os.preadv(self._descriptor, [chunk.data], self._offsets[row, column]) != length:
            raise ChunkError("a chunk lies beyond the end of the file")
        chunk.setflags(write=False)  # as what is inflated: kernels are compiled for one kind of array
        return chunk


def _require_filters(dataset: h5py.Dataset) -> None:
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(index)[0] for index in range(properties.get_nfilters())]
    if filters not in (FILTERS, FILTERS[:2]) or dataset.dtype != np.dtype("<f4") or dataset.chunks[2] != 3:
        raise ChunkError(
            f"other numbers or filters: {dataset.dtype} in chunks of {dataset.chunks}, filters {filters}"
        )


def _inflate(chunk: Bytes, stored: int, size: int, has_checksum: bool) -> Bytes:
    """The planes of a chunk behind those that are stored.

    Fletcher's sum of all bytes, Adler's among them, has been compared where there is one; else Adler's sum is.
    """
    if stored == DAMAGED:
        raise ChunkError("a chunk is damaged: its head or its checksum is not that of its contents")
    stop = len(chunk) - ADLER_BYTES - CHECKSUM_BYTES * has_checksum
    length = (4 - stored) * size
    try:
        rest = isal_zlib.decompress(
            chunk[block_start(stored, size) : stop], -isal_zlib.MAX_WBITS, length or 1
        )
    except INFLATE_ERRORS as error:
        raise ChunkError(f"a chunk cannot be inflated: {error}") from None
    if len(rest) != length:
        raise ChunkError(f"a chunk is damaged: it holds {len(rest)} bytes, not {length}")
    if not has_checksum:
        planes = [chunk[block_start(plane, size) + BLOCK_HEADER_BYTES :][:size] for plane in range(stored)]
        adler = reduce(lambda checksum, plane: isal_zlib.adler32(plane, checksum), [*planes, rest], 1)
        if adler.to_bytes(ADLER_BYTES) != chunk[stop:].tobytes():
            raise ChunkError("a chunk is damaged: its checksum is not that of its contents")
    return np.frombuffer(rest, np.uint8)


@compiled
def _count_stored(chunk: Bytes, size: int, has_checksum: bool) -> int:
    """The planes in stored blocks at the beginning of a chunk; `DAMAGED` where its head or Fletcher's sum is wrong."""
    end = len(chunk) - ADLER_BYTES - CHECKSUM_BYTES * has_checksum
    # RFC 1950: deflate, no dictionary, a multiple of 31
    if chunk[0] & 15 != 8 or chunk[1] & 32 or (256 * np.int64(chunk[0]) + chunk[1]) % 31:
        return DAMAGED
    if has_checksum and not _has_checksum(chunk):
        return DAMAGED
    stored = 0
    while stored < 4 and _is_stored(chunk[block_start(stored, size) : end], size):
        stored += 1
    return stored


@compiled
def _has_checksum(chunk: Bytes) -> bool:
    """Whether the last bytes are Fletcher's sum of the others."""
    content, stated = chunk[:-CHECKSUM_BYTES], np.int64(0)
    for k in range(CHECKSUM_BYTES):  # the lowest byte first
        stated |= np.int64(chunk[len(content) + k]) << 8 * k
    return bool(fletcher32(content) == stated)


@compiled
def _is_stored(stream: Bytes, size: int) -> bool:
    """Whether a deflate stream begins with a stored block of this size that is not its last."""
    if len(stream) < BLOCK_HEADER_BYTES + size or size > STORED_BYTES or stream[0]:
        return False
    has_length = stream[1] == size & 255 and stream[2] == size >> 8
    return bool(has_length and stream[1] ^ stream[3] == 255 and stream[2] ^ stream[4] == 255)


@compiled
def _put_frames(
    chunk: Bytes, rest: Bytes, stored: int, height: int, width: int, words: Words, row: int, column: int
) -> None:
    """Put the numbers of a chunk in their places.

    Args:
        chunk: with so many `stored` planes.
        rest: the planes behind them, inflated.
        stored: their number.
        height: rows of the chunk, frames.
        width: numbers in a row.
        words: (rows, columns) to be filled where the chunk lies.
        row: of the words that the chunk's first row is; it may lie before them, and others behind.
        column: likewise.
    """
    planes = four_planes(chunk, rest, stored, height * width)
    left, right = max(column, 0), min(column + width, words.shape[1])
    for k in range(max(row, 0), min(row + height, len(words))):
        start = (k - row) * width - column
        _put_row(planes, start + left, words[k, left:right])


@compiled
def _put_tracks(
    chunk: Bytes, rest: Bytes, stored: int, height: int, width: int, words: Words, row: int, column: int
) -> None:
    """Put the numbers of a chunk in their places in words of the shape (columns, rows), otherwise as `_put_frames`.

    Few rows at a time are put together where they stay in the fastest cache.
    """
    planes = four_planes(chunk, rest, stored, height * width)
    left, right = max(column, 0), min(column + width, len(words))
    top, bottom = max(row, 0), min(row + height, words.shape[1])
    buffer = np.empty((ROWS, right - left), np.uint32)
    for first in range(top, bottom, ROWS):
        count = min(ROWS, bottom - first)
        for k in range(count):
            _put_row(planes, (first + k - row) * width - column + left, buffer[k])
        for i in range(right - left):
            track = words[left + i, first : first + count]
            if count == ROWS:  # which is known beforehand: the machine's code has no loop
                for k in range(ROWS):
                    track[k] = buffer[k, i]
            else:
                for k in range(count):
                    track[k] = buffer[k, i]


@compiled
def _put_row(planes: Planes, start: int, row: Words) -> None:
    """Put numbers together from their bytes, those from `start` on."""
    stop = start + len(row)
    low, second, third, high = (
        planes[0][start:stop],
        planes[1][start:stop],
        planes[2][start:stop],
        planes[3][start:stop],
    )
    for i in range(len(row)):
        lower = np.uint32(low[i]) | (np.uint32(second[i]) << np.uint32(8))
        row[i] = lower | (np.uint32(third[i]) << np.uint32(16)) | (np.uint32(high[i]) << np.uint32(24))
