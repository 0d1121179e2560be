"""GlassBench's structures written as snapshots, labels and tables of predictions."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glassdyn.importing.glassbench import Member, Structure, read_structures
from glassdyn.importing.set_folders import ImportedFolders
from glassdyn.importing.source import ImportingError
from glassdyn.storage import tables
from glassdyn.storage.predictions import write_predictions
from glassdyn.storage.snapshots import write_snapshot
from glassdyn.storage.trajectory_writer import sample_name

__all__ = ["import_glassbench", "name_bond_breaking"]

RUNS = 32
"""That propensities are means over."""


def name_bond_breaking(propensity: str) -> str:
    """The label of the bonds that are left at the time of a propensity: mean_bond_breaking_1 beside propensity_1."""
    return propensity.replace("propensity", "mean_bond_breaking", 1)


def import_glassbench(
    source: Path,
    folders: ImportedFolders,
    *,
    labels: Sequence[str],
    temperature: float,
    density: float,
    advance: Callable[[float], None] = lambda _files: None,
) -> int:
    """Write every structure: snapshots, labels at all times and, of the test part, the published predictions.

    Args:
        source: an archive or a folder, see `glassbench.find_source`.
        folders: where to.
        labels: names of the propensities, in the order of the set's times.
        temperature: that the set is of, units of eps_AA / k_B.
        density: particles per sigma_AA^3.
        advance: called with 1 after each structure.

    Returns:
        Their number.

    Raises:
        ImportingError: as `glassbench.read_structures`, for another temperature, or where test structures differ in
            what predicts them.
    """
    samples: dict[int, str] = {}
    methods: set[str] | None = None
    for member, structure in read_structures(source, times=len(labels), density=density):
        _require_temperature(member, temperature, source)
        if member.is_test:
            methods = set(structure.methods) if methods is None else methods
            _require_methods(member, structure, methods, source)
        name = samples[member.number] = sample_name(member.number - 1, 0)
        _write_positions(name, structure, folders, temperature)
        _write_labels(name, structure, folders, labels)
        if member.is_test:
            _write_predictions(name, structure, folders, labels)
        advance(1)
    listing = "".join(f"{samples[number]}\n" for number in sorted(samples))
    (folders.isoconfigurational / "samples.txt").write_text(listing)
    return len(samples)


def _require_temperature(member: Member, temperature: float, source: Path) -> None:
    if member.temperature != temperature:
        raise ImportingError(
            f"the set is of the temperature that is asked for: got {member.temperature} in {source} and "
            f"{temperature} (params.yaml: liquid.temperature)"
        )


def _require_methods(member: Member, structure: Structure, methods: set[str], source: Path) -> None:
    if set(structure.methods) != methods:
        raise ImportingError(
            f"every test structure has the same predictions: got {sorted(structure.methods)} in {member.name} and "
            f"{sorted(methods)} before ({source})"
        )


def _write_positions(name: str, structure: Structure, folders: ImportedFolders, temperature: float) -> None:
    metadata = {"frames": 1, "frame": 0, "temperature": temperature}
    configuration = structure.configuration
    places: dict[Path, NDArray[np.float64] | None] = {
        folders.snapshots: configuration.positions,
        folders.inherent: structure.inherent,
        folders.cages: structure.cage,
    }
    for folder, positions in places.items():
        if positions is not None:
            write_snapshot(folder / f"{name}.parquet", configuration._replace(positions=positions), metadata)


def _write_labels(name: str, structure: Structure, folders: ImportedFolders, labels: Sequence[str]) -> None:
    species = structure.configuration.species
    columns = dict(zip(labels, structure.propensities, strict=True))
    columns |= dict(zip(map(name_bond_breaking, labels), structure.bonds, strict=True))
    table: tables.Columns = {"particle": np.arange(len(species)), "type": species, **columns}
    metadata = {"box_length": structure.configuration.box_length, "runs": RUNS}
    path = folders.isoconfigurational / f"{name}.parquet"
    tables.write(path, tables.labels_schema(list(columns)), [table], metadata)


def _write_predictions(
    name: str, structure: Structure, folders: ImportedFolders, labels: Sequence[str]
) -> None:
    for method, rows in structure.methods.items():
        write_predictions(
            folders.predictions,
            name,
            method,
            species=structure.configuration.species,
            predictions=dict(zip(labels, rows, strict=True)),
            metadata={},
        )
