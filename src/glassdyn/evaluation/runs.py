"""Isoconfigurational runs of the labels that models predict, wherever a sample has such runs.

Runs limit a prediction of a window of the sample only if their labels are of such a window: as long, its frames as far
apart, and with the same parameters of the label.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn import label_names
from glassdyn.labels import isoconfigurational
from glassdyn.labels.coarse_graining import coarse_grain
from glassdyn.storage import tables
from glassdyn.storage.snapshots import read_snapshot
from glassdyn.storage.trajectory import copy_of

__all__ = ["SampleRuns", "average_runs", "load_runs"]

Values = NDArray[np.float64]


class SampleRuns(NamedTuple):
    """A label of the A particles of one sample in each of its runs.

    Attributes:
        labels: (R, N) in the label's unit.
        positions: (N, 3) that all runs pass through, wrapped, units of sigma_AA.
        box_length: L, units of sigma_AA.
        copy: that the sample belongs to.
    """

    labels: Values
    positions: Values
    box_length: float
    copy: int


def load_runs(
    runs: Path, labels: Path, snapshots: Path, samples: Sequence[str], label: str
) -> dict[str, SampleRuns]:
    """The runs of a label, by sample; samples without runs of such a label are left out.

    Args:
        runs: folder of the runs' tables, see `labels.isoconfigurational`.
        labels: folder of the samples' labels.
        snapshots: folder of their middle frames.
        samples: their names.
        label: p_hop; p_hop_ell2 is averaged in each run; mean_p_hop is the mean over the runs of p_hop.
    """
    name, _, length = label.removeprefix("mean_").partition("_ell")
    by_sample = {}
    for sample in samples:
        if not (label_names.is_mean(label) or _has_window_of_runs(labels, runs, sample)):
            continue
        values = isoconfigurational.load_runs(runs, sample, name)
        if values is not None:
            positions, species, box_length = read_snapshot(snapshots / f"{sample}.parquet")
            if length:
                values = coarse_grain(values.T, positions, box_length, [float(length)]).T
            is_a = species == 0
            by_sample[sample] = SampleRuns(values[:, is_a], positions[is_a], box_length, copy_of(sample))
    return by_sample


def average_runs(runs: SampleRuns, length: float) -> SampleRuns:
    """The label of each run averaged over Gaussian neighbourhoods of A particles; 0 leaves it as it is."""
    if length == 0:
        return runs
    return runs._replace(labels=coarse_grain(runs.labels.T, runs.positions, runs.box_length, [length]).T)


def _has_window_of_runs(labels: Path, runs: Path, sample: str) -> bool:
    """Whether a sample has labels that are made like those of its runs, from a window as long."""
    of_runs, path = isoconfigurational.load_run_parameters(runs, sample), labels / f"{sample}.parquet"
    if not of_runs or not path.exists():
        return False
    of_sample = tables.read_parameters(path)
    return all(of_runs[name] == of_sample[name] for name in of_runs.keys() & of_sample.keys())
