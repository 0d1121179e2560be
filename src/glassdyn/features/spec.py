"""What determines a structure table, and with it the features of a model."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from glassdyn.features.inherent import Quench
from glassdyn.features.radial import bin_edges
from glassdyn.features.short_runs import ShortRuns
from glassdyn.params import STRICT, Describe, Params

__all__ = ["DescriptorSpec", "spec_from_metadata", "spec_from_params"]


@dataclass(frozen=True, config=STRICT)
class DescriptorSpec:
    """What to compute for every particle.

    Attributes:
        edges: of the bins of the radial distributions, units of sigma_AA.
        extras: descriptors beside them.
        quench: how to reach the inherent structure.
        short_runs: how to run from a configuration; None where temperature and timestep are unknown: fields that need
            runs are then refused.
    """

    edges: tuple[float, ...]
    extras: Describe
    quench: Quench
    short_runs: ShortRuns | None = None


def spec_from_params(params: Params) -> DescriptorSpec:
    """What the stage `describe` computes."""
    simulation = params.simulation
    return DescriptorSpec(
        tuple(bin_edges(params.descriptors).tolist()),
        params.describe,
        Quench(simulation.engine, params.potential),
        ShortRuns(
            simulation.engine,
            params.potential,
            simulation.timestep,
            params.liquid.temperature,
            simulation.seed,
        ),
    )


def spec_from_metadata(metadata: Mapping[str, Any]) -> DescriptorSpec:
    """Take the specification from the metadata of a structure table.

    Raises:
        ValueError: where there is none.
    """
    fields = {field: metadata.get(field) for field in DescriptorSpec.__dataclass_fields__}
    spec: DescriptorSpec = TypeAdapter(DescriptorSpec).validate_json(json.dumps(fields))
    return spec
