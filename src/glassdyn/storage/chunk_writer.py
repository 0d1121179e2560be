"""Chunks of positions as HDF5 stores them, shuffled, deflated and with a checksum, made by a pool of threads.

HDF5's own filters run on one core, through zlib. The bytes made here are those of the same filters, so that any HDF5
library reads them; igzip (Intel ISA-L, package `isal`) makes them. Shuffled floats are four planes: the lowest bytes of
all numbers, then the next ones, and so on. The first planes are noise, which no compressor shortens: they become
deflate's stored blocks, which cost a copy each way. Which planes these are is decided by integers alone, and the bytes
do not depend on the number of threads.

P. Deutsch, RFC 1950 and 1951.
"""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import reduce
from typing import NamedTuple

import h5py
import numpy as np
from isal import igzip_lib, isal_zlib
from numpy.typing import NDArray

from glassdyn.liquid.compiled import compiled, cores
from glassdyn.storage.checksum import CHECKSUM_BYTES, fletcher32
from glassdyn.storage.chunk_layout import (
    ADLER_BYTES,
    BLOCK_HEADER_BYTES,
    STORED_BYTES,
    Bytes,
    Words,
    block_start,
    four_planes,
)

__all__ = ["max_chunk_bytes", "write_chunks"]

LEVEL = 1
"""Of igzip: levels 2 and 3 save 1 % of the bytes at half the speed."""

NOISE = 512
"""A plane is noise where two bytes of it are equal with a probability of at most NOISE / 2^16, twice that of uniform bytes:
their entropy is then 7 bits at least, and Huffman's code would save an eighth of the plane at the most, 3 % of the file."""

SAMPLED = 16
"""Each how many-th frame is looked at to tell noise."""

CHUNKS = 8
"""That a thread encodes one after the other: to hand over each by itself takes a tenth to a third more processor time."""

TASKS = 2
"""In memory for each thread: one is encoded while another is written."""


class Slot(NamedTuple):
    """Memory for one chunk, used again and again: fresh memory costs more than compression.

    Attributes:
        planes: (4 n,) bytes of those planes that are not noise, of n coordinates each.
        encoded: (at least as many as the chunk becomes) bytes.
    """

    planes: Bytes
    encoded: Bytes


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
    firsts = range(0, dataset.shape[1], particles)
    threads, size = cores(), frames * particles * 3
    memories = [[_new_slot(size) for _ in firsts[:CHUNKS]] for _ in range(TASKS * threads)]
    pending: deque[tuple[range, Future[list[Bytes]]]] = deque()

    def encode(some: range, slots: list[Slot]) -> list[Bytes]:
        return [
            _encode(words, 3 * first, 3 * particles, frames, slot)
            for first, slot in zip(some, slots, strict=False)
        ]

    with ThreadPoolExecutor(threads) as pool:
        for index, start in enumerate(range(0, len(firsts), CHUNKS)):
            if len(pending) == len(memories):
                _write_oldest(dataset, pending)
            some = firsts[start : start + CHUNKS]
            pending.append((some, pool.submit(encode, some, memories[index % len(memories)])))
        while pending:
            _write_oldest(dataset, pending)


def _write_oldest(dataset: h5py.Dataset, pending: deque[tuple[range, Future[list[Bytes]]]]) -> None:
    """Write the chunks that were begun first: the order of chunks in the file is always the same."""
    firsts, future = pending.popleft()
    for first, chunk in zip(firsts, future.result(), strict=True):
        dataset.id.write_direct_chunk((0, first, 0), chunk)


def _new_slot(size: int) -> Slot:
    return Slot(np.empty(4 * size, np.uint8), np.empty(max_chunk_bytes(size), np.uint8))


