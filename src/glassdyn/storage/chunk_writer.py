"""Chunks of positions as HDF5 stores them, shuffled, deflated and with a checksum, made by a pool of threads.

HDF5's own filters run on one core, through zlib. The bytes made here are those of the same filters, so that any HDF5
library reads them; igzip (Intel ISA-L, package `isal`) makes them. Shuffled floats are four planes: the lowest bytes of
all numbers, then the next ones, and so on. The first planes are noise, which no compressor shortens: they become
deflate's stored blocks, which cost a copy each way. Which planes these are is decided by integers alone, and the bytes
do not depend on the number of threads.

P. Deutsch, RFC 1950 and 1951.
"""

import struct
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import reduce
from typing import NamedTuple

import h5py
import numpy as np
from isal import igzip_lib, isal_zlib
from numpy.typing import NDArray

from glassdyn.liquid.compiled import compiled, cores
from glassdyn.storage.checksum import fletcher32

__all__ = ["max_chunk_bytes", "write_chunks"]

LEVEL = 1
"""Of igzip: levels 2 and 3 save 1 % of the bytes at half the speed."""

HEADER = np.array([0x78, 0x01], np.uint8)
"""Of a zlib stream: deflate, window of 32 kB, the fastest level."""

BLOCK_HEADER = struct.Struct("<BHH")
"""Of a stored block that is not the last: 0, its length, and the length's complement."""

STORED_BYTES = 2**16 - 1
"""Of a stored block at most."""

NOISE = 512
"""A plane is noise where two bytes of it are equal with a probability of at most NOISE / 2^16, twice that of uniform bytes:
their entropy is then 7 bits at least, and Huffman's code would save an eighth of the plane at the most, 3 % of the file."""

SAMPLED = 16
"""Each how many-th frame is looked at to tell noise."""

SLOTS = 4
"""Chunks in memory for each thread."""


class Slot(NamedTuple):
    """Memory for one chunk, used again and again: fresh memory costs more than compression.

    Attributes:
        planes: (4 n,) bytes of those planes that are not noise, of n coordinates each.
        encoded: (at least as many as the chunk becomes) bytes.
    """

    planes: NDArray[np.uint8]
    encoded: NDArray[np.uint8]


def max_chunk_bytes(coordinates: int) -> int:
    """Upper bound of the bytes of a chunk of so many coordinates: igzip makes nothing longer by an eighth."""
    return 4 * (coordinates + coordinates // 8 + 64) + 64


def write_chunks(dataset: h5py.Dataset, block: NDArray[np.float32]) -> None:
    """Write the first frames of a dataset, chunk by chunk, on all cores.

    Args:
        dataset: (T, N, 3) float32 in chunks of all three coordinates; gzip, shuffle and fletcher32.
        block: (t, N, 3), t at most the frames of a chunk; the rest of the chunk is 0.
    """
    frames, particles, _ = dataset.chunks
    words = np.ascontiguousarray(block, "<f4").view("<u4").reshape(len(block), -1)  # (t, 3 N)
    threads, size = cores(), frames * particles * 3
    slots = [_new_slot(size) for _ in range(SLOTS * threads)]
    pending: deque[tuple[int, Future[NDArray[np.uint8]]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for index, first in enumerate(range(0, dataset.shape[1], particles)):
            if len(pending) == len(slots):
                _write_oldest(dataset, pending)
            slot = slots[index % len(slots)]
            pending.append(
                (first, pool.submit(_encode, words, slice(3 * first, 3 * (first + particles)), frames, slot))
            )
        while pending:
            _write_oldest(dataset, pending)


def _write_oldest(dataset: h5py.Dataset, pending: deque[tuple[int, Future[NDArray[np.uint8]]]]) -> None:
    """Write the chunk that was begun first: the order of chunks in the file is always the same."""
    first, future = pending.popleft()
    dataset.id.write_direct_chunk((0, first, 0), future.result())


def _new_slot(size: int) -> Slot:
    return Slot(np.empty(4 * size, np.uint8), np.empty(max_chunk_bytes(size), np.uint8))


def _encode(words: NDArray[np.uint32], columns: slice, frames: int, slot: Slot) -> NDArray[np.uint8]:
    """The stored bytes of the chunk of some columns, in `slot`.

    A zlib stream: header, stored blocks of noise, deflated rest, checksum of the planes; then the checksum of it all.
    """
    size = frames * (columns.stop - columns.start)
    stored = _count_noise(words[:, columns], size) if size <= STORED_BYTES else 0
    planes = [_stored_block(place, size, slot.encoded) for place in range(stored)]
    planes += [slot.planes[start : start + size] for start in range(0, (4 - stored) * size, size)]
    _shuffle(words, columns.start, columns.stop - columns.start, *planes)
    slot.encoded[: len(HEADER)] = HEADER
    rest = igzip_lib.compress(slot.planes[: (4 - stored) * size], LEVEL, igzip_lib.COMP_DEFLATE)
    end = _append(slot.encoded, len(HEADER) + stored * (BLOCK_HEADER.size + size), rest)
    adler = reduce(lambda checksum, plane: isal_zlib.adler32(plane, checksum), planes, 1)
    end = _append(slot.encoded, end, struct.pack(">I", adler))
    end = _append(slot.encoded, end, struct.pack("<I", fletcher32(slot.encoded[:end])))
    return slot.encoded[:end]


def _append(target: NDArray[np.uint8], start: int, content: bytes) -> int:
    """Put some bytes in their place; return where they end."""
    end = start + len(content)
    target[start:end] = np.frombuffer(content, np.uint8)
    return end


def _stored_block(place: int, size: int, encoded: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The memory of a plane in a stored block of its own, behind the block's header."""
    start = len(HEADER) + place * (BLOCK_HEADER.size + size)
    BLOCK_HEADER.pack_into(encoded.data, start, 0, size, size ^ STORED_BYTES)
    start += BLOCK_HEADER.size
    return encoded[start : start + size]


@compiled
def _count_noise(words: NDArray[np.uint32], size: int) -> int:
    """The planes of noise before the first that is not noise, in a chunk of `size` numbers, zeros behind the words."""
    frames, width = words.shape
    counts = np.zeros((4, 256), np.int64)
    sampled = size // SAMPLED
    counts[:, 0] = max(sampled - -(-frames // SAMPLED) * width, 0)
    for frame in range(0, frames, SAMPLED):
        for i in range(width):
            for place in range(4):
                counts[place, (words[frame, i] >> np.uint32(8 * place)) & np.uint32(255)] += 1
    for place in range(4):
        if (counts[place] ** 2).sum() * 2**16 > NOISE * sampled**2:
            return place
    return 4


@compiled
def _shuffle(
    words: NDArray[np.uint32],
    first: int,
    width: int,
    plane0: NDArray[np.uint8],
    plane1: NDArray[np.uint8],
    plane2: NDArray[np.uint8],
    plane3: NDArray[np.uint8],
) -> None:
    """Bytes of `width` columns by their place in the number; 0 beyond the last frame and the last column."""
    mask = np.uint32(255)
    for frame in range(len(words)):
        row = words[frame, first : first + width]
        start, present = frame * width, len(row)
        for plane, shift in ((plane0, 0), (plane1, 8), (plane2, 16), (plane3, 24)):
            part = plane[start : start + width]
            for i in range(present):
                part[i] = np.uint8((row[i] >> np.uint32(shift)) & mask)
            part[present:] = 0
    for plane in (plane0, plane1, plane2, plane3):
        plane[len(words) * width :] = 0
