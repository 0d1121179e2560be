"""Files of NumPy as streams of bytes: sizes are checked before memory is taken, and no object is ever unpickled."""

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.importing.source import ImportingError

__all__ = [
    "Header",
    "open_arrays",
    "open_stream",
    "read_array",
    "read_bytes",
    "read_header",
    "read_values",
]

MAX_RATIO, MAX_SMALL = 100, 2**28
"""An archive expands to so many times its size at most, or to so many bytes: published ones reach a tenth of it."""

PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How NumPy packs the members of an archive."""

BAD_HEADER = (
    LookupError,
    MemoryError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
    tokenize.TokenError,
)
"""What NumPy raises for a head that is no shape and type."""

CHUNK = 2**24
"""Bytes that are read at a time."""


class Header(NamedTuple):
    """Shape and type of a stored array, and whether its first index runs fastest."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    is_fortran: bool


@contextmanager
def open_arrays(path: Path) -> Iterator[Mapping[str, BinaryIO]]:
    """Open the arrays of a .npz by name, or that of a .npy as positions.

    Raises:
        ImportingError: for a file that is absent, damaged, or would expand beyond reason.
    """
    if not path.exists():
        raise ImportingError(f"no such file: {path}")
    try:
        with path.open("rb") as file, open_stream(file, str(path)) as arrays:
            yield arrays
    except OSError as error:
        raise _damaged(str(path), error) from None


@contextmanager
def open_stream(file: BinaryIO, where: str) -> Iterator[Mapping[str, BinaryIO]]:
    """Open the arrays of a file that is open already; see `open_arrays`.

    Args:
        file: at its beginning; it can be read at any place.
        where: it comes from, for errors.
    """
    try:
        if not zipfile.is_zipfile(file):
            file.seek(0)
            yield {"positions": file}
            return
        with zipfile.ZipFile(file) as archive:
            _require_plain(archive, where)
            _require_sane_expansion(archive, file.seek(0, SEEK_END), where)
            yield _Members(archive)
    except GlassdynError:
        raise
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise _damaged(where, error) from None


def _damaged(where: str, error: Exception) -> ImportingError:
    return ImportingError(f"{where} is damaged or no file of NumPy: {error}; copy it anew")


class _Members(dict[str, BinaryIO]):
    """Streams of an archive's arrays by name, opened when they are asked for."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        names = (name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy"))
        super().__init__(dict.fromkeys(names))  # type: ignore[arg-type]

    def __getitem__(self, name: str) -> BinaryIO:
        return cast("BinaryIO", self._archive.open(f"{name}.npy"))


def _require_plain(archive: zipfile.ZipFile, where: str) -> None:
    strange = [
        member for member in archive.infolist() if member.compress_type not in PACKED or member.flag_bits & 1
    ]
    if strange:
        raise ImportingError(
            f"members of an archive of NumPy are stored or deflated, and not encrypted: got {strange[0].filename!r} "
            f"({where}); write it anew"
        )


def _require_sane_expansion(archive: zipfile.ZipFile, size: int, where: str) -> None:
    expanded = sum(member.file_size for member in archive.infolist())
    if expanded > max(MAX_RATIO * size, MAX_SMALL):
        raise ImportingError(
            f"an archive expands to at most {MAX_RATIO} times its size: {where} claims {expanded / 1e9:.1f} GB of "
            f"{size / 1e6:.1f} MB; is it the right file?"
        )


def read_header(stream: BinaryIO, where: str) -> Header:
    """Read the head of an array.

    Raises:
        ImportingError: for pickled objects, values of no bytes, or what is no array.
    """
    try:
        version = np.lib.format.read_magic(stream)
        reader = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, is_fortran, dtype = reader(stream)
        np.broadcast_to(np.empty((), dtype), shape)  # no memory is taken, and no array has another shape
    except BAD_HEADER as error:
        raise ImportingError(
            f"an array of NumPy begins with its shape and type: got {error} ({where})"
        ) from None
    if not dtype.itemsize:
        raise ImportingError(f"values of an array have bytes: got {dtype} ({where}); is it the right file?")
    if dtype.hasobject:
        raise ImportingError(
            f"an array holds numbers or words: got {dtype}, pickled objects ({where}); write it anew without objects"
        )
    return Header(tuple(map(int, shape)), dtype, bool(is_fortran) and len(shape) > 1)


def read_array(stream: BinaryIO, where: str) -> NDArray[np.generic]:
    """Read an array from its beginning; errors as `read_header` and `read_values`."""
    return read_values(stream, read_header(stream, where), where)


def read_values(stream: BinaryIO, header: Header, where: str) -> NDArray[np.generic]:
    """Read the values behind a head.

    Raises:
        ImportingError: where the file ends before.
    """
    data = read_bytes(stream, math.prod(header.shape) * header.dtype.itemsize, where)
    values = np.frombuffer(data, header.dtype)
    return values.reshape(header.shape, order="F" if header.is_fortran else "C")


def read_bytes(stream: BinaryIO, size: int, where: str) -> bytes:
    """Read so many bytes, taking memory only for those that there are; errors as `read_values`."""
    pieces, missing = [], size
    while missing and (piece := stream.read(min(missing, CHUNK))):
        pieces.append(piece)
        missing -= len(piece)
    if missing:
        raise ImportingError(f"ends {missing} bytes before the end of an array ({where}); copy it anew")
    return b"".join(pieces)
