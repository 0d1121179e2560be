"""GlassBench's structures written as snapshots, labels and tables of predictions."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn import label_names
from glassdyn.importing.glassbench import Member, Structure, read_structures
from glassdyn.importing.set_folders import ImportedFolders, list_samples
from glassdyn.importing.source import ImportingError
from glassdyn.storage import tables
from glassdyn.storage.predictions import write_predictions
from glassdyn.storage.snapshots import write_snapshot
from glassdyn.storage.trajectory_writer import sample_name

__all__ = ["StatePoint", "import_glassbench"]

RUNS = 32
"""That propensities are means over."""


class StatePoint(NamedTuple):
    """What the files do not state.

    Attributes:
        times: of the labels, in the set's order, units of tau_alpha.
        temperature: of the liquid, units of eps_AA / k_B.
        density: particles per sigma_AA^3.
    """

    times: Sequence[float]
    temperature: float
    density: float


def import_glassbench(
    source: Path, folders: ImportedFolders, state: StatePoint, advance: Callable[[float], None]
) -> int:
    """Write every structure: snapshots, labels at all times and, of the test part, the published predictions.

    Args:
        source: an archive or a folder, see `glassbench.find_source`.
        folders: where to.
        state: of the liquid.
        advance: called with 1 after each structure.

    Returns:
        Their number.

    Raises:
        ImportingError: as `glassbench.read_structures`, for another temperature, or test structures whose methods differ.
    """
    samples: dict[int, str] = {}
    structures = read_structures(source, times=len(state.times), density=state.density)
    for member, structure in _require_same_methods(structures, source):
        _require_temperature(member, state.temperature, source)
        name = samples[member.number] = sample_name(member.number - 1, 0)
        _write_positions(name, structure, folders, state.temperature)
        _write_labels(name, structure, folders, state.times)
        if member.is_test:
            _write_predictions(name, structure, folders, state.times)
        advance(1)
    list_samples([samples[number] for number in sorted(samples)], folders)
    return len(samples)


def _require_same_methods(
    structures: Iterator[tuple[Member, Structure]], source: Path
) -> Iterator[tuple[Member, Structure]]:
    """The same structures, where all of the test part have the same predictions."""
    first: list[str] | None = None
    for member, structure in structures:
        if member.is_test:
            methods = sorted(structure.methods)
            first = methods if first is None else first
            if methods != first:
                raise ImportingError(
                    f"every test structure has the same predictions: got {methods} in {member.name} and {first} before "
                    f"({source})"
                )
        yield member, structure


def _require_temperature(member: Member, temperature: float, source: Path) -> None:
    if member.temperature != temperature:
        raise ImportingError(
            f"the set is of the temperature that is asked for: got {member.temperature} in {source} and "
            f"{temperature} (params.yaml: liquid.temperature)"
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


def _write_labels(name: str, structure: Structure, folders: ImportedFolders, times: Sequence[float]) -> None:
    species = structure.configuration.species
    columns = dict(zip(label_names.propensities(times), structure.propensities, strict=True))
    columns |= dict(zip(label_names.bond_breakings(times), structure.bonds, strict=True))
    table: tables.Columns = {"particle": np.arange(len(species)), "type": species, **columns}
    metadata = {"box_length": structure.configuration.box_length, "runs": RUNS}
    path = folders.isoconfigurational / f"{name}.parquet"
    tables.write(path, tables.labels_schema(list(columns)), [table], metadata)


def _write_predictions(
    name: str, structure: Structure, folders: ImportedFolders, times: Sequence[float]
) -> None:
    labels = label_names.propensities(times)
    for method, rows in structure.methods.items():
        write_predictions(
            folders.predictions,
            name,
            method,
            species=structure.configuration.species,
            predictions=dict(zip(labels, rows, strict=True)),
            metadata={},
        )
