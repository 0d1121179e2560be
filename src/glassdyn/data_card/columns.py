"""What stands in the files of a run, and in which units."""

from typing import NamedTuple

__all__ = ["COLUMNS", "FORMATS", "Column", "columns_of"]


class Column(NamedTuple):
    """A quantity in a file.

    Attributes:
        name: of the column, or what it begins with.
        text: what it is.
        unit: in Lennard-Jones units; 1 for a pure number.
    """

    name: str
    text: str
    unit: str


PARTICLE = (
    Column("particle", "number of the particle, from 0", "1"),
    Column("type", "species: 0 for A, 1 for B", "1"),
)
POSITION = Column("x, y, z", "position, wrapped into the box", "sigma_AA")
LABELS = (
    Column("p_hop", "how far the mean positions before and after the middle frame lie apart", "sigma_AA"),
    Column("cwt_<scale>", "continuous wavelet transform at the middle frame", "sigma_AA tau^1/2"),
)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "data/states": (
        Column("position", "positions at the end of the equilibration", "sigma_AA"),
        Column("velocity", "velocities at the end of the equilibration", "sigma_AA / tau"),
    ),
    "data/trajectories": (
        Column("particles/all/position", "unwrapped positions of every frame", "sigma_AA"),
        Column("observables/kinetic_energy", "kinetic energy", "epsilon_AA"),
        Column("observables/potential_energy", "potential energy", "epsilon_AA"),
        Column("observables/pressure", "pressure", "epsilon_AA / sigma_AA^3"),
        Column("time", "time since the start of the run", "tau"),
    ),
    "data/snapshots": (*PARTICLE, POSITION),
    "data/features": (
        *PARTICLE,
        POSITION,
        Column("descriptors", "numbers of neighbours in shells, by species", "1"),
        Column(
            "fields, local",
            "energies, forces and cages, and their averages; see params.yaml",
            "Lennard-Jones",
        ),
    ),
    "data/pca": (PARTICLE[0], Column("components", "principal components of type and descriptors", "1")),
    "data/labels": (*PARTICLE, *LABELS),
    "data/isoconfigurational": (
        *PARTICLE,
        Column("mean_<label>", "mean of a label over isoconfigurational runs", "of the label"),
        Column("propensity_<time>", "mean displacement after a time in units of tau_alpha", "sigma_AA"),
    ),
    "data/predictions": (*PARTICLE, Column("predicted_<label>", "prediction of a label", "of the label")),
}
"""By the folder of the files."""

FORMATS = {
    "data/jobs": "application/json",
    "data/states": "application/x-hdf5",
    "data/trajectories": "application/x-hdf5",
    "data/": "application/vnd.apache.parquet",
    "models/": "application/x-safetensors",
    "plots/figures": "image/png",
    "plots/train": "text/tab-separated-values",
    "plots/": "text/csv",
    "metrics/": "application/json",
    "report.html": "text/html",
}
"""Formats by the beginning of a path; the first that fits."""


def columns_of(path: str) -> tuple[Column, ...]:
    """The quantities in an output."""
    return next((columns for folder, columns in COLUMNS.items() if f"{path}/".startswith(f"{folder}/")), ())
