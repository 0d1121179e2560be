"""The parameters of a run: `params.yaml` as frozen dataclasses, refused where they make no sense.

Field comments with units are in `params.yaml`, which is the user's page. Types are strict: an unknown or a missing
key, a string where a number belongs, an integer written as 3.0 are errors. Nothing is computed here, for no result
depends on this package: neither DVC nor the store of jobs looks at it.
"""

from collections.abc import Sequence
from dataclasses import fields
from itertools import combinations
from pathlib import Path
from typing import Annotated, Literal, Protocol, get_args, runtime_checkable

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from glassdyn import label_names, parameter_files
from glassdyn.constraints import STRICT, Distinct, Increasing, NotEmpty, require, validate
from glassdyn.parameter_files import ParamsError
from glassdyn.params.rules import check_rules

__all__ = [
    "INHERENT_FIELDS",
    "STRICT",
    "Coarse",
    "Describe",
    "Descriptors",
    "Equilibrate",
    "Evaluate",
    "Graph",
    "Hops",
    "Isoconfigurational",
    "LabelSection",
    "Liquid",
    "Loss",
    "Model",
    "Params",
    "ParamsError",
    "Pca",
    "Potential",
    "Raw",
    "Record",
    "Simulation",
    "Split",
    "Train",
    "Wavelets",
    "load",
]

SMOOTH_FROM = 0.99
"""r_on / r_cut at the most: the force changes over a width that a timestep resolves."""

UnitInterval = Annotated[float, Field(ge=0, le=1)]
Probability = Annotated[float, Field(gt=0, lt=1)]
Copies = Annotated[tuple[NonNegativeInt, ...], NotEmpty, Distinct]
DistinctFloats = Annotated[tuple[PositiveFloat, ...], Distinct]
IncreasingFloats = Annotated[tuple[PositiveFloat, ...], Increasing]
IncreasingInts = Annotated[tuple[PositiveInt, ...], NotEmpty, Increasing]
InherentField = Literal[
    "inherent_energy",
    "inherent_displacement",
    "debye_waller",
    "minima_energy",
    "minima_displacement",
    "minima_fluctuation",
]
FieldName = InherentField | Literal["energy", "force", "cage_displacement", "cage_fluctuation", "cage_energy"]
Fields = Annotated[tuple[FieldName, ...], Distinct]
Names = Annotated[tuple[str, ...], NotEmpty, Distinct]
Composition = Annotated[tuple[PositiveInt, ...], Field(min_length=2, max_length=2)]
SpeciesNames = Annotated[str, Field(pattern=r"^([^=,]+=[AB](,[^=,]+=[AB])*)?$")]
ArrayNames = Annotated[str, Field(pattern=r"^([a-z]+=[^=,]+(,[a-z]+=[^=,]+)*)?$")]
Widths = Annotated[tuple[PositiveInt, ...], NotEmpty]

INHERENT_FIELDS: tuple[str, ...] = get_args(InherentField)
"""Those of `describe.fields` that belong to the inherent structure."""


@runtime_checkable
class LabelSection(Protocol):
    """A section whose parameters determine labels of one window; it states their names."""

    @property
    def labels(self) -> list[str]:
        """Names of the labels, in the order of their columns."""


@dataclass(frozen=True, config=STRICT)
class Liquid:
    """The Kob-Andersen 80:20 mixture (thesis 2.1)."""

    particles: Annotated[int, Field(ge=5)]
    density: PositiveFloat
    temperature: PositiveFloat


@dataclass(frozen=True, config=STRICT)
class Potential:
    """Lennard-Jones, cut and smoothed (thesis 2.1; spec section 1); or none that is known, of a data set."""

    truncation: Literal["xplor", "shift", "none"]
    r_on: PositiveFloat
    r_cut: PositiveFloat
    spline_points: NonNegativeInt

    def __post_init__(self) -> None:
        require(
            self.spline_points == 0 or self.spline_points >= 1000,
            "a spline of the forces needs 0 points, for none, or at least 1000: "
            f"got {self.spline_points} (params.yaml: potential.spline_points)",
        )
        require(
            self.r_on < self.r_cut,
            "the smoothing must start before the cutoff, r_on < r_cut: "
            f"got {self.r_on} >= {self.r_cut} (params.yaml: potential.r_on)",
        )
        require(
            self.r_on <= SMOOTH_FROM * self.r_cut,
            f"the smoothing needs room to be smooth, r_on <= {SMOOTH_FROM} r_cut: "
            f"got {self.r_on} for the cutoff {self.r_cut} (params.yaml: potential.r_on)",
        )


@dataclass(frozen=True, config=STRICT)
class Simulation:
    """What every run of molecular dynamics shares."""

    engine: Literal["lammps", "hoomd"]
    timestep: PositiveFloat
    frame_steps: PositiveInt
    tau_alpha: PositiveFloat
    thermostat_time: PositiveFloat
    checkpoint_steps: PositiveInt
    copies: PositiveInt
    samples: PositiveInt
    seed: NonNegativeInt


