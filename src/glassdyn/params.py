"""The parameters of a run: `params.yaml` as frozen dataclasses, refused where they make no sense.

Field comments with units are in `params.yaml`, which is the user's page. Types are strict: an
unknown or a missing key, a string where a number belongs, an integer written as 3.0 are errors.
"""

import json
from itertools import combinations
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from glassdyn import label_names
from glassdyn.errors import GlassdynError

__all__ = [
    "Coarse",
    "Describe",
    "Descriptors",
    "Equilibrate",
    "Evaluate",
    "Graph",
    "Hops",
    "Isoconfigurational",
    "Liquid",
    "Loss",
    "Model",
    "Params",
    "ParamsError",
    "Pca",
    "Potential",
    "Record",
    "Simulation",
    "Split",
    "Train",
    "Wavelets",
    "load",
]

STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

SIDE = 4
"""Scales of trajectory that a wavelet needs on both sides of the frame."""


class ParamsError(GlassdynError):
    """Parameters that break a rule; the message names the rule, the value and the way out."""


def require(holds: bool, rule: str) -> None:
    """Raise `ValueError(rule)` unless the rule holds."""
    if not holds:
        raise ValueError(rule)


def require_positive(section: object, name: str, *keys: str) -> None:
    """Every key of the section must be above zero."""
    for key in keys:
        value = getattr(section, key)
        require(value > 0, f"must be above 0: got {value} (params.yaml: {name}.{key})")


@dataclass(frozen=True, config=STRICT)
class Liquid:
    """The Kob-Andersen 80:20 mixture (thesis 2.1)."""

    particles: int
    density: float
    temperature: float

    def __post_init__(self) -> None:
        require_positive(self, "liquid", "particles", "density", "temperature")
        require(
            self.particles >= 5,
            "an 80:20 mixture needs at least 5 particles, of which every fifth is B: "
            f"got {self.particles} (params.yaml: liquid.particles)",
        )

    @property
    def box_length(self) -> float:
        """L = (N / rho)^(1/3), units of sigma_AA."""
        return float((self.particles / self.density) ** (1 / 3))


@dataclass(frozen=True, config=STRICT)
class Potential:
    """Lennard-Jones, cut and smoothed (thesis 2.1; spec section 1)."""

    truncation: Literal["xplor", "shift"]
    r_on: float
    r_cut: float
    spline_points: int

    def __post_init__(self) -> None:
        require_positive(self, "potential", "r_on", "r_cut")
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


@dataclass(frozen=True, config=STRICT)
class Simulation:
    """What every run of molecular dynamics shares."""

    engine: Literal["lammps", "hoomd"]
    timestep: float
    frame_steps: int
    tau_alpha: float
    thermostat_time: float
    checkpoint_steps: int
    copies: int
    samples: int
    seed: int

    def __post_init__(self) -> None:
        require_positive(self, "simulation", "timestep", "frame_steps", "tau_alpha", "copies")
        require_positive(self, "simulation", "thermostat_time", "checkpoint_steps", "samples")
        require(self.seed >= 0, f"must not be negative: got {self.seed} (params.yaml: simulation.seed)")

    @property
    def frame_time(self) -> float:
        """Time from one frame to the next, units of tau."""
        return self.frame_steps * self.timestep

    def steps(self, tau_alphas: float) -> int:
        """Steps in a duration given in units of the declared tau_alpha."""
        return round(tau_alphas * self.tau_alpha / self.timestep)

    def intervals(self, tau_alphas: float) -> int:
        """Frame intervals in a duration: an even number, so that one frame is the middle."""
        return 2 * round(tau_alphas * self.tau_alpha / (2 * self.frame_time))


@dataclass(frozen=True, config=STRICT)
class Equilibrate:
    """Preparation of a copy (thesis 2.1)."""

    melt_temperature: float
    melt: float
    thermalise: float
    equilibrate: float

    def __post_init__(self) -> None:
        require_positive(self, "equilibrate", "melt_temperature", "melt", "thermalise", "equilibrate")


@dataclass(frozen=True, config=STRICT)
class Record:
    """Sampling of a copy (thesis 2.1)."""

    decorrelate: float
    duration: float

    def __post_init__(self) -> None:
        require_positive(self, "record", "decorrelate", "duration")


@dataclass(frozen=True, config=STRICT)
class Isoconfigurational:
    """The isoconfigurational ensemble (thesis chapter 4)."""

    runs: int
    samples_per_copy: int
    duration: float
    times: tuple[float, ...]

    def __post_init__(self) -> None:
        require(
            self.runs == 0 or self.runs >= 2,
            f"needs 0 runs, for none, or at least 2 to compare: got {self.runs} (params.yaml: isoconfigurational.runs)",
        )
        require_positive(self, "isoconfigurational", "samples_per_copy", "duration")
        beyond = [time for time in self.times if not 0 < time <= self.duration / 2]
        require(
            not beyond,
            "a time of the propensity lies in the second half of a run, 0 < time <= duration / 2: "
            f"got {beyond} for a duration of {self.duration} (params.yaml: isoconfigurational.times)",
        )
        require(
            len(set(self.times)) == len(self.times),
            f"times of the propensity are distinct: got {list(self.times)} (params.yaml: isoconfigurational.times)",
        )


