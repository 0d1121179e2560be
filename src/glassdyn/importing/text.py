"""Text files, compressed or not, read by lines."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa

from glassdyn.importing.source import ImportingError

__all__ = ["LineReader", "is_compressed", "open_lines", "read_head"]

MAGICS: Mapping[bytes, str] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
"""First bytes of the compressed formats."""

CHUNK = 2**20
"""Bytes that are read at a time."""

MAX_LINE = 2**14
"""Bytes of a line at most: what has none of that length is no text, however far it is decompressed."""

NEWLINE = ord("\n")


class LineReader:
    """Lines of a stream of bytes.

    Attributes:
        line: number of lines read so far.
    """

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self.line = 0
        self._path, self._stream = path, stream
        self._buffer, self._start, self._width = b"", 0, 80.0

    def read_line(self) -> str | None:
        """The next line without its end; None at the end of the file.

        Raises:
            ImportingError: for a line that is too long or no text.
        """
        while (end := self._buffer.find(b"\n", self._start)) < 0:
            self._require_short(len(self._buffer))
            if not self._fill():
                end = len(self._buffer)
                break
        self._require_short(end)
        line, self._start = self._buffer[self._start : end], end + 1
        if not line and self._start > len(self._buffer):
            return None
        self.line += 1
        return self._decode(line)

    def read_lines(self, count: int) -> bytes:
        """The next lines, with their ends.

        Raises:
            ImportingError: where the file ends before.
        """
        pieces, missing = [], count
        while missing:
            if self._start >= len(self._buffer) and not self._fill():
                raise ImportingError(f"ends within the {missing} last of {count} lines")
            piece, lines = self._take(missing)
            pieces.append(piece)
            missing -= lines
        body = b"".join(pieces)
        self.line += count
        self._width = max(len(body) / max(count, 1), 1.0)
        return body

    def _take(self, missing: int) -> tuple[bytes, int]:
        """Whole lines of the buffer, at most so many."""
        stop = min(self._start + int(1.1 * self._width * missing) + 64, len(self._buffer))
        view = np.frombuffer(self._buffer, np.uint8, stop - self._start, self._start)
        ends = np.flatnonzero(view == NEWLINE)[:missing]
        if not len(ends):
            return self._take_long(stop)
        piece = self._buffer[self._start : self._start + int(ends[-1]) + 1]
        self._start += len(piece)
        return piece, len(ends)

    def _take_long(self, stop: int) -> tuple[bytes, int]:
        """A line that the buffer does not hold to its end, or as much of the file as there is."""
        line = self._buffer[self._start :]
        if stop < len(self._buffer):
            self._width *= 2
            return b"", 0
        if len(line) > MAX_LINE:
            raise ImportingError(f"has a line longer than {MAX_LINE} bytes")
        if self._fill():
            return b"", 0
        self._start = len(self._buffer)
        return line + b"\n", 1

    def _require_short(self, end: int) -> None:
        if end - self._start > MAX_LINE:
            raise ImportingError(
                f"line {self.line + 1} of {self._path} is longer than {MAX_LINE} bytes: no text"
            )

    def _fill(self) -> bool:
        """Read on; whether there was anything."""
        chunk = self._stream.read(CHUNK)
        self._buffer, self._start = self._buffer[self._start :] + chunk, 0
        return bool(chunk)

    def _decode(self, line: bytes) -> str:
        try:
            return line.decode().strip()
        except UnicodeDecodeError:
            raise ImportingError(f"line {self.line} of {self._path} is no text: got {line[:20]!r}") from None


@contextmanager
def open_lines(path: Path) -> Iterator[LineReader]:
    """Open a text file, plain or compressed by gzip or Zstandard, which its first bytes say.

    Raises:
        ImportingError: for a file that is absent, unreadable or damaged.
    """
    with _open_stream(path) as stream:
        yield LineReader(path, stream)


def read_head(path: Path, size: int = 2**14) -> bytes:
    """The first bytes of a file, decompressed; errors as `open_lines`."""
    with _open_stream(path) as stream:
        return stream.read(size)


def is_compressed(path: Path) -> bool:
    """Whether the first bytes of a file say that it is compressed."""
    return _find_compression(path) is not None


@contextmanager
def _open_stream(path: Path) -> Iterator[BinaryIO]:
    try:
        compression = _find_compression(path)
        with pa.input_stream(str(path), compression=compression, buffer_size=CHUNK) as stream:
            yield cast("BinaryIO", stream)
    except FileNotFoundError:
        raise ImportingError(f"no such file: {path}") from None
    except (OSError, EOFError) as error:
        raise ImportingError(f"{path} is damaged or cannot be read: {error}; copy it anew") from None


def _find_compression(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(max(map(len, MAGICS)))
    return next((name for start, name in MAGICS.items() if head.startswith(start)), None)
