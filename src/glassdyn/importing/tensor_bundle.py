"""Tensors by name from a checkpoint of TensorFlow, without TensorFlow: `<name>.index` and `<name>.data-00000-of-00001`.

The index is a sorted table of strings (that of LevelDB): blocks of entries, a block that lists them, and a footer of 48
bytes. Its values are messages of Protocol Buffers: of each tensor type, shape, place and size in the data file, and
checksum. Every length and place is compared with what there is before it is used, and checksums are those of CRC-32C.

Source: https://github.com/google/leveldb/blob/main/doc/table_format.md; tensorflow/core/protobuf/tensor_bundle.proto and
tensorflow/core/lib/io/table_format.txt.
"""

import math
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.importing.protocol_buffers import Message, parse_message, read_varint
from glassdyn.importing.source import ImportingError

__all__ = ["crc32c", "read_tensors"]

FOOTER, MAGIC = 48, 0xDB4775248B80FB57
TRAILER = 5
"""Bytes behind a block: how it is compressed, and its checksum."""

MAX_INDEX, MAX_DATA = 2**26, 2**31
"""Bytes, far beyond those of the networks of this field."""

MAX_TENSORS, MAX_NAME = 10**5, 2**10
"""Number of tensors, and bytes of a name: names share what they begin with, and so may be many more than the index."""

TYPES: Mapping[int, np.dtype[np.generic]] = {
    1: np.dtype("<f4"),
    2: np.dtype("<f8"),
    3: np.dtype("<i4"),
    9: np.dtype("<i8"),
}
"""DT_FLOAT, DT_DOUBLE, DT_INT32, DT_INT64."""


class Entry(NamedTuple):
    """Where a tensor lies.

    Attributes:
        dtype: of its numbers, in TensorFlow's enumeration.
        shape: of the array.
        offset: first byte in the data file.
        size: bytes.
        checksum: masked CRC-32C of them.
    """

    dtype: int
    shape: tuple[int, ...]
    offset: int
    size: int
    checksum: int


class Handle(NamedTuple):
    """Where a block of the index lies: its first byte, and how many there are before its trailer."""

    start: int
    size: int


def read_tensors(index: Path) -> dict[str, NDArray[np.generic]]:
    """Read all tensors of numbers of a checkpoint; those of other types are left out.

    Args:
        index: the file <name>.index; the data lie beside it.

    Raises:
        ImportingError: for a file that is absent, damaged, or of a kind that is not read: several data files, blocks
            that are compressed, the other order of bytes.
    """
    entries = dict(islice(_entries(_load(index, MAX_INDEX), index), MAX_TENSORS + 1))
    if len(entries) > MAX_TENSORS:
        raise ImportingError(f"a checkpoint has at most {MAX_TENSORS} tensors: {index} has more")
    header = parse_message(entries.pop("", b""), str(index))
    shards, big_endian = header.number(1, 0), header.number(2, 0)
    if shards != 1 or big_endian:
        raise ImportingError(
            f"a checkpoint has one data file, in the order of bytes of x86: got {shards} files, order {big_endian} "
            f"({index}); save it anew"
        )
    path = index.with_suffix(".data-00000-of-00001")
    data = _load(path, MAX_DATA)
    parsed = {name: _parse_entry(parse_message(value, f"{index}, {name}")) for name, value in entries.items()}
    numbers = {name: entry for name, entry in parsed.items() if entry.dtype in TYPES}
    claimed = sum(entry.size for entry in numbers.values())
    if claimed > len(data):
        raise ImportingError(
            f"a tensor fills its bytes, which no other has: got {claimed} of {len(data)} ({path}); copy the checkpoint anew"
        )
    return {name: _tensor(data, entry, f"{path}, {name}") for name, entry in numbers.items()}


def _load(path: Path, most: int) -> bytes:
    try:
        size = path.stat().st_size
        if size > most:
            raise ImportingError(f"a checkpoint is smaller than {most} bytes: {path} has {size}")
        return path.read_bytes()
    except OSError as error:
        raise ImportingError(f"a checkpoint has an index and data: {path}: {error.strerror}") from None


