"""Small tables that show the labels: their densities, and single trajectories with their labels."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn import label_names
from glassdyn.labels.p_hop import criteria_in_frames, p_hop_series
from glassdyn.labels.per_particle import per_particle
from glassdyn.labels.wavelets import scalogram
from glassdyn.params import Hops, Wavelets
from glassdyn.storage.trajectory import Trajectory

__all__ = [
    "Summary",
    "densities",
    "example_particles",
    "examples",
    "linear_edges",
    "logarithmic_edges",
    "summarise",
]

ROWS = 1000
"""Moments drawn of one example."""

BINS = 60
"""Of a density."""

CANDIDATES = 500
"""Particles followed through the whole window in search of one that never hops."""

ALL = "all"
"""Stands for the samples together where the name of one is expected."""

SPECIES = ("A", "B")


class Summary(NamedTuple):
    """Tables to draw.

    Attributes:
        p_hop: density in all samples together and in each, see `densities`.
        cwt: density of each wavelet label in all samples together.
        examples: trajectories of the first sample, see `examples`.
        interval: time between frames, units of tau.
    """

    p_hop: pl.DataFrame
    cwt: pl.DataFrame
    examples: pl.DataFrame
    interval: float


def summarise(
    labels: Mapping[str, pl.DataFrame], first: Trajectory, hops: Hops, wavelets: Wavelets
) -> Summary:
    """Tabulate what the figures of the labels show.

    Args:
        labels: label tables by sample.
        first: trajectory of the first of them.
        hops: parameters of p_hop.
        wavelets: scales of the wavelet transform.
    """
    names = label_names.of_window(wavelets.scales)[1:]
    together = {ALL: pl.concat(labels.values())}
    chosen = example_particles(next(iter(labels.values())), first, hops, names[-1])
    return Summary(
        densities({**together, **labels}, "p_hop", linear_edges(together[ALL]["p_hop"])),
        pl.concat(densities(together, name, logarithmic_edges(together[ALL][name])) for name in names),
        examples(first, chosen, hops, wavelets),
        first.interval,
    )


def linear_edges(values: pl.Series) -> NDArray[np.float64]:
    """(BINS + 1,) edges of bins of equal width, from 0 to the largest value."""
    return np.linspace(0, _largest(values), BINS + 1)


def logarithmic_edges(values: pl.Series) -> NDArray[np.float64]:
    """(BINS + 1,) edges of bins of equal ratio, from the smallest value above a thousandth of the largest."""
    largest = _largest(values)
    above = values.filter(values >= largest / 1000)
    return np.geomspace(float(above.to_numpy().min(initial=largest / 2)), largest, BINS + 1)


def _largest(values: pl.Series) -> float:
    return float(values.to_numpy().max()) or 1.0


def densities(labels: Mapping[str, pl.DataFrame], column: str, edges: NDArray[np.float64]) -> pl.DataFrame:
    """Probability density of a label, for each species of each sample, on bins common to all.

    Args:
        labels: label tables by sample.
        column: the label.
        edges: (bins + 1,) of the bins; a value outside of them still counts as one of all.

    Returns:
        Columns sample, label, species, low and high (the edges of a bin), density.
    """
    frames = []
    for sample, table in labels.items():
        for kind, species in enumerate(SPECIES):
            values = table.filter(pl.col("type") == kind)[column].to_numpy()
            counts, _ = np.histogram(values, edges)
            bins = {
                "low": edges[:-1],
                "high": edges[1:],
                "density": counts / (max(len(values), 1) * np.diff(edges)),
            }
            frames.append(pl.DataFrame({"sample": sample, "label": column, "species": species, **bins}))
    return pl.concat(frames)


def example_particles(
    labels: pl.DataFrame, trajectory: Trajectory, hops: Hops, longest: str
) -> dict[str, int]:
    """Choose an A particle that hops, one that moves slowly without a hop, and a typical one.

    Args:
        labels: label table of a sample.
        trajectory: of the same sample.
        hops: parameters of p_hop.
        longest: column of the wavelet label at the longest scale.

    Returns:
        Particle by kind: the largest p_hop; the largest wavelet label of those that hop nowhere in the
        window; the median p_hop.
    """
    learnt = labels.filter(pl.col("type") == 0)
    by_hop = learnt.sort("p_hop", maintain_order=True)["particle"]
    by_wavelet = learnt.sort(pl.col("p_hop") >= hops.p_c, -pl.col(longest), maintain_order=True)["particle"]
    return {
        "hopping": by_hop[-1],
        "slow": _without_hop(trajectory, by_wavelet.head(CANDIDATES).to_list(), hops),
        "typical": by_hop[len(by_hop) // 2],
    }


def _without_hop(trajectory: Trajectory, candidates: Sequence[int], hops: Hops) -> int:
    """The first particle that hops nowhere in the window; where all do, the one with the smallest largest hop."""
    rule, largest = criteria_in_frames(hops, trajectory.interval), {}
    for particle in candidates:
        largest[particle] = p_hop_series(_track(trajectory, particle), rule).max()
        if largest[particle] < hops.p_c:
            return particle
    return min(largest, key=largest.__getitem__)


def examples(
    trajectory: Trajectory, particles: Mapping[str, int], hops: Hops, wavelets: Wavelets
) -> pl.DataFrame:
    """Trajectories of a few particles with p_hop and the wavelet transform at every frame.

    Args:
        trajectory: theirs.
        particles: by kind, see `example_particles`.
        hops: parameters of p_hop.
        wavelets: scales of the wavelet transform.

    Returns:
        Columns kind, particle, time, x, y, z (relative to the first frame), p_hop and cwt_<scale>; at
        most about a thousand moments of each.
    """
    frames = np.arange(0, trajectory.frames, -(-trajectory.frames // ROWS))
    rule = criteria_in_frames(hops, trajectory.interval)
    tables = []
    for kind, particle in particles.items():
        tracks = _track(trajectory, particle)
        series = [p_hop_series(tracks, rule)[0], *_moduli(tracks[0], wavelets.scales, trajectory.interval)]
        columns = dict(
            zip(label_names.of_window(wavelets.scales), (values[frames] for values in series), strict=True)
        )
        moved = dict(zip("xyz", (tracks[0] - tracks[0, :, :1])[:, frames], strict=True))
        named = {"kind": kind, "particle": particle, "time": trajectory.times[frames] - trajectory.times[0]}
        tables.append(pl.DataFrame({**named, **moved, **columns}))
    return pl.concat(tables)


def _track(trajectory: Trajectory, particle: int) -> NDArray[np.float64]:
    """(1, 3, T) positions of one particle, units of sigma_AA."""
    return per_particle(trajectory.series(particle, particle + 1), trajectory.box_length, particle)


def _moduli(track: NDArray[np.float64], scales: Sequence[int], interval: float) -> NDArray[np.float64]:
    """(K, T) sqrt of the sum over directions of C^d(a, t)^2."""
    return np.sqrt((scalogram(track, scales, interval) ** 2).sum(axis=1))  # type: ignore[no-any-return]
