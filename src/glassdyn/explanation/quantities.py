"""Hand-made quantities of every particle: what a physicist would look at first.

A quantity is a function of the structures of a configuration, and a line in `QUANTITIES`. Tables of them are made by
jobs, so that none is computed twice.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.explanation.excess_entropy import two_body_entropy
from glassdyn.explanation.voronoi import voronoi_volumes
from glassdyn.features.fields import FIELDS, Structures
from glassdyn.features.spec import spec_from_metadata
from glassdyn.jobs import Job, JobContext
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.neighbours import find_neighbours
from glassdyn.observables.order import bond_orders
from glassdyn.storage import tables

__all__ = [
    "QUANTITIES",
    "coarse_density",
    "coordination",
    "quantities_job",
    "quantity_names",
    "steinhardt_q6",
    "write_quantities",
]

Values = NDArray[np.float64]

BOND = 1.4
"""Longest distance of neighbours, the first minimum of g_AA(r), units of sigma_AA."""

COARSE = 1.0
"""Length of the Gaussian that density is averaged over, units of sigma_AA."""


def coarse_density(configuration: Configuration, length: float = COARSE) -> Values:
    """(N,) density around every particle, itself left out, units of sigma_AA^-3.

    rho_i = sum_j exp(-r_ij^2 / 2 l^2) / (2 pi l^2)^(3/2), r_ij < 4 l

    Args:
        configuration: its box holds eight lengths; in a smaller one the sum ends at half the box.
        length: l, units of sigma_AA.
    """
    positions, species, box_length = configuration
    pairs = find_neighbours(positions, box_length, min(4 * length, box_length / 2))
    squares = (pairs.vectors**2).sum(axis=1)
    weights = np.exp(-squares / (2 * length**2)) / (2 * np.pi * length**2) ** 1.5
    return np.asarray(np.bincount(pairs.receivers, weights, len(species)), np.float64)


def coordination(configuration: Configuration, kind: int) -> Values:
    """(N,) number of neighbours of a species nearer than `BOND`.

    Args:
        configuration: of N particles.
        kind: 0 for A, 1 for B.
    """
    positions, species, box_length = configuration
    pairs = find_neighbours(positions, box_length, BOND)
    members = species[pairs.senders] == kind
    return np.bincount(pairs.receivers[members], minlength=len(species)).astype(np.float64)


def steinhardt_q6(configuration: Configuration) -> Values:
    """(N,) q_6(i) = sqrt(4 pi / 13 sum_m |q_6m(i)|^2), of neighbours nearer than `BOND`.

    Source: Steinhardt, Nelson & Ronchetti, Phys. Rev. B 28, 784 (1983).
    """
    positions, species, box_length = configuration
    orders = bond_orders(find_neighbours(positions, box_length, BOND), len(species))  # (N, 7)
    weights = np.array([1.0] + [2.0] * 6)  # m and -m give the same
    q6: Values = np.sqrt(4 * np.pi / 13 * (weights * np.abs(orders) ** 2).sum(axis=1))
    return q6


QUANTITIES: Mapping[str, Callable[[Structures], Values]] = {
    "coarse density": lambda structures: coarse_density(structures.configuration),
    "neighbours A": lambda structures: coordination(structures.configuration, 0),
    "neighbours B": lambda structures: coordination(structures.configuration, 1),
    "Voronoi volume": lambda structures: voronoi_volumes(
        structures.configuration.positions, structures.configuration.box_length
    ),
    "q6": lambda structures: steinhardt_q6(structures.configuration),
    "two-body entropy": lambda structures: two_body_entropy(structures.configuration),
    "potential energy": FIELDS["energy"],
    "energy in the minimum": FIELDS["inherent_energy"],
    "way to the minimum": FIELDS["inherent_displacement"],
}
"""Each (N,) float64: sigma_AA^-3; numbers; sigma_AA^3; a number; k_B; eps_AA; eps_AA; sigma_AA."""

OF_THE_MINIMUM = ("energy in the minimum", "way to the minimum")


def quantity_names(*, with_minimum: bool) -> list[str]:
    """Names of the quantities, those of the nearest energy minimum among them or not."""
    return [name for name in QUANTITIES if with_minimum or name not in OF_THE_MINIMUM]


def quantities_job(structure: Path, table: Path, names: Sequence[str]) -> Job:
    """The job that writes the quantities of a sample; 2 s for 1000 particles, half of it the way to the minimum.

    Args:
        structure: the sample's table in `data/features/`.
        table: to write.
        names: of the quantities.
    """
    return Job(f"quantities {structure.stem}", write_quantities, {"names": list(names)}, (structure,), table)


def write_quantities(context: JobContext) -> None:
    """Write the quantities of a sample, columns particle, type and the names.

    Args:
        context: arguments `names`; the structure table; where the table goes.

    Raises:
        GlassdynError: naming the file, where a quantity cannot be computed.
    """
    (path,), names = context.inputs, context.arguments["names"]
    structures = _structures(path)
    species = structures.configuration.species
    try:
        columns = {name: QUANTITIES[name](structures) for name in names}
    except GlassdynError as error:
        raise GlassdynError(f"{error} ({path})") from None
    identity: tables.Columns = {"particle": np.arange(len(species), dtype=np.uint32), "type": species}
    fields = [("particle", pa.uint32()), ("type", pa.uint8()), *((name, pa.float64()) for name in names)]
    tables.write(context.output, pa.schema(fields), [{**identity, **columns}], tables.read_parameters(path))


def _structures(path: Path) -> Structures:
    """The recorded configuration of a structure table, and what determines its minimum."""
    metadata, table = tables.read_parameters(path), tables.read(path, ["type", "x", "y", "z"])
    configuration = Configuration(
        table.select("x", "y", "z").to_numpy(), table["type"].to_numpy(), float(metadata["box_length"])
    )
    return Structures(configuration, spec_from_metadata(metadata))
