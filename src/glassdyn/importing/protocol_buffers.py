"""The wire format of Protocol Buffers, as far as small messages need it: fields by number, lengths checked.

Source: https://protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from glassdyn.importing.source import ImportingError

__all__ = ["Message", "parse_message", "read_varint"]

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Kinds of values on the wire."""

SIZES = {FIXED64: 8, FIXED32: 4}


class Message(NamedTuple):
    """A message, whose fields have numbers in place of names.

    Attributes:
        fields: number -> its values, in their order: integers, or bytes of a nested message or text.
        where: it comes from, for errors.
    """

    fields: Mapping[int, list[int | bytes]]
    where: str

    def number(self, field: int, default: int) -> int:
        """The last integer of a field, as the format prescribes; the default where there is none."""
        values = [value for value in self.fields.get(field, []) if isinstance(value, int)]
        return values[-1] if values else default

    def messages(self, field: int) -> Iterator["Message"]:
        """The nested messages of a field."""
        for value in self.fields.get(field, []):
            if isinstance(value, bytes):
                yield parse_message(value, self.where)

    def message(self, field: int) -> "Message":
        """The nested message of a field; an empty one where there is none."""
        return next(self.messages(field), Message({}, self.where))


def parse_message(data: bytes, where: str) -> Message:
    """Read the fields of a message.

    Raises:
        ImportingError: where it ends before a field does, or has a field of an unknown kind.
    """
    fields: dict[int, list[int | bytes]] = {}
    place = 0
    while place < len(data):
        key, place = read_varint(data, place, where)
        value, place = _read_value(data, place, key & 7, where)
        fields.setdefault(key >> 3, []).append(value)
    return Message(fields, where)


def _read_value(data: bytes, place: int, kind: int, where: str) -> tuple[int | bytes, int]:
    if kind == VARINT:
        return read_varint(data, place, where)
    if kind == BYTES:
        size, place = read_varint(data, place, where)
    elif kind in SIZES:
        size = SIZES[kind]
    else:
        raise ImportingError(
            f"a message has values of kind 0, 1, 2 or 5: got {kind} ({where}); copy the file anew"
        )
    if place + size > len(data):
        raise ImportingError(f"a message ends within a field of {size} bytes ({where}); copy the file anew")
    value = data[place : place + size]
    return value if kind == BYTES else int.from_bytes(value, "little"), place + size


def read_varint(data: bytes, place: int, where: str) -> tuple[int, int]:
    """Read an integer of 7 bits a byte, and where the next begins; at most 64 bits.

    Raises:
        ImportingError: where the data end within it, or it is longer.
    """
    value = 0
    for count, byte in enumerate(data[place : place + 10]):
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80 and value < 2**64:
            return value, place + count + 1
    raise ImportingError(f"an integer ends within 10 bytes and 64 bits ({where}); copy the file anew")
