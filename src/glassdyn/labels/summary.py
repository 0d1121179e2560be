"""What the pictures of the labels show, as small tables."""

from collections.abc import Mapping

import polars as pl

from glassdyn.labels.densities import tabulate_densities
from glassdyn.labels.examples import choose_particles, tabulate_examples
from glassdyn.labels.sections import Sections
from glassdyn.labels.wavelets import CWT
from glassdyn.storage.trajectory import Trajectory

__all__ = ["tabulate_labels"]


def tabulate_labels(
    labels: Mapping[str, pl.DataFrame], first: Trajectory, sections: Sections
) -> dict[str, pl.DataFrame]:
    """Tabulate densities and example tracks, by the names of their files.

    Args:
        labels: label tables by sample.
        first: trajectory of the first of them, from which the examples come.
        sections: parameters of the labels.
    """
    hops, wavelets = sections["hops"], sections["wavelets"]
    table = next(iter(labels.values()))
    particles = choose_particles(table, first, hops, CWT.columns(wavelets)[-1])
    examples = tabulate_examples(first, particles, hops, wavelets)
    return {**tabulate_densities(labels, sections), "examples": examples}
