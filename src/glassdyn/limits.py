"""Bounds of numbers in `params.yaml`: what no machine holds, and what no engine integrates, is refused at once.

They are far from what anybody would compute, so that only slips of the pen meet them. Ranges that physics or geometry
set stand with the sections in `params`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["LIMITS", "Limit", "broken_limits"]


class Limit(NamedTuple):
    """A range of a number, or of each number of a list, and why there is one."""

    lowest: float
    highest: float
    reason: str


ANY_FLOAT = Limit(0.0, 1e9, "units are Lennard-Jones units, in which quantities are of order 1")
ANY_INTEGER = Limit(0, 2**63 - 1, "integers have 64 bits")

TEMPERATURE = Limit(
    1e-3, 10.0, "hotter particles pass through each other within the timesteps of this liquid"
)
DURATION = Limit(1e-6, 1e6, "years on any machine")
JOBS = Limit(0, 1000, "each is a run of its own")
SEED_32 = Limit(0, 2**32 - 1, "generators of other libraries take 32 bits")
SMOOTHING = Limit(0.0, 1e3, "no box is longer")

LIMITS: Mapping[str, Limit] = {
    "liquid.particles": Limit(5, 10**7, "a frame has 120 MB then"),
    "liquid.density": Limit(
        1e-3, 3.0, "denser liquids of this potential cannot be made from random positions"
    ),
    "liquid.temperature": TEMPERATURE,
    "potential.r_cut": Limit(1.0, 10.0, "particles have the diameter 1, and the force is below 1e-6 at 10"),
    "potential.spline_points": Limit(0, 10**6, "forces from 4000 points are good to 1e-6"),
    "simulation.timestep": Limit(
        1e-6, 0.02, "collisions last 0.1 tau: longer steps do not conserve the energy"
    ),
    "simulation.frame_steps": Limit(1, 10**9, "years on any machine"),
    "simulation.tau_alpha": Limit(1e-3, 1e9, "years on any machine"),
    "simulation.checkpoint_steps": Limit(1, 10**9, "a killed run would begin anew"),
    "simulation.copies": JOBS,
    "simulation.samples": JOBS,
    "equilibrate.melt_temperature": TEMPERATURE,
    "equilibrate.melt": DURATION,
    "equilibrate.thermalise": DURATION,
    "equilibrate.equilibrate": DURATION,
    "record.decorrelate": DURATION,
    "record.duration": DURATION,
    "isoconfigurational.runs": JOBS,
    "isoconfigurational.samples_per_copy": JOBS,
    "isoconfigurational.duration": DURATION,
    "descriptors.bins": Limit(
        1, 2000, "bins are narrower than positions are sharp, and tables outgrow the memory"
    ),
    "describe.smooth": SMOOTHING,
    "describe.generations": Limit(0, 20, "each is a column as long as the descriptors"),
    "coarse.lengths": SMOOTHING,
    "model.n_rec": Limit(0, 100, "each block has weights and activations of its own"),
    "model.hidden": Limit(
        1, 4096, "weights grow with the square of the width, activations with width and edges"
    ),
    "model.heads": Limit(1, 1024, "they share the last width"),
    "loss.bins": Limit(1, 10**6, "more than there are particles to count"),
    "train.lr": Limit(0.0, 0.1, "the steps of Adam have about this length, and weights are of order 0.1"),
    "train.record_every": Limit(1, 10**9, "years on any machine"),
    "train.patience": Limit(1, 10**9, "years on any machine"),
    "train.max_steps": Limit(1, 10**9, "years on any machine"),
    "train.batch": Limit(1, 10**4, "all of them are in the memory at a time"),
    "train.seed": SEED_32,
    "evaluate.subsets": Limit(1, 10**4, "each holds particles of its own"),
    "evaluate.resamples": Limit(1, 10**6, "errors of the bootstrap's bounds are far below their digits"),
    "evaluate.seed": SEED_32,
}
"""By key."""


def broken_limits(sections: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The bounds that parameters break: one line each, with key, rule, value and reason."""
    return [
        f"must lie between {limit.lowest:g} and {limit.highest:g}: got {value!r}; {limit.reason} (params.yaml: {key})"
        for section, entries in sections.items()
        for key, value in _numbers(section, entries)
        for limit in [_limit(key, value)]
        if not limit.lowest <= value <= limit.highest
    ]


def _limit(key: str, value: float) -> Limit:
    return LIMITS.get(key, ANY_INTEGER if isinstance(value, int) else ANY_FLOAT)


def _numbers(section: str, entries: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, entry in entries.items():
        for value in entry if isinstance(entry, tuple) else (entry,):
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield f"{section}.{name}", value
