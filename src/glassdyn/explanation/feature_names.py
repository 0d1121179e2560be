"""A name and a group for every node feature, in the order in which a model reads them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from glassdyn.features.describe import column_widths
from glassdyn.features.gather import ENERGIES
from glassdyn.features.node_features import NODE_FEATURES
from glassdyn.features.shells import count_shells
from glassdyn.features.spec import DescriptorSpec

__all__ = [
    "COMPOSITION",
    "Feature",
    "group_members",
    "merge_by_place",
    "name_averages",
    "name_features",
    "name_radial",
]

COMPOSITION = "composition nearby"
"""Group of the shares and numbers of A and B around a particle."""

FAMILIES: Mapping[str, str] = {
    "energy": "thermal energy",
    "force": "thermal energy",
    "inherent_energy": "inherent energy",
    "minima_energy": "inherent energy",
    "inherent_displacement": "way to the minimum",
    "minima_displacement": "way to the minimum",
    "minima_fluctuation": "way to the minimum",
    "debye_waller": "Debye-Waller factor",
    "cage_displacement": "cage",
    "cage_fluctuation": "cage",
    "cage_energy": "cage",
}
"""Field -> the physics that it belongs to; any other field is a family of its own."""


class Feature(NamedTuple):
    """A node feature.

    Attributes:
        name: what it is, such as "energy of A, average over 0.5".
        group: what is permuted together, such as "thermal energy nearby".
    """

    name: str
    group: str


def name_features(kind: str, spec: DescriptorSpec, components: int = 0) -> tuple[Feature, ...]:
    """(F,) names and groups of the node features of a kind.

    The kind's own function is applied to numbers of features in the place of values, so that their order is the
    model's by construction.

    Args:
        kind: one of `NODE_FEATURES`.
        spec: what `describe` computes.
        components: K, number of principal components.
    """
    features, columns = [Feature("type", "type")], {"type": np.zeros((1, 1), np.float32)}
    named = {name: list(_name_column(name, spec)) for name in column_widths(spec)}
    named["components"] = [Feature(f"component {k + 1}", "principal components") for k in range(components)]
    for name, members in named.items():
        columns[name] = len(features) + np.arange(len(members), dtype=np.float32)[None, :]  # (1, width)
        features += members
    order = NODE_FEATURES[kind](columns)[0].astype(int)  # (F,)
    return tuple(features[number] for number in order)


def name_radial(edges: Sequence[float], prefix: str = "") -> Iterator[Feature]:
    """Bins of A, then those of B: 2 (len(edges) - 1) features."""
    for species in "AB":
        for low, high in pairwise(edges):
            bin_ = f"{low:.4g}-{high:.4g}"
            yield Feature(f"{prefix}G_{species}({bin_})", f"{prefix}radial distribution of {species}")


def name_averages(features: Sequence[Feature], generations: int) -> tuple[Feature, ...]:
    """Features, then those of every generation of their averages over neighbours."""
    averages = (
        Feature(f"{name}, average {n}", f"{group}, average {n}")
        for n in range(1, generations + 1)
        for name, group in features
    )
    return (*features, *averages)


def group_members(features: Sequence[Feature]) -> dict[str, list[int]]:
    """Group -> numbers of its features, in their order; without the type, which varies within no species."""
    groups: dict[str, list[int]] = {}
    for number, feature in enumerate(features):
        if feature.group != "type":
            groups.setdefault(feature.group, []).append(number)
    return groups


def merge_by_place(groups: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    """Groups of a particle's own fields in one, and of its neighbourhood's in another; empty without either.

    Averages over neighbourhoods go together across fields: the energy of B nearby says how many B there are.

    Args:
        groups: of `group_members`.
    """
    places = {
        "the particle's own": [group for group in groups if group.startswith("own ")],
        "its neighbourhood's": [group for group in groups if group.endswith(" nearby")],
    }
    merged = {place: sorted(k for group in names for k in groups[group]) for place, names in places.items()}
    return merged if all(merged.values()) else {}


def _name_column(column: str, spec: DescriptorSpec) -> Iterator[Feature]:
    namers: Mapping[str, Callable[[DescriptorSpec], Iterator[Feature]]] = {
        "fields": _name_fields,
        "local": _name_local,
        "shells": _name_shells,
        "inherent_positions": lambda _spec: (Feature(axis, "positions") for axis in "xyz"),
    }
    if column in namers:
        return namers[column](spec)
    prefix = "" if column == "descriptors" else f"{column.replace('_', ' ')} "
    return name_radial(spec.edges, prefix)


def _family(field: str) -> str:
    return FAMILIES.get(field, field.replace("_", " "))


def _name_fields(spec: DescriptorSpec) -> Iterator[Feature]:
    for field in spec.extras.fields:
        yield Feature(field, f"own {_family(field)}")


def _split_names(fields: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Names and families of the columns of `gather.split_species`."""
    for field in fields:
        for suffix in (" of A", " of B") if field in ENERGIES else ("",):
            yield field + suffix, _family(field)


def _name_local(spec: DescriptorSpec) -> Iterator[Feature]:
    own = list(_split_names(spec.extras.fields))
    yield from (Feature(name, f"own {family}") for name, family in own)
    for length in spec.extras.lengths:
        yield Feature(f"share of B, average over {length:g}", COMPOSITION)
        yield from (Feature(f"{name}, average over {length:g}", f"{family} nearby") for name, family in own)


def _name_shells(spec: DescriptorSpec) -> Iterator[Feature]:
    extras = spec.extras
    distances = [extras.shell_width * (k + 1) for k in range(count_shells(extras.shells, extras.shell_width))]
    for species in "AB":
        yield from (Feature(f"number of {species} at {r:.4g}", COMPOSITION) for r in distances)
        for field in extras.fields:
            group = f"{_family(field)} nearby"
            yield from (Feature(f"{field} of {species} at {r:.4g}", group) for r in distances)