@dataclass(frozen=True, config=STRICT)
class Equilibrate:
    """Preparation of a copy (thesis 2.1)."""

    melt_temperature: PositiveFloat
    melt: PositiveFloat
    thermalise: PositiveFloat
    equilibrate: PositiveFloat


@dataclass(frozen=True, config=STRICT)
class Record:
    """Sampling of a copy (thesis 2.1)."""

    decorrelate: PositiveFloat
    duration: PositiveFloat


@dataclass(frozen=True, config=STRICT)
class Isoconfigurational:
    """The isoconfigurational ensemble (thesis chapter 4)."""

    runs: NonNegativeInt
    samples_per_copy: PositiveInt
    duration: PositiveFloat
    times: DistinctFloats

    def __post_init__(self) -> None:
        beyond = [time for time in self.times if time > self.duration / 2]
        require(
            self.runs != 1,
            "needs 0 runs, for none, or at least 2 to compare: "
            f"got {self.runs} (params.yaml: isoconfigurational.runs)",
        )
        require(
            not beyond,
            "a time of the propensity lies in the second half of a run, 0 < time <= duration / 2: "
            f"got {beyond} for a duration of {self.duration} (params.yaml: isoconfigurational.times)",
        )


@dataclass(frozen=True, config=STRICT)
class Descriptors:
    """Bins of the per-particle radial distributions (thesis 2.6)."""

    r_min: PositiveFloat
    r_max: PositiveFloat
    bins: PositiveInt
    edges: IncreasingFloats

    def __post_init__(self) -> None:
        require(
            self.r_min < self.r_max,
            f"the bins need r_min < r_max: got {self.r_min} >= {self.r_max} (params.yaml: descriptors.r_min)",
        )
        require(
            len(self.edges) != 1,
            "bin edges are two at least, or [] for bins of equal width: "
            f"got {list(self.edges)} (params.yaml: descriptors.edges)",
        )


@dataclass(frozen=True, config=STRICT)
class Describe:
    """Columns beside the thesis's descriptors; see `features.describe`."""

    smooth: NonNegativeFloat
    generations: NonNegativeInt
    r_average: PositiveFloat
    inherent: bool
    fields: Fields
    shells: NonNegativeFloat
    shell_width: PositiveFloat
    minima: PositiveInt
    minima_time: PositiveFloat
    cage_runs: PositiveInt
    cage_time: PositiveFloat
    r_local: NonNegativeFloat
    lengths: DistinctFloats

    @property
    def reads_minimum(self) -> bool:
        """Whether a column belongs to the inherent structure."""
        return self.inherent or any(field in INHERENT_FIELDS for field in self.fields)

    def __post_init__(self) -> None:
        require(
            self.shells == 0 or self.shell_width <= self.shells,
            "the shells need at least one, shell_width <= shells: "
            f"got {self.shell_width} > {self.shells} (params.yaml: describe.shell_width)",
        )


@dataclass(frozen=True, config=STRICT)
class Pca:
    """Principal components of type and descriptors (thesis 2.2)."""

    components: PositiveInt


@dataclass(frozen=True, config=STRICT)
class Hops:
    """The hop indicator p_hop (thesis 2.15)."""

    p_c: PositiveFloat
    t_f: PositiveFloat
    min_segment: Annotated[int, Field(ge=2)]
    weight: Literal["none", "barycentric"]

    @property
    def labels(self) -> list[str]:
        """The indicator itself."""
        return ["p_hop"]


@dataclass(frozen=True, config=STRICT)
class Wavelets:
    """Scales of the wavelet transform (thesis 2.16), frames."""

    scales: IncreasingInts

    @property
    def labels(self) -> list[str]:
        """One for each scale."""
        return [f"cwt_{scale}" for scale in self.scales]


@dataclass(frozen=True, config=STRICT)
class Coarse:
    """Labels averaged over Gaussian neighbourhoods; see `labels.coarse_graining`."""

    lengths: DistinctFloats


@dataclass(frozen=True, config=STRICT)
class Split:
    """Copies of each part: a copy belongs to one part, or to none."""

    train: Copies
    validation: Copies
    test: Copies

    def __post_init__(self) -> None:
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        for first, second in combinations(parts, 2):
            shared = sorted(set(parts[first]) & set(parts[second]))
            require(
                not shared,
                "a copy belongs to one part only: "
                f"got {shared} in both split.{first} and split.{second} (params.yaml: split)",
            )


@dataclass(frozen=True, config=STRICT)
class Graph:
    """Edges and node features of a snapshot (thesis 2.4 to 2.7)."""

    r_threshold: PositiveFloat
    edges: Literal["distance", "vector"]
    self_edges: bool
    nodes: Literal[
        "type", "full", "extended", "pca", "local", "shells", "local+radial", "shells+radial", "local+shells"
    ]
    positions: Literal["thermal", "inherent"]
    standardise: Literal["training_set", "snapshot"]


