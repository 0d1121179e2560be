"""Tables of numbers and names between spaces, as text files hold them for the particles of a frame."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from glassdyn.importing.source import ImportingError

__all__ = ["Kind", "encode_names", "parse_table"]

MAX_NAMES = 1000
"""Different names of species at most: more are numbers of another column."""

SPACE, NEWLINE = ord(" "), ord("\n")

BLOCK = 2**18
"""Bytes that a thread parses at a time."""

Kind = Literal["integer", "number", "word"]

TYPES: Mapping[Kind, pa.DataType] = {"integer": pa.int64(), "number": pa.float64(), "word": pa.string()}


def parse_table(body: bytes, columns: Mapping[int, Kind], rows: int) -> dict[int, pa.ChunkedArray]:
    """Columns of a table of words between spaces.

    Args:
        body: the lines.
        columns: number of each wanted column, from 0, and what it holds.
        rows: the number of lines.

    Raises:
        ImportingError: where a row has fewer or more words than the first, or a word is no number.
    """
    first = body[: body.index(b"\n")]
    words = first.split()
    if max(columns) >= len(words):
        raise ImportingError(f"has {len(words)} columns in its first row where {max(columns) + 1} are needed")
    if first in {b" ".join(words), b" ".join(words) + b" "}:
        with suppress(ImportingError):  # rows unlike the first: they may have other gaps
            return _parse(body, columns, rows)
    return _parse(_squeeze(body), columns, rows)


def _parse(body: bytes, columns: Mapping[int, Kind], rows: int) -> dict[int, pa.ChunkedArray]:
    """Columns of a table with one space between words, at the ends of lines none, or one at each."""
    width = body[: body.index(b"\n")].count(b" ") + 1  # an empty column behind a space at the end
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(body),
            pyarrow.csv.ReadOptions(column_names=list(map(str, range(width))), block_size=BLOCK),
            pyarrow.csv.ParseOptions(delimiter=" ", quote_char=False),
            pyarrow.csv.ConvertOptions(
                column_types={str(column): TYPES[kind] for column, kind in columns.items()},
                include_columns=list(map(str, columns)),
                null_values=[],
            ),
        )
    except pa.ArrowInvalid as error:
        raise ImportingError(f"holds what is no table of numbers ({error})") from None
    if len(table) != rows:
        raise ImportingError(f"has empty lines among its {rows} rows")
    return {column: table[str(column)] for column in columns}


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


def encode_names(words: pa.ChunkedArray | Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Kinds and their names, in the order of the alphabet, from a column of names.

    Raises:
        ImportingError: for hundreds of names.
    """
    column: Any = (
        words.combine_chunks() if isinstance(words, pa.ChunkedArray) else pa.array(words, pa.string())
    )
    encoded = column.dictionary_encode()
    unsorted = encoded.dictionary.to_pylist()
    names = sorted(unsorted)
    if len(names) > MAX_NAMES:
        raise ImportingError(f"has {len(names)} names of species: is the column of species the right one?")
    order = np.array([names.index(name) for name in unsorted], np.int64)
    kinds: NDArray[np.int64] = order[encoded.indices.to_numpy()]
    return kinds, tuple(names)