@dataclass(frozen=True, config=STRICT)
class Descriptors:
    """Bins of the per-particle radial distributions (thesis 2.6)."""

    r_min: float
    r_max: float
    bins: int
    edges: tuple[float, ...]

    def __post_init__(self) -> None:
        require_positive(self, "descriptors", "r_min", "bins")
        require(
            self.r_min < self.r_max,
            f"the bins need r_min < r_max: got {self.r_min} >= {self.r_max} (params.yaml: descriptors.r_min)",
        )
        edges = list(self.edges)
        require(
            not edges or (len(edges) > 1 and edges[0] > 0 and edges == sorted(set(edges))),
            f"bin edges are two at least, above 0 and increasing, or [] for bins of equal width: got {edges} "
            "(params.yaml: descriptors.edges)",
        )

    @property
    def per_species(self) -> int:
        """Bins for each species."""
        return len(self.edges) - 1 if self.edges else self.bins

    @property
    def longest(self) -> float:
        """The last edge, units of sigma_AA."""
        return self.edges[-1] if self.edges else self.r_max


@dataclass(frozen=True, config=STRICT)
class Describe:
    """Descriptors beside the thesis's; see `features.descriptors`, `features.averages`, `features.inherent`."""

    smooth: float
    generations: int
    r_average: float
    inherent: bool

    def __post_init__(self) -> None:
        for key in ("smooth", "generations"):
            value = getattr(self, key)
            require(value >= 0, f"must not be negative: got {value} (params.yaml: describe.{key})")
        require_positive(self, "describe", "r_average")

    @property
    def adds_columns(self) -> bool:
        """Whether structure tables have columns beside the thesis's."""
        return self.smooth > 0 or self.generations > 0 or self.inherent


@dataclass(frozen=True, config=STRICT)
class Pca:
    """Principal components of type and descriptors (thesis 2.2)."""

    components: int

    def __post_init__(self) -> None:
        require_positive(self, "pca", "components")


@dataclass(frozen=True, config=STRICT)
class Hops:
    """The hop indicator p_hop (thesis 2.15)."""

    p_c: float
    t_f: float
    min_segment: int
    weight: Literal["none", "barycentric"]

    def __post_init__(self) -> None:
        require_positive(self, "hops", "p_c", "t_f")
        require(
            self.min_segment >= 2,
            f"a segment holds at least 2 frames: got {self.min_segment} (params.yaml: hops.min_segment)",
        )


@dataclass(frozen=True, config=STRICT)
class Wavelets:
    """Scales of the wavelet transform (thesis 2.16), frames."""

    scales: tuple[int, ...]

    def __post_init__(self) -> None:
        require(
            len(self.scales) > 0 and min(self.scales) > 0,
            f"at least one scale, each above 0: got {list(self.scales)} (params.yaml: wavelets.scales)",
        )
        require(
            list(self.scales) == sorted(set(self.scales)),
            f"scales increase: got {list(self.scales)} (params.yaml: wavelets.scales)",
        )


@dataclass(frozen=True, config=STRICT)
class Coarse:
    """Labels averaged over Gaussian neighbourhoods; see `labels.coarse`."""

    lengths: tuple[float, ...]

    def __post_init__(self) -> None:
        require(
            all(length > 0 for length in self.lengths) and len(set(self.lengths)) == len(self.lengths),
            f"lengths are distinct and above 0: got {list(self.lengths)} (params.yaml: coarse.lengths)",
        )


