"""How much the share of particles that keep their place differs between configurations: dynamic heterogeneity.

A propensity below a, a part of the particles' diameter, means that a particle is where it was. Of the N_A particles
of a configuration a share Q is, the overlap, and

    chi = N_A (<Q^2> - <Q>^2)

over configurations: large where neighbours move together. A prediction has a chi of its own, whatever its correlation
with the truth: where it regresses to the mean, it has too small a chi.

Source: Jung et al., https://doi.org/10.1038/s42254-024-00791-4, who compare methods by it; Berthier et al., Dynamical
Heterogeneities in Glasses, Colloids and Granular Media (Oxford, 2011), for chi_4.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn import label_names
from glassdyn.evaluation.predictions import Predictions
from glassdyn.evaluation.units import jackknife_error

__all__ = ["measure_susceptibility", "tabulate_susceptibilities"]

Values = NDArray[np.float64]

COLUMNS = {
    "label": pl.String,
    "model": pl.String,
    "overlap": pl.Float64,
    "susceptibility": pl.Float64,
    "susceptibility_error": pl.Float64,
}

FEWEST = 3
"""Configurations: of two, leaving one out leaves no variance."""


def measure_susceptibility(overlaps: Values, particles: float) -> tuple[float, float]:
    """The susceptibility of N_A particles with overlaps Q (S,), over S - 1, and its error by leaving one out."""
    one_less = [float(np.var(np.delete(overlaps, left_out), ddof=1)) for left_out in range(len(overlaps))]
    return particles * float(np.var(overlaps, ddof=1)), particles * jackknife_error(np.array(one_less))


def tabulate_susceptibilities(snapshots: Sequence[Predictions], distance: float) -> pl.DataFrame:
    """Measure the susceptibility of the truth and of every model, for each propensity among the labels.

    Args:
        snapshots: the test set.
        distance: a, units of sigma_AA.

    Returns:
        Columns label, model (`truth`, or its name), overlap (<Q>), susceptibility and its error; no rows for fewer
        than three configurations, and none for the constant.
    """
    rows = []
    for label in filter(label_names.is_propensity, snapshots[0].targets):
        fields = [_fields(snapshot, label) for snapshot in snapshots]
        particles = float(np.mean([len(field["truth"]) for field in fields]))
        for model in fields[0] if len(fields) >= FEWEST else ():
            overlaps = np.array([np.mean(field[model] < distance) for field in fields])
            rows.append((label, model, overlaps.mean(), *measure_susceptibility(overlaps, particles)))
    return pl.DataFrame(rows, COLUMNS, orient="row")


def _fields(snapshot: Predictions, label: str) -> Mapping[str, Values]:
    """The truth and each model's prediction for the A particles."""
    is_a = snapshot.species == 0
    models = {model: column for model, column in snapshot.predictions[label].items() if model != "constant"}
    return {name: column[is_a] for name, column in {"truth": snapshot.targets[label], **models}.items()}
