"""Every picture of a run: a picture is a line here, a function of tables elsewhere."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import polars as pl
from matplotlib.figure import Figure

from glassdyn.figures import features, isoconfigurational, labels, liquid, predictions, snapshot, training
from glassdyn.figures.read import Numbers, read_numbers, read_table

__all__ = ["PICTURES", "PICTURES_BY_LABEL", "draw_pictures"]


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


def draw_pictures(folder: Path, components: int) -> Iterator[tuple[str, Figure]]:
    """Draw every picture whose table a run has.

    Args:
        folder: of the run, with metrics/ and plots/.
        components: principal components that are kept.

    Yields:
        Names <stage>/<picture>, and the pictures.
    """
    numbers = read_numbers(folder, components)
    for name, draw in PICTURES.items():
        table = read_table(folder, name)
        if not table.is_empty():
            yield name, draw(table, numbers)
    for name, draw_label in PICTURES_BY_LABEL.items():
        table = read_table(folder, name)
        if not table.is_empty():
            for (label,), rows in table.group_by("label", maintain_order=True):
                yield f"{name}_{label}", draw_label(rows.drop("label"), label=str(label))
