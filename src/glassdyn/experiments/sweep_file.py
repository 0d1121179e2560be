"""A declared sweep: `sweeps/<name>.yaml` as frozen dataclasses, refused where it makes no sense.

Types are strict, as those of `params.yaml`: an unknown key is an error that names the file and the key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from omegaconf import OmegaConf
from pydantic import Field, NonNegativeInt, PositiveInt
from pydantic.dataclasses import dataclass

from glassdyn import parameter_files
from glassdyn.constraints import STRICT, Distinct, NotEmpty, require, validate
from glassdyn.parameter_files import ParamsError

__all__ = [
    "Case",
    "Figure",
    "Reference",
    "Rotate",
    "Sweep",
    "Value",
    "change_sweep",
    "load_sweep",
    "sweep_names",
]

Scalar = bool | int | float | str
Value = Scalar | list[Scalar]
"""A value of a parameter, as it stands in params.yaml."""

Rotate = Literal["inside", "apart"]

CASE = "case"
"""What `figure.x` or `figure.lines` names in place of a parameter: the labels of the cases."""

TARGET = "target"
"""What `figure.x` or `figure.lines` names in place of a parameter: the labels that a point predicts."""


@dataclass(frozen=True, config=STRICT)
class Case:
    """Parameters that change together; cases of equal label are repeats of each other.

    Attributes:
        label: on the axis or in the legend.
        set: values by parameter.
        rotate: where its folds are made, in place of what the sweep says.
    """

    label: int | float | str
    set: dict[str, Value]
    rotate: Rotate | None = None


@dataclass(frozen=True, config=STRICT)
class Reference:
    """A value that the thesis states.

    Attributes:
        x: on the axis, as the points of the sweep have it.
        line: as in the legend; absent where there is only one line.
        y: the value.
        error: its error.
    """

    x: Value
    y: float
    error: float = 0.0
    line: Value | None = None


@dataclass(frozen=True, config=STRICT)
class Figure:
    """What is drawn of a sweep.

    Attributes:
        x: a parameter, `case` or `target`.
        x_label: of the axis, with its unit.
        scale: of the axis; categories stand side by side in the order of the file.
        lines: a parameter, `case` or `target`, whose values are curves; absent: one curve.
        y: numbers of `metrics/headline.json`, or of a target in `metrics/evaluate.json`; a panel for each.
        densities: whether a panel shows the PDFs of the predictions.
    """

    x: str
    x_label: str
    scale: Literal["linear", "log", "categories"] = "linear"
    lines: str | None = None
    y: Annotated[tuple[str, ...], NotEmpty, Distinct] = ("pearson",)
    densities: bool = False


@dataclass(frozen=True, config=STRICT)
class Sweep:
    """A grid of experiments, its repeats and its figure.

    Attributes:
        title: what varies.
        thesis: where the thesis shows it, and what it states.
        set: values that hold at all points, by parameter.
        grid: values by parameter; every combination is a point.
        cases: parameters that change together, another axis of the grid; none: no such axis.
        seeds: of `train.seed`; a repeat for each.
        folds: rotated splits, so that the test copies of all of them are predicted.
        rotate: where folds are made: inside an experiment (`evaluate.folds`), or one experiment for each.
        figure: what is drawn.
        reference: values of the thesis.
    """

    title: str
    thesis: str
    figure: Figure
    set: dict[str, Value] = Field(default_factory=dict)
    grid: dict[str, Annotated[list[Value], NotEmpty]] = Field(default_factory=dict)
    cases: tuple[Case, ...] = ()
    seeds: Annotated[tuple[NonNegativeInt, ...], NotEmpty, Distinct] = (1,)
    folds: PositiveInt = 1
    rotate: Rotate = "inside"
    reference: tuple[Reference, ...] = ()

    def __post_init__(self) -> None:
        axes = {*self.grid, CASE, TARGET}
        named = [name for name in (self.figure.x, self.figure.lines) if name is not None]
        absent = [name for name in named if name not in axes]
        require(
            not absent,
            f"an axis of the figure is a parameter of the grid, {CASE} or {TARGET}: got {absent}; "
            f"there are {', '.join(sorted(axes))} (figure.x, figure.lines)",
        )
        require(bool(self.grid or self.cases), "a sweep has a grid or cases: got neither (grid, cases)")
        reserved = [key for key in ("train.seed", "evaluate.folds") if key in {*self.grid, *self.set}]
        require(not reserved, f"repeats are stated as seeds and folds: got {reserved} (seeds, folds)")


def sweep_names(folder: Path = Path("sweeps")) -> list[str]:
    """The sweeps that there are."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load_sweep(name: str, folder: Path = Path("sweeps")) -> Sweep:
    """Read and check a sweep.

    Args:
        name: of the sweep: the file `<folder>/<name>.yaml`.
        folder: of the sweeps.

    Raises:
        ParamsError: for a name that does not exist, and for any broken rule.
    """
    if name not in sweep_names(folder):
        names = ", ".join(sweep_names(folder)) or f"none in {folder.absolute()}; go to the repository's root"
        raise ParamsError(f"no such sweep: got {name!r}; there are {names}")
    path = folder / f"{name}.yaml"
    return validate(Sweep, parameter_files.read(path), path)


def change_sweep(sweep: Sweep, changes: Sequence[str]) -> Sweep:
    """Put values in place of those of a sweep.

    Args:
        sweep: as it is declared.
        changes: "model.n_rec=0,1,2" replaces the values of a parameter of the grid, "train.lr=0.01" sets one for all
            points, "seeds=1,2" and "folds=3" are the repeats.

    Raises:
        ParamsError: for several values of a parameter that is not in the grid, and where a value breaks a rule.
    """
    grid, fixed, repeats = dict(sweep.grid), dict(sweep.set), {}
    for change in changes:
        key, values = _parse(change)
        if key in grid:
            grid[key] = values
        elif key == "seeds":
            repeats[key] = tuple(values)
        elif len(values) == 1:
            target: dict[str, Any] = repeats if key in {"folds", "rotate"} else fixed
            target[key] = values[0]
        else:
            raise ParamsError(
                f"several values belong to a parameter of the grid, {', '.join(grid) or 'none here'}: got {change!r}; "
                "write a sweep of your own (sweeps/<name>.yaml)"
            )
    return _replace(sweep, {"grid": grid, "set": fixed, **repeats})


def _replace(sweep: Sweep, changes: Mapping[str, Any]) -> Sweep:
    try:
        return replace(sweep, **changes)
    except ValueError as error:
        raise ParamsError(f"a change of a sweep breaks its rules: {error}") from None


def _parse(change: str) -> tuple[str, list[Any]]:
    key, equals, text = change.partition("=")
    if not equals:
        raise ParamsError(f"a change of a sweep is KEY=VALUES, such as model.n_rec=0,1,2: got {change!r}")
    values = OmegaConf.to_container(OmegaConf.create(f"values: [{text}]"))
    return key, values["values"]  # type: ignore[index,call-overload,return-value]
