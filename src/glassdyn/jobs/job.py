"""A job: a function of arguments and files, whose result depends on nothing else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from glassdyn.errors import GlassdynError

__all__ = ["Function", "Job", "JobContext", "JobError", "OutputOf", "Report"]

Report = Callable[[float], None]
"""Tells how far a job is: 0 at its start, 1 at its end."""


class JobError(GlassdynError):
    """Jobs that failed, with the ends of what they said; the results of the others are kept."""


@dataclass(frozen=True)
class JobContext:
    """What the function of a job is called with.

    Attributes:
        arguments: those of the job.
        inputs: paths of its inputs.
        output: file to write, or folder to make; extra outputs are written beside it, under their names.
        checkpoint: a folder that later attempts at the same job find as the killed one left it; files in it
            are to be written with `jobs.atomic.atomic_write`. It goes when the job is done.
        report: to be called now and then with the fraction that is done.
        tell: to be called now and then with a few words on how the work fares; they stand beside the progress bar.
    """

    arguments: Mapping[str, Any]
    inputs: Sequence[Path]
    output: Path
    checkpoint: Path
    report: Report = lambda _fraction: None
    tell: Callable[[str], None] = lambda _words: None


class Function(Protocol):
    """What a job runs: a function of a module, so that another process can find it by name."""

    __module__: str
    __qualname__: str

    def __call__(self, context: JobContext) -> None: ...


@dataclass(frozen=True)
class OutputOf:
    """A file that an earlier job of the same run leaves: its output or one of its extra_outputs.

    Attributes:
        job: who makes it.
        extra_output: its name; the output if None.
    """

    job: "Job"
    extra_output: str | None = None


@dataclass(frozen=True, eq=False)
class Job:
    """One piece of work.

    Attributes:
        name: for messages; unique within a run.
        function: see `Function`.
        arguments: all that determines the result besides code and inputs; anything that JSON holds.
        inputs: files, known by their content, or products of other jobs, which then run first.
        output: where the result is published; None keeps it in the scratch folder, as an input of
            other jobs.
        extra_outputs: names of files that the function writes beside its output; they stay in the scratch
            folder, as inputs of other jobs.
        work: how much it is compared with other jobs, in the unit of the progress bar.
        gpu: whether it wants a GPU for itself.
        uses_all_cores: whether its function spreads over the cores by itself. Such jobs run in the process of the
            run, one after another, unless GLASSDYN_JOBS or GLASSDYN_SCHEDULER sends them elsewhere.
    """

    name: str
    function: Function
    arguments: Mapping[str, Any]
    inputs: tuple[Path | OutputOf, ...] = ()
    output: Path | None = None
    extra_outputs: tuple[str, ...] = ()
    work: float = field(default=1.0, kw_only=True)
    gpu: bool = field(default=False, kw_only=True)
    uses_all_cores: bool = field(default=False, kw_only=True)

    @property
    def before(self) -> list["Job"]:
        """The jobs whose products this one needs."""
        return [source.job for source in self.inputs if isinstance(source, OutputOf)]

    @property
    def output_name(self) -> str:
        """Name of the output in the scratch folder."""
        return "output" + (self.output.suffix if self.output else "")
