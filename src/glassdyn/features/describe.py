"""The structure around every particle of a configuration, such as a sample's snapshot, as columns of a table."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from glassdyn.errors import GlassdynError
from glassdyn.features.columns import LazyColumns
from glassdyn.features.inherent import Quench
from glassdyn.features.neighbour_averages import average_generations
from glassdyn.features.radial import radial_descriptors, smooth_descriptors
from glassdyn.jobs import Job, JobContext
from glassdyn.liquid.box import wrap
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.neighbours import find_neighbours
from glassdyn.params import STRICT, Describe
from glassdyn.storage import tables
from glassdyn.storage.snapshots import read_snapshot, read_snapshot_metadata

__all__ = [
    "DescriptorSpec",
    "compute_descriptors",
    "describe_job",
    "describe_midframe",
    "descriptor_columns",
    "descriptor_names",
    "spec_from_metadata",
    "write_descriptors",
]


@dataclass(frozen=True, config=STRICT)
class DescriptorSpec:
    """What to compute for every particle.

    Attributes:
        edges: of the bins of the radial distributions, units of sigma_AA.
        extras: descriptors beside them.
        quench: how to reach the inherent structure.
    """

    edges: tuple[float, ...]
    extras: Describe
    quench: Quench


def spec_from_metadata(metadata: Mapping[str, Any]) -> DescriptorSpec:
    """Take the specification from the metadata of a structure table.

    Raises:
        ValueError: where there is none.
    """
    fields = {field: metadata.get(field) for field in DescriptorSpec.__dataclass_fields__}
    spec: DescriptorSpec = TypeAdapter(DescriptorSpec).validate_json(json.dumps(fields))
    return spec


def descriptor_names(spec: DescriptorSpec) -> list[str]:
    """Columns of descriptors: the thesis's, then `smooth`, `averaged_<n>` and `inherent` if asked for."""
    extras = spec.extras
    averages = [f"averaged_{generation}" for generation in range(1, extras.generations + 1)]
    return ["descriptors", *["smooth"] * (extras.smooth > 0), *averages, *["inherent"] * extras.inherent]


def descriptor_columns(configuration: Configuration, spec: DescriptorSpec) -> LazyColumns:
    """Columns of descriptors of any configuration, each computed when it is asked for.

    Args:
        configuration: its box holds two of the last edge.
        spec: what to compute.

    Returns:
        (N, 2 bins) float32 each, in the order of `descriptor_names`. A column that is asked for raises GlassdynError
        where the box is too small, a position is not finite, or no inherent structure is reached.
    """
    edges = np.array(spec.edges)
    averages = cache(lambda: _average(configuration, columns["descriptors"], spec.extras))
    sources: dict[str, Callable[[], NDArray[Any]]] = {
        "descriptors": partial(radial_descriptors, configuration, edges),
        "smooth": partial(smooth_descriptors, configuration, edges, spec.extras.smooth),
        "inherent": lambda: radial_descriptors(spec.quench(configuration), edges),
    }
    for generation in range(1, spec.extras.generations + 1):
        sources[f"averaged_{generation}"] = partial(_pick, averages, generation)
    columns = LazyColumns({name: sources[name] for name in descriptor_names(spec)})
    return columns


def _average(
    configuration: Configuration, descriptors: NDArray[np.float32], extras: Describe
) -> list[NDArray[np.float32]]:
    """The descriptors, then every generation of their averages."""
    pairs = find_neighbours(configuration.positions, configuration.box_length, extras.r_average)
    values, count = descriptors.astype(np.float64), extras.generations
    generations = average_generations(values, pairs, count=count, length=extras.r_average)
    return [generation.astype(np.float32) for generation in np.hsplit(generations, count + 1)]


def _pick(compute: Callable[[], list[NDArray[np.float32]]], index: int) -> NDArray[np.float32]:
    return compute()[index]


def compute_descriptors(configuration: Configuration, spec: DescriptorSpec) -> dict[str, NDArray[np.float32]]:
    """All columns of `descriptor_columns`, computed."""
    return dict(descriptor_columns(configuration, spec))


def describe_midframe(configuration: Configuration, spec: DescriptorSpec) -> dict[str, NDArray[Any]]:
    """Describe the structure around every particle of a snapshot.

    Args:
        configuration: the middle frame; its box holds two of the last edge.
        spec: what to compute.

    Returns:
        The columns of the structure table.

    Raises:
        GlassdynError: as `descriptor_columns`.
    """
    positions, species, box_length = configuration
    particles = {
        "particle": np.arange(len(species)),
        "type": species,
        **dict(zip("xyz", wrap(positions, box_length).T, strict=True)),
    }
    return particles | compute_descriptors(configuration, spec)


def describe_job(snapshot: Path, table: Path, spec: DescriptorSpec) -> Job:
    """The job that writes the structure table of a snapshot.

    The engine that quenches runs on one core: then snapshots are described side by side.
    """
    return Job(
        f"describe {snapshot.stem}",
        write_descriptors,
        asdict(spec),
        (snapshot,),
        table,
        uses_all_cores=not spec.extras.inherent,
    )


def write_descriptors(context: JobContext) -> None:
    """Write the structure table of a snapshot.

    Args:
        context: arguments of a `DescriptorSpec`; the snapshot; where the table goes.

    Raises:
        GlassdynError: naming the file, where a particle is lost or the box is too small.
    """
    (path,), spec = context.inputs, spec_from_metadata(context.arguments)
    try:
        columns = describe_midframe(read_snapshot(path), spec)
    except GlassdynError as error:
        raise GlassdynError(f"{error} ({path})") from None
    tables.write(context.output, _schema(spec), [columns], _metadata(path, spec))


def _schema(spec: DescriptorSpec) -> pa.Schema:
    return tables.features_schema(len(spec.edges) - 1, descriptor_names(spec)[1:])


def _metadata(path: Path, spec: DescriptorSpec) -> dict[str, Any]:
    """What determines the table; the keys that all tables of a sample share have one meaning."""
    snapshot = read_snapshot_metadata(path)
    return asdict(spec) | {name: snapshot[name] for name in ("frames", "frame", "box_length")}
