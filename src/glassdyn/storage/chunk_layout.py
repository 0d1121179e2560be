"""How the planes of bytes lie in a chunk that `chunk_writer` made: head, stored blocks, deflated rest, checksums.

P. Deutsch, RFC 1950 and 1951.
"""

import numpy as np
from numpy.typing import NDArray

from glassdyn.liquid.compiled import compiled

__all__ = [
    "ADLER_BYTES",
    "BLOCK_HEADER_BYTES",
    "HEAD_BYTES",
    "STORED_BYTES",
    "Bytes",
    "Planes",
    "Words",
    "block_start",
    "four_planes",
]

HEAD_BYTES = 2
"""Of a zlib stream: method, window and level."""

ADLER_BYTES = 4
"""Of its checksum, the highest first."""

BLOCK_HEADER_BYTES = 5
"""Of a stored block at the start of a byte: 0 unless it is the last, its length, and the length's complement."""

STORED_BYTES = 2**16 - 1
"""Of a stored block at most."""

Bytes = NDArray[np.uint8]

Words = NDArray[np.uint32]
"""Single precision, as bits."""

Planes = tuple[Bytes, Bytes, Bytes, Bytes]
"""The bytes of all numbers by their place in the number, the lowest first."""


@compiled
def block_start(block: int, size: int) -> int:
    """Where a block begins in a chunk, behind so many stored planes of `size` bytes."""
    return HEAD_BYTES + block * (BLOCK_HEADER_BYTES + size)


@compiled
def four_planes(chunk: Bytes, rest: Bytes, stored: int, size: int) -> Planes:
    """The memory of all planes: of so many stored ones in the chunk, of the others in the rest, one behind the other."""
    return (
        _plane(0, chunk, rest, stored, size),
        _plane(1, chunk, rest, stored, size),
        _plane(2, chunk, rest, stored, size),
        _plane(3, chunk, rest, stored, size),
    )


@compiled
def _plane(place: int, chunk: Bytes, rest: Bytes, stored: int, size: int) -> Bytes:
    if place < stored:
        start = block_start(place, size) + BLOCK_HEADER_BYTES
        return chunk[start : start + size]
    return rest[(place - stored) * size :][:size]
