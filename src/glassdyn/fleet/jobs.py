"""A job: a function of arguments and files, whose result depends on nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from glassdyn.errors import Refusal

__all__ = ["Checkpoints", "FleetError", "Function", "Job", "Product", "Report"]

Report = Callable[[float], None]
"""Tells how far a job is: 0 at its start, 1 at its end."""


class FleetError(Refusal):
    """Jobs that failed, with the ends of what they said; the results of the others are kept."""


@dataclass(frozen=True)
class Checkpoints:
    """Where a job keeps what it needs to go on after a kill.

    Attributes:
        path: a folder that later attempts at the same job find as the killed one left it; files in it
            are to be written with `files.replacing`. It goes when the job is done.
    """

    path: Path


class Function(Protocol):
    """What a job runs: a function of a module, so that another process can find it by name.

    Args of the call:
        arguments: those of the job.
        inputs: paths of its inputs.
        output: file to write, or folder to make; byproducts are written beside it, under their names.
        checkpoint: what survives a kill.
        report: to be called now and then.
    """

    __module__: str
    __qualname__: str

    def __call__(
        self,
        arguments: dict[str, Any],
        inputs: list[Path],
        output: Path,
        checkpoint: Checkpoints,
        report: Report,
    ) -> None: ...


@dataclass(frozen=True)
class Product:
    """A file that an earlier job of the same run leaves: its output or one of its byproducts.

    Attributes:
        job: who makes it.
        byproduct: its name; the output if None.
    """

    job: "Job"
    byproduct: str | None = None


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
        byproducts: names of files that the function writes beside its output; they stay in the scratch
            folder, as inputs of other jobs.
        work: how much it is compared with other jobs, in the unit of the progress bar.
        gpu: whether it wants a GPU for itself.
    """

    name: str
    function: Function
    arguments: Mapping[str, Any]
    inputs: tuple[Path | Product, ...] = ()
    output: Path | None = None
    byproducts: tuple[str, ...] = ()
    work: float = field(default=1.0, kw_only=True)
    gpu: bool = field(default=False, kw_only=True)

    @property
    def before(self) -> list["Job"]:
        """The jobs whose products this one needs."""
        return [given.job for given in self.inputs if isinstance(given, Product)]

    @property
    def output_name(self) -> str:
        """Name of the output in the scratch folder."""
        return "output" + (self.output.suffix if self.output else "")
