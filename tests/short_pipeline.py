"""A pipeline so short that a test can run it, a thousandth of the default one; sections of its parameters."""

import dataclasses
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from glassdyn import params
from glassdyn.params import Params

PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"

SHORT = {
    "liquid": {"particles": 200},
    "descriptors": {"r_max": 2.6},
    "evaluate": {"block_length": 2.0, "lengths": [0.0, 1.0], "resamples": 100},
    "simulation": {"tau_alpha": 1.0, "copies": 3, "samples": 1, "checkpoint_steps": 300},
    "equilibrate": {"melt": 1.0, "thermalise": 1.0, "equilibrate": 2.0},
    "record": {"decorrelate": 1.0, "duration": 4.4},
    "isoconfigurational": {"runs": 2, "duration": 4.4},
    "describe": {"smooth": 0.1, "generations": 1, "inherent": True},
    "hops": {"t_f": 0.4, "min_segment": 4},
    "wavelets": {"scales": [5]},
    "coarse": {"lengths": [1.0]},
    "split": {"train": [0], "validation": [1], "test": [2]},
    "graph": {"nodes": "pca", "positions": "inherent"},
    "loss": {"targets": ["p_hop", "propensity_1"]},
    "train": {"max_steps": 40, "patience": 2},
}


@cache
def default_params() -> Params:
    """The parameters of the repository."""
    return params.load(PARAMS)


def section(name, **changes):
    """A section of the repository's parameters with some of its keys changed."""
    return dataclasses.replace(getattr(default_params(), name), **changes)


def shorten(source: Path, target: Path, changes: dict[str, dict[str, object]] = SHORT) -> None:
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
