"""What every command has: a name, help, arguments, and what runs it."""

import argparse
from collections.abc import Callable
from typing import Protocol

__all__ = ["CommandAdder"]


class CommandAdder(Protocol):
    """Adds a command: its name, a line and a page of help, and what runs it."""

    def __call__(
        self, name: str, summary: str, description: str, run: Callable[[argparse.Namespace], None]
    ) -> argparse.ArgumentParser:
        """Return the parser of its arguments."""