@dataclass(frozen=True, config=STRICT)
class Model:
    """What regresses the labels: a network (thesis 2.3), or a regression on node features alone."""

    kind: Literal["graph_network", "attention", "radial_filter", "equivariant", "ridge", "boosting"]
    n_rec: NonNegativeInt
    shared: bool
    hidden: Widths
    heads: PositiveInt
    linear: bool

    def __post_init__(self) -> None:
        require(
            self.kind != "attention" or self.hidden[-1] % self.heads == 0,
            f"attention has {self.heads} heads, which share the last width equally: "
            f"got {list(self.hidden)} (params.yaml: model.hidden), or change model.heads",
        )
        require(
            self.kind != "equivariant" or not self.shared,
            "convolutions of the equivariant model differ in their features and cannot share weights: "
            "got true; set it to false (params.yaml: model.shared)",
        )
        require(
            self.is_network or not self.linear,
            "a network learns what a ridge regression leaves, and no other kind does: "
            f"got kind {self.kind}; set it to false (params.yaml: model.linear)",
        )

    @property
    def is_network(self) -> bool:
        """Whether it is trained by gradient descent from random weights."""
        return self.kind not in {"ridge", "boosting"}


@dataclass(frozen=True, config=STRICT)
class Loss:
    """The squared error, plain or re-weighted (thesis 2.18 to 2.21)."""

    targets: Names
    standardise: Literal["training_set", "snapshot"]
    alpha: UnitInterval
    bins: PositiveInt


@dataclass(frozen=True, config=STRICT)
class Train:
    """Gradient descent and when it stops (thesis 2.5)."""

    lr: PositiveFloat
    clip: PositiveFloat
    record_every: PositiveInt
    patience: PositiveInt
    max_steps: PositiveInt
    select_on: Literal["validation", "test"]
    schedule: Literal["constant", "cosine"]
    weight_decay: NonNegativeFloat
    batch: PositiveInt
    subgraph: NonNegativeInt
    augment: bool
    precision: Literal["float32", "tf32", "bf16"]
    seed: NonNegativeInt
    seeds: PositiveInt


@dataclass(frozen=True, config=STRICT)
class Evaluate:
    """Which copies are tested; errors of the test correlations, and the scales they are taken on."""

    folds: PositiveInt
    subsets: PositiveInt
    block_length: PositiveFloat
    resamples: PositiveInt
    confidence: Probability
    lengths: Annotated[tuple[NonNegativeFloat, ...], NotEmpty]
    overlap: PositiveFloat
    seed: NonNegativeInt


@dataclass(frozen=True, config=STRICT)
class Raw:
    """Files of other programs that a data set begins with: what they do not say, and how they become copies."""

    composition: Composition
    species: SpeciesNames
    topology: str
    keys: ArrayNames
    timestep: NonNegativeFloat
    unwrapped: bool
    blocks: PositiveInt


@dataclass(frozen=True, config=STRICT)
class Published:
    """A published set, whose labels are propensities and, of GlassBench, shares of the bonds that are left."""

    name: Literal["botan", "glassbench"]


@dataclass(frozen=True, config=STRICT)
class Params:
    """All parameters; `raw` and `published` are sections of data sets alone."""

    liquid: Liquid
    potential: Potential
    simulation: Simulation
    equilibrate: Equilibrate
    record: Record
    isoconfigurational: Isoconfigurational
    descriptors: Descriptors
    describe: Describe
    pca: Pca
    hops: Hops
    wavelets: Wavelets
    coarse: Coarse
    split: Split
    graph: Graph
    model: Model
    loss: Loss
    train: Train
    evaluate: Evaluate
    raw: Raw | None = None
    published: Published | None = None

    def __post_init__(self) -> None:
        check_rules(self)

    @property
    def labels(self) -> list[str]:
        """Names of all labels of this run: of single windows, averaged in space, and means over runs."""
        times = self.isoconfigurational.times
        if self.published:
            bonds = label_names.bond_breakings(times) if self.published.name == "glassbench" else []
            return [*label_names.propensities(times), *bonds]
        sections = [getattr(self, field.name) for field in fields(self)]
        single = [label for each in sections if isinstance(each, LabelSection) for label in each.labels]
        labels = [*single, *label_names.coarse(single, self.coarse.lengths)]
        if self.isoconfigurational.runs:
            labels += label_names.means([*single, *label_names.propensities(times)])
        return labels


def load(path: Path = Path("params.yaml"), overrides: Sequence[str] = ()) -> Params:
    """Read and check the parameters.

    Args:
        path: the file.
        overrides: values in place of the file's, such as "model.n_rec=3"; see `parameter_files.read`.

    Raises:
        ParamsError: for a missing or unreadable file, an override of a key that does not exist, or any broken rule;
            all broken rules of one level are named at once.
    """
    return validate(Params, parameter_files.read(path, overrides), path)
