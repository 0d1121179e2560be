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

    The first call of `advance` may tell of work that was there already: it counts as done, and not for the
    rate.

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


class _Pace:
    """How much is done, and how fast since the first news."""

    def __init__(self, total: float) -> None:
        self.total, self.done = total, 0.0
        self._first: tuple[float, float] | None = None

    def take(self, amount: float) -> bool:
        """Count work; whether it is the first."""
        self.done += amount
        is_first = self._first is None
        if self._first is None:
            self._first = monotonic(), self.done
        return is_first

    @property
    def rate(self) -> float:
        """Work per second; 0 where that is not known yet."""
        start, before = self._first or (monotonic(), 0.0)
        return (self.done - before) / max(monotonic() - start, 1e-9)

    @property
    def left(self) -> str:
        """The time that is left, in words."""
        return f"{_clock((self.total - self.done) / self.rate)} left" if self.rate > 0 else "just begun"


@contextmanager
def _in_terminal(console: Console, label: str, total: float, unit: str) -> Iterator[Callable[[float], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    pace = _Pace(total)
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(label, total=total, rate="")

        def advance(amount: float) -> None:
            if pace.take(amount):
                progress.reset(task, completed=round(pace.done), total=total)
            else:
                progress.update(task, completed=pace.done, rate=f"{_count(pace.rate)} {unit}/s")

        yield advance


@contextmanager
def _lines(label: str, total: float, unit: str) -> Iterator[Callable[[float], None]]:
    pace = _Pace(total)
    start = last = monotonic()

    def advance(amount: float) -> None:
        nonlocal last
        pace.take(amount)
        if monotonic() - last >= QUIET:
            last = monotonic()
            line(f"{label}: {100 * pace.done / total:.0f} % of {_count(total)} {unit}, {pace.left}")

    yield advance
    line(f"{label}: {_count(pace.done)} {unit} in {_clock(monotonic() - start)}")


def _count(number: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= size:
            return f"{number / (1e3 if letter == 'k' else size):.3g} {letter}"
    return f"{number:.3g}" if number < 100 else f"{number:.0f}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
