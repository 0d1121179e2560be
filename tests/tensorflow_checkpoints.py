"""Checkpoints as TensorFlow writes them: an index, which is a sorted table of strings, and the data of all tensors."""

import numpy as np

POLYNOMIAL = 0x1EDC6F41
TYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9}


def crc32c(data):
    """Bit by bit, from the definition: the remainder of the reflected bits by the polynomial."""
    remainder = 0xFFFFFFFF
    for byte in data:
        for bit in range(8):
            top = (remainder >> 31 ^ byte >> bit) & 1
            remainder = (remainder << 1 & 0xFFFFFFFF) ^ (POLYNOMIAL if top else 0)
    return int(f"{remainder ^ 0xFFFFFFFF:032b}"[::-1], 2)


def masked(data):
    checksum = crc32c(data)
    return ((checksum >> 15 | checksum << 17 & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value):
    parts = []
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def field(number, value):
    """A field of a message: an integer, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def fixed32(number, value):
    return varint(number << 3 | 5) + value.to_bytes(4, "little")


def entry(array, place, data, changes):
    """The message about a tensor."""
    stated = {
        "dtype": TYPES[array.dtype.name],
        "shape": array.shape,
        "offset": place,
        "size": len(data),
        "checksum": masked(data),
    } | changes
    shape = b"".join(field(2, field(1, width)) for width in stated["shape"])
    return (
        field(1, stated["dtype"])
        + field(2, shape)
        + field(4, stated["offset"])
        + field(5, stated["size"])
        + fixed32(6, stated["checksum"])
    )


def block(entries, interval=16):
    """Entries whose keys share what they begin with; every so many keys are written whole."""
    parts, restarts, before = b"", [], b""
    for number, (key, value) in enumerate(entries):
        shared = 0
        if number % interval == 0:
            restarts.append(len(parts))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        parts += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    restarts = restarts or [0]
    return parts + b"".join(place.to_bytes(4, "little") for place in (*restarts, len(restarts)))


def table(entries, *, per_block=10, compression=0):
    """A sorted table: blocks, an empty block of meta data, an index, a footer."""
    file, index = b"", []

    def append(contents):
        nonlocal file
        handle = varint(len(file)) + varint(len(contents))
        kind = bytes([compression])
        file += contents + kind + masked(contents + kind).to_bytes(4, "little")
        return handle

    ordered = sorted(entries.items())
    for start in range(0, len(ordered), per_block):
        part = ordered[start : start + per_block]
        index.append((part[-1][0], append(block(part))))
    meta, handle = append(block([])), append(block(index, interval=1))
    footer = (meta + handle).ljust(40, b"\0") + (0xDB4775248B80FB57).to_bytes(8, "little")
    return file + footer


def write_checkpoint(path, tensors, *, shards=1, compression=0, changes=None):
    """Write arrays by name; `changes` are made to what the index states of a tensor, by its name."""
    data, entries = b"", {b"": field(1, shards) + field(3, field(1, 1))}
    for name, array in sorted(tensors.items()):
        values = np.ascontiguousarray(array).tobytes()
        entries[name.encode()] = entry(array, len(data), values, (changes or {}).get(name, {}))
        data += values
    path.with_name(f"{path.name}.index").write_bytes(table(entries, compression=compression))
    path.with_name(f"{path.name}.data-00000-of-00001").write_bytes(data)
    return path
