"""Text files, compressed or not, read by lines; and tables of numbers in them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Literal, cast

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from glassdyn.importing.source import ImportingError

__all__ = ["LineReader", "encode_names", "is_compressed", "open_lines", "parse_table", "read_head"]

MAGICS: Mapping[bytes, str] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
"""First bytes of the compressed formats."""

CHUNK = 2**20
"""Bytes that are read at a time."""

MAX_LINE = 2**14
"""Bytes of a line at most: what has none of that length is no text, however far it is decompressed."""

MAX_NAMES = 1000
"""Different names of species at most: more are numbers of another column."""

SPACE, NEWLINE = ord(" "), ord("\n")

Kind = Literal["integer", "number", "word"]

TYPES: Mapping[Kind, type[pl.DataType]] = {"integer": pl.Int64, "number": pl.Float64, "word": pl.String}


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
            if len(self._buffer) - self._start > MAX_LINE:
                raise ImportingError(
                    f"line {self.line + 1} of {self._path} is longer than {MAX_LINE} bytes: no text"
                )
            if not self._fill():
                end = len(self._buffer)
                break
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

    def skip_lines(self, count: int) -> None:
        """Pass over the next lines; errors as `read_lines`."""
        for first in range(0, count, CHUNK):
            self.read_lines(min(CHUNK, count - first))

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
    try:
        with path.open("rb") as file:
            compression = _find_compression(file.read(4))
        with pa.input_stream(str(path), compression=compression, buffer_size=CHUNK) as stream:
            yield LineReader(path, cast("BinaryIO", stream))
    except FileNotFoundError:
        raise ImportingError(f"no such file: {path}") from None
    except (OSError, EOFError) as error:
        raise ImportingError(f"{path} is damaged or cannot be read: {error}; copy it anew") from None


def _find_compression(head: bytes) -> str | None:
    return next((name for start, name in MAGICS.items() if head.startswith(start)), None)


def is_compressed(head: bytes) -> bool:
    """Whether the first bytes of a file say that it is compressed."""
    return _find_compression(head) is not None


def read_head(path: Path, size: int = 2**14) -> bytes:
    """The first bytes of a file, decompressed; errors as `open_lines`."""
    with open_lines(path) as lines:
        return lines._stream.read(size)  # noqa: SLF001


def parse_table(body: bytes, columns: Mapping[int, Kind], rows: int) -> dict[int, pl.Series]:
    """Columns of a table of words between spaces.

    Args:
        body: the lines.
        columns: number of each wanted column, from 0, and what it holds.
        rows: the number of lines.

    Raises:
        ImportingError: where a row has fewer or more words than the first, or a word is no number.
    """
    first = body[: body.index(b"\n")]
    if max(columns) >= len(first.split()):
        raise ImportingError(
            f"has {len(first.split())} columns in its first row where {max(columns) + 1} are needed"
        )
    if b" ".join(first.split()) == first.rstrip(b" ") and not first.endswith(b"  "):
        with suppress(ImportingError):  # rows unlike the first: they may have other gaps
            return _parse(body, columns, rows)
    return _parse(_squeeze(body), columns, rows)


def _parse(body: bytes, columns: Mapping[int, Kind], rows: int) -> dict[int, pl.Series]:
    """Columns of a table with one space between words, at the ends of lines none, or one at each."""
    width = body[: body.index(b"\n")].count(b" ") + 1  # an empty column behind a space at the end
    schema = {str(column): TYPES[columns.get(column, "word")] for column in range(width)}
    wanted = sorted(columns)
    try:
        table = pl.read_csv(
            body, separator=" ", has_header=False, schema=schema, columns=wanted, quote_char=None
        )
    except pl.exceptions.PolarsError as error:
        raise ImportingError(f"holds what is no table of numbers ({str(error).splitlines()[0]})") from None
    _require_full(table, body, rows, width)
    return {column: table[str(column)] for column in columns}


def _require_full(table: pl.DataFrame, body: bytes, rows: int, width: int) -> None:
    """Refuse a table with a short row, which the parser fills."""
    if len(table) == rows and body.count(b" ") == rows * (width - 1) and not any(table.null_count().row(0)):
        return
    widths = [len(line.split()) for line in body.splitlines()]
    short = next((row for row, length in enumerate(widths) if length != widths[0]), 0)
    raise ImportingError(
        f"has rows of another number of columns than the first, {widths[0]}: row {short} has {widths[short]}"
    )


def _squeeze(body: bytes) -> bytes:
    """One space between words, and none at the ends of lines."""
    body = body.replace(b"\t", b" ").replace(b"\r", b" ")
    characters = np.frombuffer(body, np.uint8)
    space, newline = characters == SPACE, characters == NEWLINE
    before_gap = np.append(space[1:] | newline[1:], True)
    squeezed = characters[~(space & before_gap)]
    space, newline = squeezed == SPACE, squeezed == NEWLINE
    at_start = np.append(True, newline[:-1])
    return bytes(squeezed[~(space & at_start)].tobytes())


def encode_names(words: pl.Series) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Kinds and their names from a column of names.

    Raises:
        ImportingError: for hundreds of names.
    """
    names = sorted(words.unique().to_list())
    if len(names) > MAX_NAMES:
        raise ImportingError(f"has {len(names)} names of species: is the column of species the right one?")
    kinds = words.replace_strict(names, list(range(len(names))), return_dtype=pl.Int64)
    return kinds.to_numpy(), tuple(names)