def _encode(words: Words, first: int, width: int, frames: int, slot: Slot) -> Bytes:
    """The stored bytes of the chunk of `width` columns of the words from the first on, in `slot`.

    A zlib stream: head, stored blocks of noise, deflated rest, checksum of the planes; then the checksum of it all.
    """
    size = frames * width
    stored = _shuffle(words, first, width, size, slot.planes, slot.encoded)
    rest = slot.planes[: (4 - stored) * size]
    deflated = igzip_lib.compress(rest, LEVEL, igzip_lib.COMP_DEFLATE)
    planes = [slot.encoded[block_start(place, size) + BLOCK_HEADER_BYTES :][:size] for place in range(stored)]
    adler = reduce(lambda checksum, plane: isal_zlib.adler32(plane, checksum), [*planes, rest], 1)
    stop = _finish(slot.encoded, block_start(stored, size), np.frombuffer(deflated, np.uint8), adler)
    return slot.encoded[:stop]


@compiled
def _shuffle(words: Words, first: int, width: int, size: int, planes: Bytes, encoded: Bytes) -> int:
    """Put the bytes of a chunk by their place in the number: planes of noise in stored blocks behind the chunk's head.

    Args:
        words: (t, 3 N).
        first: column of the words that is the chunk's first.
        width: columns of the chunk; it is 0 beyond the last column and the last frame of the words.
        size: of the chunk, and so of a plane.
        planes: to be filled with the planes that are not noise.
        encoded: to be filled with the head of the chunk and with the others.

    Returns:
        The number of the others.
    """
    stored = _count_noise(words, first, width, size) if size <= STORED_BYTES else 0
    encoded[0], encoded[1] = 0x78, 0x01  # deflate, a window of 32 kB, the fastest level
    for place in range(stored):
        start = block_start(place, size)
        head = 0, size & 255, size >> 8, ~size & 255, ~size >> 8 & 255  # not the last; length and complement
        for k in range(BLOCK_HEADER_BYTES):
            encoded[start + k] = head[k]
    low, second, third, high = four_planes(encoded, planes, stored, size)
    for frame in range(len(words)):
        row, part = words[frame, first : first + width], slice(frame * width, (frame + 1) * width)
        _split_row(row, low[part], second[part], third[part], high[part])
    for plane in (low, second, third, high):
        plane[len(words) * width :] = 0
    return stored


@compiled
def _split_row(row: Words, low: Bytes, second: Bytes, third: Bytes, high: Bytes) -> None:
    """Split numbers into their bytes; 0 behind the last number."""
    content = row.view(np.uint8)
    for i in range(len(row)):
        low[i], second[i] = content[4 * i], content[4 * i + 1]
        third[i], high[i] = content[4 * i + 2], content[4 * i + 3]
    for part in (low, second, third, high):
        part[len(row) :] = 0


@compiled
def _count_noise(words: Words, first: int, width: int, size: int) -> int:
    """The planes of noise before the first that is not noise."""
    counts, sampled, present = np.zeros((4, 256), np.int64), size // SAMPLED, 0
    for frame in range(0, len(words), SAMPLED):
        row = words[frame, first : first + width]
        present += len(row)
        for i in range(len(row)):
            for place in range(4):
                counts[place, (row[i] >> np.uint32(8 * place)) & np.uint32(255)] += 1
    counts[:, 0] += max(sampled - present, 0)
    for place in range(4):
        if (counts[place] ** 2).sum() * 2**16 > NOISE * sampled**2:
            return place
    return 4


@compiled
def _finish(encoded: Bytes, start: int, deflated: Bytes, adler: int) -> int:
    """Put the deflated planes and both checksums behind the stored ones; return where the chunk ends."""
    stop = start + len(deflated)
    encoded[start:stop] = deflated
    for k in range(ADLER_BYTES):  # the highest byte first
        encoded[stop + k] = adler >> 8 * (ADLER_BYTES - 1 - k) & 255
    stop += ADLER_BYTES
    checksum = fletcher32(encoded[:stop])
    for k in range(CHECKSUM_BYTES):  # the lowest byte first
        encoded[stop + k] = checksum >> 8 * k & 255
    return stop + CHECKSUM_BYTES
