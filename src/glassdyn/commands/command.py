"""What every command has: a name, help, arguments, and what runs it; and the numbers among the arguments."""

import argparse
from collections.abc import Callable
from typing import Protocol

__all__ = ["CommandAdder", "parse_count", "parse_index", "parse_positive"]


class CommandAdder(Protocol):
    """Adds a command: its name, a line and a page of help, and what runs it."""

    def __call__(
        self, name: str, summary: str, description: str, run: Callable[[argparse.Namespace], None]
    ) -> argparse.ArgumentParser:
        """Return the parser of its arguments."""


def parse_count(text: str) -> int:
    """A whole number from 1."""
    return _parse_whole(text, 1)


def parse_index(text: str) -> int:
    """A whole number from 0."""
    return _parse_whole(text, 0)


def parse_positive(text: str) -> float:
    """A number above 0, such as a length or a time."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"a number above 0 is needed: got {text!r}")
    return number


def _parse_whole(text: str, lowest: int) -> int:
    if not text.isdecimal() or int(text) < lowest:
        raise argparse.ArgumentTypeError(f"a whole number, at least {lowest}, is needed: got {text!r}")
    return int(text)
