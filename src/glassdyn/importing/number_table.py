"""Tables of numbers and names between spaces, as text files hold them for the particles of a frame."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.importing.source import ImportingError

__all__ = ["Kind", "encode_names", "parse_table"]

MAX_NAMES = 1000
"""Different names of species at most: more are numbers of another column."""

SPACE, NEWLINE = ord(" "), ord("\n")

Kind = Literal["integer", "number", "word"]

TYPES: Mapping[Kind, type[pl.DataType]] = {"integer": pl.Int64, "number": pl.Float64, "word": pl.String}


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
