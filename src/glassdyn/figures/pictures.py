"""Every picture of a run: a picture is a line here, a function of tables elsewhere."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

import polars as pl
from matplotlib.figure import Figure

from glassdyn.figures import features, isoconfigurational, labels, liquid, predictions, snapshot, training
from glassdyn.figures.read import Numbers, read_numbers, read_table

__all__ = ["PICTURES", "PICTURES_BY_LABEL", "STAGES", "draw_pictures"]


class DrawLabel(Protocol):
    """A function from the rows of a label to a picture."""

    def __call__(self, table: pl.DataFrame, *, label: str) -> Figure: ...


PICTURES: dict[str, Callable[[pl.DataFrame, Numbers], Figure]] = {
    "physics/rmsd": lambda table, numbers: liquid.rmsd(table, numbers.physics["plateau"]),
    "physics/scattering": lambda table, numbers: liquid.scattering(
        table, numbers.physics["tau_alpha"], numbers.physics["structure"]["wave_number"]
    ),
    "physics/non_gaussian": lambda table, _: liquid.non_gaussian(table),
    "physics/tau_alpha": lambda table, numbers: liquid.tau_alpha(table, numbers.physics["tau_alpha"]),
    "physics/displacements": lambda table, _: liquid.displacements(table),
    "physics/radial_distribution": lambda table, _: liquid.radial_distribution(table),
    "physics/structure_factor": lambda table, numbers: liquid.structure_factor(
        table, numbers.physics["structure"]["wave_number"]
    ),
    "physics/energy": lambda table, numbers: liquid.energy(
        table, numbers.physics["temperature"]["declared"], numbers.physics["energy"]["largest_drift"]
    ),
    "pca/explained_variance": lambda table, numbers: features.explained_variance(table, numbers.components),
    "labels/p_hop": lambda table, numbers: labels.hop_densities(table, numbers.labels["p_c"]),
    "labels/cwt": lambda table, numbers: labels.wavelet_densities(table, numbers.labels["interval"]),
    "labels/examples": lambda table, numbers: labels.examples(
        table, numbers.labels["p_c"], numbers.labels["interval"]
    ),
    "train/curves": lambda table, numbers: training.curves(
        table, selected=numbers.train["selected_step"], part=numbers.train["selected_on"]
    ),
    "isoconfigurational/ceilings": lambda table, _: isoconfigurational.ceilings(table),
}
"""Pictures by name: the table of that name is drawn to plots/figures/<name>.png."""

PICTURES_BY_LABEL: dict[str, DrawLabel] = {
    "evaluate/scatter": predictions.scatter,
    "evaluate/pdf": predictions.pdf,
    "evaluate/reliability": predictions.reliability,
    "evaluate/models": predictions.models,
    "evaluate/lengths": predictions.lengths,
    "evaluate/slab": snapshot.slab,
    "isoconfigurational/agreement": isoconfigurational.agreement,
}
"""Pictures of each label: rows of the table of that name are drawn to plots/figures/<name>_<label>.png."""


STAGES = tuple(dict.fromkeys(name.partition("/")[0] for name in (*PICTURES, *PICTURES_BY_LABEL)))
"""Folders of tables that have pictures."""


def draw_pictures(folder: Path, stage: str, components: int) -> Iterator[tuple[str, Figure]]:
    """Draw every picture of a stage whose table a run has.

    Args:
        folder: of the run, with metrics/ and plots/.
        stage: one of `STAGES`.
        components: principal components that are kept.

    Yields:
        Names, <picture> or <picture>_<label>, and the pictures.
    """
    numbers = read_numbers(folder, components)
    for name, table in _tables(folder, stage, PICTURES):
        yield Path(name).name, PICTURES[name](table, numbers)
    for name, table in _tables(folder, stage, PICTURES_BY_LABEL):
        for (label,), rows in table.group_by("label", maintain_order=True):
            yield f"{Path(name).name}_{label}", PICTURES_BY_LABEL[name](rows.drop("label"), label=str(label))


def _tables(folder: Path, stage: str, names: Iterable[str]) -> Iterator[tuple[str, pl.DataFrame]]:
    """Tables that are not empty, by the names of their pictures."""
    for name in names:
        table = read_table(folder, name) if name.startswith(f"{stage}/") else pl.DataFrame()
        if not table.is_empty():
            yield name, table
