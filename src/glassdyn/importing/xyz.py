"""XYZ files, extended, of atooms, of RUMD or plain, compressed or not: N, a comment line, a line for each particle."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassdyn.importing.number_table import Kind, encode_names, parse_table
from glassdyn.importing.source import ImportingError, ReadOptions, SourceFrame, require_sane_size
from glassdyn.importing.text import LineReader, open_lines
from glassdyn.importing.xyz_comment import Comment, parse_comment

__all__ = ["Xyz"]

DIGITS = 20
"""Of a number of particles, fewer than these."""


class Xyz:
    """See the module, and `Source`."""

    format = "XYZ"
    keeps_order = True

    def __init__(self, path: Path, _options: ReadOptions) -> None:
        self.path = path

    def count(self) -> int:
        """See `Source`."""
        frames = 0
        with open_lines(self.path) as lines:
            while (particles := self._read_size(lines)) is not None:
                self._advance(lines, particles, frames)
                frames += 1
        if not frames:
            raise ImportingError(f"an XYZ file holds at least one frame: {self.path} is empty")
        return frames

    def read(self, frames: range) -> Iterator[SourceFrame]:
        """See `Source`."""
        with open_lines(self.path) as lines:
            for number in range(frames.stop):
                particles = self._read_size(lines)
                if particles is None:
                    raise ImportingError(f"{self.path} has {number} frames: got {number} (--frame)")
                comment, body = self._advance(lines, particles, number)
                if number in frames:
                    yield _parse(comment, body, particles, f"{self.path}, frame {number}")

    def _read_size(self, lines: LineReader) -> int | None:
        """N of the next frame; None at the end of the file."""
        line = lines.read_line()
        while line is not None and not line:
            line = lines.read_line()
        if line is None:
            return None
        if not (line.isdecimal() and len(line) < DIGITS):
            raise ImportingError(
                f"every frame of an XYZ file begins with its number of particles: got {line[:40]!r} in line "
                f"{lines.line} ({self.path})"
            )
        require_sane_size(int(line), f"{self.path}, line {lines.line}")
        return int(line)

    def _advance(self, lines: LineReader, particles: int, number: int) -> tuple[str, bytes]:
        """The comment line and the rows of a frame.

        Raises:
            ImportingError: where the file ends within it.
        """
        start = lines.line - 1
        try:
            return lines.read_line() or "", lines.read_lines(particles)
        except ImportingError as error:
            raise ImportingError(
                f"every particle has a line: {self.path} {error}, in frame {number}; leave the unfinished frame out "
                f"by `head -n {start} {self.path} > <new file>`"
            ) from None


def _parse(line: str, body: bytes, particles: int, where: str) -> SourceFrame:
    comment = parse_comment(line, where)
    try:
        _require_width(comment, body)
        table = parse_table(body, _kinds_of(comment), particles)
        names = encode_names(table[comment.species])
    except ImportingError as error:
        raise ImportingError(
            f"every particle has the columns that the comment names: {where} {error}"
        ) from None
    columns = {column: series.to_numpy() for column, series in table.items() if column != comment.species}
    return SourceFrame(
        _stack(columns, comment.positions),
        *names,
        comment.box,
        ids=None if comment.ids is None else columns[comment.ids],
        images=None if comment.images is None else _stack(columns, comment.images),
        step=comment.step,
        time=comment.time,
    )


def _stack(columns: Mapping[int, NDArray[Any]], first: int) -> NDArray[Any]:
    """Three columns that stand side by side."""
    stacked: NDArray[Any] = np.stack([columns[first + axis] for axis in range(3)], axis=1)
    return stacked


def _kinds_of(comment: Comment) -> dict[int, Kind]:
    """The wanted columns, and what they hold."""
    kinds: dict[int, Kind] = {comment.species: "word"}
    kinds |= dict.fromkeys(range(comment.positions, comment.positions + 3), "number")
    if comment.ids is not None:
        kinds[comment.ids] = "integer"
    if comment.images is not None:
        kinds |= dict.fromkeys(range(comment.images, comment.images + 3), "integer")
    return kinds


def _require_width(comment: Comment, body: bytes) -> None:
    width = len(body[: body.index(b"\n")].split())
    if comment.width is not None and width != comment.width:
        raise ImportingError(f"has {width} columns in its first row where the comment names {comment.width}")
