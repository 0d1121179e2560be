"""Progress with the time that is left: a bar in a terminal, a plain line now and then elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

__all__ = ["bar", "line"]

QUIET = 15.0
"""Seconds between plain lines."""


def line(text: str) -> None:
    """Print one line, above a bar where there is one."""
    print(text, flush=True)


@contextmanager
def bar(label: str, *, total: float, unit: str) -> Iterator[Callable[[float], None]]:
    """Show how far a piece of work is.

    Args:
        label: what is being done.
        total: of the work, in `unit`.
        unit: plural noun, such as "frames".

    Yields:
        advance(amount): call it with what has been done since the last call.
    """
    console = Console()
    shown = _in_terminal(console, label, total, unit) if console.is_terminal else _lines(label, total, unit)
    with shown as advance:
        yield advance


@contextmanager
def _in_terminal(console: Console, label: str, total: float, unit: str) -> Iterator[Callable[[float], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(label, total=total, rate="")
        start, done = monotonic(), 0.0

        def advance(amount: float) -> None:
            nonlocal done
            done += amount
            rate = f"{_count(done / max(monotonic() - start, 1e-9))} {unit}/s"
            progress.update(task, completed=done, rate=rate)

        yield advance


@contextmanager
def _lines(label: str, total: float, unit: str) -> Iterator[Callable[[float], None]]:
    start = last = monotonic()
    done = 0.0

    def advance(amount: float) -> None:
        nonlocal done, last
        done += amount
        now = monotonic()
        if now - last >= QUIET and done > 0:
            last = now
            left = (now - start) * max(total / done - 1, 0.0)
            line(f"{label}: {100 * done / total:.0f} % of {_count(total)} {unit}, {_clock(left)} left")

    yield advance
    line(f"{label}: {_count(done)} {unit} in {_clock(monotonic() - start)}")


def _count(number: float) -> str:
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if number >= size:
            return f"{number / (1e3 if letter == ' k' else size):.3g}{letter}"
    return f"{number:.3g}" if number < 100 else f"{number:.0f}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