@dataclass(frozen=True, config=STRICT)
class Split:
    """Copies of each part: a copy belongs to one part, or to none."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]

    def __post_init__(self) -> None:
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        for name, copies in parts.items():
            require(
                len(copies) > 0 and len(set(copies)) == len(copies),
                f"needs distinct copies, at least one: got {list(copies)} (params.yaml: split.{name})",
            )
        for one, other in combinations(parts, 2):
            shared = set(parts[one]) & set(parts[other])
            require(
                not shared,
                "a copy belongs to one part only: "
                f"{sorted(shared)} in both split.{one} and split.{other} (params.yaml: split)",
            )


@dataclass(frozen=True, config=STRICT)
class Graph:
    """Edges and node features of a snapshot (thesis 2.4 to 2.7)."""

    r_threshold: float
    edges: Literal["distance", "vector"]
    self_edges: bool
    nodes: Literal["type", "full", "extended", "pca"]

    def __post_init__(self) -> None:
        require_positive(self, "graph", "r_threshold")


@dataclass(frozen=True, config=STRICT)
class Model:
    """The network (thesis 2.3)."""

    kind: Literal["graph_network", "attention", "radial_filter", "equivariant"]
    n_rec: int
    shared: bool
    hidden: tuple[int, ...]
    heads: int

    def __post_init__(self) -> None:
        require(self.n_rec >= 0, f"must not be negative: got {self.n_rec} (params.yaml: model.n_rec)")
        require(
            len(self.hidden) > 0 and min(self.hidden) > 0,
            f"at least one layer, each above 0: got {list(self.hidden)} (params.yaml: model.hidden)",
        )
        require(self.heads > 0, f"must be above 0: got {self.heads} (params.yaml: model.heads)")
        require(
            self.kind != "attention" or self.hidden[-1] % self.heads == 0,
            f"attention has {self.heads} heads, which share the last width equally: "
            f"got {list(self.hidden)} (params.yaml: model.hidden)",
        )
        require(
            self.kind != "equivariant" or not self.shared,
            "convolutions of the equivariant model differ in their features and cannot share weights: "
            "got true; set it to false (params.yaml: model.shared)",
        )


@dataclass(frozen=True, config=STRICT)
class Loss:
    """The squared error, plain or re-weighted (thesis 2.18 to 2.21)."""

    targets: tuple[str, ...]
    alpha: float
    bins: int

    def __post_init__(self) -> None:
        require(
            len(self.targets) > 0 and len(set(self.targets)) == len(self.targets),
            f"needs distinct targets, at least one: got {list(self.targets)} (params.yaml: loss.targets)",
        )
        require(
            0 <= self.alpha <= 1,
            f"alpha lies in [0, 1]: got {self.alpha} (params.yaml: loss.alpha)",
        )
        require_positive(self, "loss", "bins")


@dataclass(frozen=True, config=STRICT)
class Train:
    """Gradient descent and when it stops (thesis 2.5)."""

    lr: float
    clip: float
    record_every: int
    patience: int
    max_steps: int
    select_on: Literal["validation", "test"]
    schedule: Literal["constant", "cosine"]
    batch: int
    subgraph: int
    augment: bool
    precision: Literal["float32", "tf32", "bf16"]
    seed: int

    def __post_init__(self) -> None:
        require_positive(self, "train", "lr", "clip", "record_every", "patience", "max_steps", "batch")
        require(
            self.subgraph >= 0, f"must not be negative: got {self.subgraph} (params.yaml: train.subgraph)"
        )
        require(self.seed >= 0, f"must not be negative: got {self.seed} (params.yaml: train.seed)")


@dataclass(frozen=True, config=STRICT)
class Evaluate:
    """Errors of the test correlations, and the scales they are taken on."""

    subsets: int
    block_length: float
    resamples: int
    confidence: float
    lengths: tuple[float, ...]
    seed: int

    def __post_init__(self) -> None:
        require_positive(self, "evaluate", "subsets", "block_length", "resamples")
        require(
            0 < self.confidence < 1,
            f"a confidence lies between 0 and 1: got {self.confidence} (params.yaml: evaluate.confidence)",
        )
        require(
            len(self.lengths) > 0 and min(self.lengths) >= 0,
            f"at least one length, none negative: got {list(self.lengths)} (params.yaml: evaluate.lengths)",
        )
        require(self.seed >= 0, f"must not be negative: got {self.seed} (params.yaml: evaluate.seed)")


@dataclass(frozen=True, config=STRICT)
class Params:
    """All parameters; the rules between sections are checked here."""

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

    def __post_init__(self) -> None:
        self._check_box()
        self._check_windows()
        self._check_copies()
        self._check_targets()
        require(
            self.graph.nodes != "extended" or self.describe.adds_columns,
            "extended node features are those of describe: got smooth 0, generations 0 and inherent false "
            "(params.yaml: graph.nodes; take full, or switch one of describe on)",
        )
        require(
            not self.train.augment or self.graph.edges == "vector",
            "augmentation turns the vectors of edges, and distances stay what they are: "
            f"got graph.edges {self.graph.edges} (params.yaml: train.augment)",
        )
        features = 1 + 2 * self.descriptors.per_species
        require(
            self.pca.components <= features,
            f"at most {features} components exist, 1 + 2 bins: "
            f"got {self.pca.components} (params.yaml: pca.components)",
        )

    def _check_box(self) -> None:
        box_length = self.liquid.box_length
        reach = max(
            self.descriptors.longest, self.describe.r_average, self.potential.r_cut, self.graph.r_threshold
        )
        fewest = 5 * -int(-((2 * reach) ** 3 * self.liquid.density) // 5)
        require(
            box_length >= 2 * reach,
            "the box must hold two of the longest range, L >= 2 max(the last bin edge, describe.r_average, potential.r_cut, "
            f"graph.r_threshold): got L = {box_length:.3f} < {2 * reach:.3f}; take at least {fewest} "
            "particles (params.yaml: liquid.particles)",
        )
        beyond = [length for length in self.evaluate.lengths if length > box_length / 4]
        require(
            not beyond,
            "a box must hold several regions to average over, lengths <= L / 4: "
            f"got {beyond} in L = {box_length:.3f} (params.yaml: evaluate.lengths)",
        )
        require(
            box_length >= 2 * self.evaluate.block_length,
            "the bootstrap draws at least 8 blocks of a box, block_length <= L / 2: "
            f"got {self.evaluate.block_length} in L = {box_length:.3f} (params.yaml: evaluate.block_length)",
        )

    def _check_windows(self) -> None:
        self._check_window("record", self.record.duration)
        if self.isoconfigurational.runs:
            self._check_window("isoconfigurational", self.isoconfigurational.duration)

    def _check_window(self, section: str, duration: float) -> None:
        half = self.simulation.intervals(duration) // 2
        require(
            half >= SIDE * self.wavelets.scales[-1],
            f"a scale needs {SIDE} scales of trajectory on both sides of the middle frame: got "
            f"{self.wavelets.scales[-1]} frames in a window of 2 x {half}; the longest that fits is {half // SIDE} "
            f"(params.yaml: wavelets.scales), or run longer (params.yaml: {section}.duration)",
        )
        require(
            2 * half + 1 >= 2 * self.hops.min_segment - 1,
            "the window must hold two segments: "
            f"got min_segment {self.hops.min_segment} in {2 * half + 1} frames (params.yaml: hops.min_segment)",
        )

    @property
    def labels(self) -> list[str]:
        """Names of all labels of this run: of single windows, averaged in space, and means over runs."""
        single = label_names.of_window(self.wavelets.scales)
        labels = [*single, *label_names.coarse(single, self.coarse.lengths)]
        if self.isoconfigurational.runs:
            labels += label_names.means([*single, *label_names.propensities(self.isoconfigurational.times)])
        return labels

    def _check_targets(self) -> None:
        absent = [target for target in self.loss.targets if target not in self.labels]
        require(
            not absent,
            f"the labels of this run are {', '.join(self.labels)}: got {absent} (params.yaml: loss.targets; or "
            "change wavelets.scales, coarse.lengths, isoconfigurational.runs or isoconfigurational.times)",
        )
        with_runs, samples = self.isoconfigurational.samples_per_copy, self.simulation.samples
        require(
            with_runs >= samples or not any(map(label_names.is_mean, self.loss.targets)),
            "means over isoconfigurational runs are learnt from every sample, samples_per_copy >= "
            f"simulation.samples: got {with_runs} < {samples} (params.yaml: isoconfigurational.samples_per_copy)",
        )

    def _check_copies(self) -> None:
        used = (*self.split.train, *self.split.validation, *self.split.test)
        absent = sorted(copy for copy in used if not 0 <= copy < self.simulation.copies)
        require(
            not absent,
            f"the split names copies 0 to {self.simulation.copies - 1}: got {absent} "
            "(params.yaml: split; or raise simulation.copies)",
        )


def load(path: Path = Path("params.yaml")) -> Params:
    """Read and check the parameters.

    Raises:
        ParamsError: for a missing or unreadable file, or any broken rule; all broken rules of one
            level are named at once.
    """
    try:
        tree = YAML(typ="safe").load(path)
        return TypeAdapter(Params).validate_json(json.dumps(tree))
    except ValidationError as error:
        lines = (_line(path, dict(item)) for item in error.errors(include_url=False))
        raise ParamsError("\n".join(lines)) from None
    except FileNotFoundError:
        raise ParamsError(f"there is no {path.absolute()}; go to the repository's root") from None
    except (OSError, YAMLError, TypeError) as error:
        raise ParamsError(f"{path} is not a readable YAML file: {error}") from None


def _line(path: Path, item: dict[str, object]) -> str:
    if item["type"] == "value_error":
        return str(item["msg"]).removeprefix("Value error, ")
    location = item["loc"]
    key = ".".join(map(str, location)) if isinstance(location, tuple) else str(location)
    if item["type"] == "missing":
        return f"every key must be given: {key} is missing ({path})"
    if item["type"] == "unexpected_keyword_argument":
        return f"no such parameter: {key} ({path}); see the comments there for the names that exist"
    return f"{str(item['msg'])[:1].lower()}{str(item['msg'])[1:]}: got {item['input']!r} ({path}: {key})"