def _entries(data: bytes, path: Path) -> Iterator[tuple[str, bytes]]:
    """Keys and values of all blocks, in the order of the table."""
    footer = data[-FOOTER:]
    if len(footer) < FOOTER or int.from_bytes(footer[-8:], "little") != MAGIC:
        raise ImportingError(f"{path} is truncated, or no index of a checkpoint (.index); copy it anew")
    place = 0
    for _ in range(2):  # the block of meta data, which is empty, and its size
        _, place = read_varint(footer, place, str(path))
    last = Handle(0, 0)
    for _, bytes_of_handle in _read_block(data, _parse_handle(footer[place:], path), path):
        handle = _parse_handle(bytes_of_handle, path)
        if handle.start < last.start + last.size:  # no byte is read twice
            raise _damaged(path)
        for key, value in _read_block(data, handle, path):
            yield _decode(key, path), value
        last = handle


def _parse_handle(data: bytes, path: Path) -> Handle:
    start, place = read_varint(data, 0, str(path))
    size, _ = read_varint(data, place, str(path))
    return Handle(start, size)


def _read_block(data: bytes, handle: Handle, path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Entries of a block: each states how much of the key before it its own key begins with."""
    block = _block(data, handle, path)
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (restarts + 1)
    place, key = 0, b""
    while place < end:
        lengths = []
        for _ in range(3):
            length, place = read_varint(block, place, str(path))
            lengths.append(length)
        shared, own, size = lengths
        if shared > len(key) or shared + own > MAX_NAME or place + own + size > end:
            raise _damaged(path)
        key = key[:shared] + block[place : place + own]
        yield key, block[place + own : place + own + size]
        place += own + size
    if place != end:
        raise _damaged(path)


def _block(data: bytes, handle: Handle, path: Path) -> bytes:
    start, size = handle
    trailer = data[start + size : start + size + TRAILER]
    if size < 4 or start + size + TRAILER > len(data) - FOOTER:
        raise _damaged(path)
    if trailer[0] != 0:
        raise ImportingError(
            f"blocks of a checkpoint's index are not compressed: {path} has others; save it anew"
        )
    if _mask(crc32c(data[start : start + size + 1])) != int.from_bytes(trailer[1:], "little"):
        raise _damaged(path)
    return data[start : start + size]


def _parse_entry(message: Message) -> Entry:
    shape = message.message(2)
    return Entry(
        dtype=message.number(1, 0),
        shape=tuple(part.number(1, 0) for part in shape.messages(2)),
        offset=message.number(4, 0),
        size=message.number(5, 0),
        checksum=message.number(6, 0),
    )


def _tensor(data: bytes, entry: Entry, where: str) -> NDArray[np.generic]:
    dtype = TYPES[entry.dtype]
    if entry.size != math.prod(entry.shape) * dtype.itemsize or entry.offset + entry.size > len(data):
        raise ImportingError(
            f"a tensor fills its bytes: got the shape {entry.shape} of {dtype} in {entry.size} bytes at {entry.offset} "
            f"of {len(data)} ({where}); copy the checkpoint anew"
        )
    values = data[entry.offset : entry.offset + entry.size]
    if _mask(crc32c(values)) != entry.checksum:
        raise ImportingError(f"a tensor is damaged: its checksum differs ({where}); copy the checkpoint anew")
    try:
        return np.frombuffer(values, dtype).reshape(entry.shape)
    except ValueError as error:
        raise ImportingError(
            f"a tensor has a shape of NumPy: got {len(entry.shape)} dimensions, {error} ({where})"
        ) from None


def _decode(key: bytes, path: Path) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError:
        raise _damaged(path) from None


def _damaged(path: Path) -> ImportingError:
    return ImportingError(f"{path} is damaged: its blocks contradict themselves; copy it anew")


def _make_table() -> tuple[int, ...]:
    """Remainders of all bytes by the polynomial of CRC-32C, its bits reversed."""
    remainders = []
    for byte in range(256):
        remainder = byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (0x82F63B78 if remainder & 1 else 0)
        remainders.append(remainder)
    return tuple(remainders)


TABLE = _make_table()


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli) of bytes. Source: RFC 3720, appendix B.4."""
    remainder = 0xFFFFFFFF
    for byte in data:
        remainder = TABLE[(remainder ^ byte) & 0xFF] ^ remainder >> 8
    return remainder ^ 0xFFFFFFFF


def _mask(checksum: int) -> int:
    """A checksum as it is stored: that of data which hold checksums themselves would be weak."""
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF
