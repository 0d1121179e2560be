"""A pipeline so short that a test can run it, a thousandth of the default one; sections of its parameters."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from glassdyn import constraints, parameter_files, params
from glassdyn.params import Params

PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"

PINNED = {
    "liquid": {"particles": 1000, "density": 1.2, "temperature": 0.6},
    "potential": {"truncation": "xplor", "r_on": 2.0, "r_cut": 2.5, "spline_points": 0},
    "simulation": {"timestep": 0.005, "frame_steps": 20, "tau_alpha": 14.0, "copies": 5, "samples": 3},
    "equilibrate": {"melt": 1.0, "thermalise": 1.0, "equilibrate": 12.0},
    "record": {"decorrelate": 2.0, "duration": 3.0},
    "isoconfigurational": {"runs": 0, "samples_per_copy": 1, "times": [0.1, 1.0], "duration": 3.0},
    "descriptors": {"edges": [], "r_min": 0.7, "r_max": 4.7, "bins": 80},
    "describe": {
        "smooth": 0.0,
        "generations": 0,
        "inherent": False,
        "fields": ["energy", "force", "minima_energy", "cage_displacement"],
        "shells": 0.0,
        "r_local": 0.0,
        "lengths": [0.5, 1.0],
    },
    "pca": {"components": 30},
    "hops": {"p_c": 0.23, "t_f": 5.0, "min_segment": 50, "weight": "none"},
    "wavelets": {"scales": [50]},
    "coarse": {"lengths": []},
    "split": {"train": [0, 1, 2], "validation": [3], "test": [4]},
    "graph": {"nodes": "full", "edges": "distance", "positions": "thermal", "standardise": "training_set"},
    "model": {
        "kind": "graph_network",
        "n_rec": 2,
        "hidden": [8, 8],
        "heads": 4,
        "shared": False,
        "linear": False,
    },
    "loss": {"targets": ["p_hop"], "standardise": "training_set", "alpha": 0.0},
    "train": {
        "lr": 0.001,
        "clip": 1.0,
        "record_every": 20,
        "patience": 25,
        "max_steps": 4000,
        "select_on": "validation",
        "schedule": "constant",
        "weight_decay": 0.0,
        "batch": 1,
        "subgraph": 0,
        "augment": False,
        "precision": "float32",
        "seed": 1,
        "seeds": 1,
    },
    "evaluate": {"folds": 1, "block_length": 3.0, "lengths": [0.0, 0.5, 1.0, 2.0]},
}
"""Values that tests rely on, whatever the repository's parameters are."""


def merge(*changes: Mapping[str, Mapping[str, object]]) -> dict[str, dict[str, object]]:
    """Changes in turn, key by key."""
    merged: dict[str, dict[str, object]] = {}
    for sections in changes:
        for name, keys in sections.items():
            merged[name] = {**merged.get(name, {}), **keys}
    return merged


SHORT = merge(
    PINNED,
    {
        "liquid": {"particles": 200},
        "descriptors": {"r_max": 2.6},
        "evaluate": {"block_length": 2.0, "lengths": [0.0, 1.0], "resamples": 100},
        "simulation": {"tau_alpha": 1.0, "copies": 3, "samples": 1, "checkpoint_steps": 300},
        "equilibrate": {"melt": 1.0, "thermalise": 1.0, "equilibrate": 2.0},
        "record": {"decorrelate": 1.0, "duration": 4.4},
        "isoconfigurational": {"runs": 2, "duration": 4.4},
        "describe": {
            "smooth": 0.1,
            "generations": 1,
            "inherent": True,
            "minima": 2,
            "minima_time": 0.2,
            "cage_runs": 2,
            "cage_time": 0.2,
        },
        "hops": {"t_f": 0.4, "min_segment": 4},
        "wavelets": {"scales": [5]},
        "coarse": {"lengths": [1.0]},
        "split": {"train": [0], "validation": [1], "test": [2]},
        "graph": {"nodes": "pca", "positions": "inherent"},
        "loss": {"targets": ["p_hop", "propensity_1"]},
        "train": {"max_steps": 40, "patience": 2},
    },
)


@cache
def default_params() -> Params:
    """The parameters of the repository."""
    return params.load(PARAMS)


@cache
def pinned_params() -> Params:
    """The parameters of the repository with the pinned values."""
    tree = parameter_files.merge(parameter_files.read(PARAMS), PINNED)
    return constraints.validate(Params, tree, PARAMS)


def section(name, **changes):
    """A section of these parameters with some of its keys changed."""
    return dataclasses.replace(getattr(pinned_params(), name), **changes)


def shorten(source: Path, target: Path, changes: Mapping[str, Mapping[str, object]] = SHORT) -> None:
    """Write params.yaml with the changed keys, comments kept."""
    yaml = YAML()
    tree = yaml.load(source)
    for section, keys in changes.items():
        tree[section].update(keys)
    yaml.dump(tree, target)


def recording(value: object, log: set[str], prefix: str = "") -> object:
    """A copy of the parameters whose every read of a leaf is written into the log."""
    names = {field.name for field in dataclasses.fields(value)}

    def read(self: object, name: str) -> object:
        entry = object.__getattribute__(self, name)
        if name in names and not dataclasses.is_dataclass(entry):
            log.add(prefix + name)
        return entry

    kind = type(type(value).__name__, (type(value),), {"__getattribute__": read})
    copy = object.__new__(kind)
    for name in names:
        entry = getattr(value, name)
        nested = dataclasses.is_dataclass(entry)
        object.__setattr__(copy, name, recording(entry, log, f"{prefix}{name}.") if nested else entry)
    return copy


def leaves(parameters: Params, declared: list[str]) -> set[str]:
    """Leaf keys under the declared keys: a section stands for all its keys."""
    keys = set()
    for key in declared:
        branch: object = parameters
        for name in key.split("."):
            branch = getattr(branch, name)
        if dataclasses.is_dataclass(branch):
            keys |= {f"{key}.{field.name}" for field in dataclasses.fields(branch)}
        else:
            keys.add(key)
    return keys
