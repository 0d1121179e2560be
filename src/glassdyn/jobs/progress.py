"""Progress with the time that is left: a bar in a terminal, a plain line now and then elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

__all__ = ["ProgressBar", "print_line", "show_progress"]

QUIET = 15.0
"""Seconds between plain lines."""


def print_line(text: str) -> None:
    """Print one line, above a bar where there is one."""
    print(text, flush=True)


class ProgressBar:
    """How far a piece of work is: called with what has been done since the last call.

    The first call may tell of work that was there already: it counts as done, and not for the rate.
    """

    def __init__(self, pace: "_Pace", show: Callable[[bool], None]) -> None:
        self._pace, self._show = pace, show

    def __call__(self, amount: float) -> None:
        self._show(self._pace.take(amount))

    def tell(self, text: str, *, total: float | None = None) -> None:
        """Say how the work fares and, where it has changed, how much it is going to be as far as is known now."""
        self._pace.text, self._pace.total = text, self._pace.total if total is None else total
        self._show(False)


@contextmanager
def show_progress(label: str, *, total: float, unit: str) -> Iterator[ProgressBar]:
    """Show how far a piece of work is.

    Args:
        label: what is being done.
        total: of the work, in `unit`.
        unit: plural noun, such as "frames".

    Yields:
        advance(amount): call it with what has been done since the last call.
    """
    console = Console()
    pace = _Pace(total, unit)
    shown = _in_terminal(console, label, pace) if console.is_terminal else _lines(label, pace)
    with shown as show:
        yield ProgressBar(pace, show)


class _Pace:
    """How much is done, how fast since the first news, and how it fares."""

    def __init__(self, total: float, unit: str) -> None:
        self.total, self.unit, self.done, self.text = total, unit, 0.0, ""
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
    def speed(self) -> str:
        """The rate in words; nothing where it is not known yet."""
        return f"{_count(self.rate)} {self.unit}/s" if self.rate > 0 else ""

    @property
    def left(self) -> str:
        """The time that is left, in words."""
        return f"{_clock((self.total - self.done) / self.rate)} left" if self.rate > 0 else "just begun"


@contextmanager
def _in_terminal(console: Console, label: str, pace: _Pace) -> Iterator[Callable[[bool], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(label, total=pace.total, speed="", text="")

        def show(is_first: bool) -> None:
            if is_first:
                progress.reset(task, completed=round(pace.done), total=pace.total)
            else:
                progress.update(task, completed=pace.done, total=pace.total, speed=pace.speed, text=pace.text)

        yield show


@contextmanager
def _lines(label: str, pace: _Pace) -> Iterator[Callable[[bool], None]]:
    start = last = monotonic()

    def show(_is_first: bool) -> None:
        nonlocal last
        if monotonic() - last >= QUIET:
            last = monotonic()
            share = f"{100 * pace.done / pace.total:.0f} % of {_count(pace.total)} {pace.unit}"
            print_line(f"{label}: " + ", ".join(filter(None, (share, pace.speed, pace.left, pace.text))))

    yield show
    done = f"{_count(pace.done)} {pace.unit} in {_clock(monotonic() - start)}"
    print_line(f"{label}: " + ", ".join(filter(None, (done, pace.text))))


def _count(number: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= size:
            return f"{number / (1e3 if letter == 'k' else size):.3g} {letter}"
    return f"{number:.3g}" if number < 100 else f"{number:.0f}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
