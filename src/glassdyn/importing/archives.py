"""Archives read member by member, in bounded memory, with nothing of them on the disk.

A name in an archive is compared with those that are expected and is never a path that anything is written to. Links and
devices are refused, and so is an archive that expands beyond reason.
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from glassdyn.importing.source import ImportingError

__all__ = ["MAX_MEMBER", "read_members"]

MAX_MEMBER = 2**28
"""Bytes of a member, or of a header, at the most: published ones have a hundredth of it."""

MAX_MEMBERS = 10**5

MAX_RATIO, MAX_SMALL = 100, 2**30
"""An archive expands to so many times its size at most, or to so many bytes."""


def read_members(path: Path, accepts: Callable[[str], bool]) -> Iterator[tuple[str, BinaryIO]]:
    """Read the members of a tar archive, compressed by gzip or not, in its order.

    Args:
        path: of the archive.
        accepts: whether a member of such a name is wanted; others are passed over.

    Yields:
        Name and contents of each wanted member, one of them in memory at a time.

    Raises:
        ImportingError: for a file that is absent, damaged or no archive, a member that leads out of it or is neither
            file nor folder, or one that expands beyond reason.
    """
    try:
        with path.open("rb") as file, tarfile.open(fileobj=_open(file, path), mode="r:") as archive:
            for number, member in enumerate(archive):
                _require_few(number, path)
                _require_harmless(member, path)
                if member.isreg() and accepts(member.name):
                    yield member.name, _read(archive, member, path)
    except FileNotFoundError:
        raise ImportingError(f"no such file: {path}") from None
    except ImportingError:
        raise
    except (OSError, EOFError, ValueError, tarfile.TarError, zlib.error) as error:
        raise ImportingError(f"{path} is damaged or no archive (.tar.gz): {error}; copy it anew") from None


def _open(file: BinaryIO, path: Path) -> BinaryIO:
    is_compressed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    stream = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if is_compressed else file
    return cast("BinaryIO", _Bounded(stream, path))


class _Bounded(io.RawIOBase):
    """A stream that refuses to be read far beyond the size of its file, or much of it at once."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream, self._path = stream, path
        self._end = max(MAX_RATIO * path.stat().st_size, MAX_SMALL)

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= MAX_MEMBER:
            raise ImportingError(
                f"a member of an archive, and its header, has at most {MAX_MEMBER} bytes: got {size} ({self._path}); "
                "is it the right file?"
            )
        return self._stream.read(size)

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET and place > self._end:
            raise ImportingError(
                f"an archive expands to at most {MAX_RATIO} times its size, or {MAX_SMALL} bytes: {self._path} goes "
                f"on at byte {place}; is it the right file?"
            )
        return self._stream.seek(place, whence)

    def tell(self) -> int:
        return self._stream.tell()


def _require_few(members: int, path: Path) -> None:
    if members >= MAX_MEMBERS:
        raise ImportingError(
            f"an archive has at most {MAX_MEMBERS} members: {path} has more; is it the right file?"
        )


def _require_harmless(member: tarfile.TarInfo, path: Path) -> None:
    parts = member.name.split("/")
    if member.name.startswith("/") or ".." in parts or "\\" in member.name:
        raise ImportingError(
            f"names in an archive stay below its folder: got {member.name!r} ({path}); do not trust this file"
        )
    if not (member.isdir() or member.isreg()) or member.issparse():
        raise ImportingError(
            f"an archive holds files and folders: got {member.name!r}, a link, a device or a file with holes "
            f"({path}); pack the files themselves"
        )


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> BinaryIO:
    if member.size > MAX_MEMBER:
        raise ImportingError(
            f"a member of an archive has at most {MAX_MEMBER} bytes: got {member.size}, {member.name!r} ({path}); is it "
            "the right file?"
        )
    file = archive.extractfile(member)
    contents = b"" if file is None else file.read()
    if len(contents) != member.size:
        raise ImportingError(f"{path} ends within {member.name!r}; copy it anew")
    return io.BytesIO(contents)
