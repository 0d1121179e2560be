"""Small tables that show the labels: their densities, and single trajectories with their labels."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.labels.hops import hop_series, rule_of
from glassdyn.labels.middle import label_names
from glassdyn.labels.tracks import tracks_of
from glassdyn.labels.wavelets import scalogram
from glassdyn.params import Hops, Wavelets
from glassdyn.trajectory import Trajectory

__all__ = ["Summary", "densities", "example_particles", "examples", "summarise"]

ROWS = 1000
"""Moments drawn of one example."""


class Summary(NamedTuple):
    """Tables to draw.

    Attributes:
        p_hop: density in every sample, see `densities`.
        cwt: density of each wavelet label in the first sample.
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
    sample, table = next(iter(labels.items()))
    names = label_names(wavelets.scales)[1:]
    chosen = example_particles(table, hops.p_c, names[-1])
    return Summary(
        densities(labels, "p_hop"),
        pl.concat([densities({sample: table}, name) for name in names]),
        examples(first, chosen, hops, wavelets),
        first.interval,
    )


def densities(labels: Mapping[str, pl.DataFrame], column: str, bins: int = 50) -> pl.DataFrame:
    """Probability density of a label, sample by sample, on bins common to all.

    Args:
        labels: label tables by sample.
        column: the label.
        bins: of equal width, from 0 to the largest value.

    Returns:
        Columns sample, label, value (the middle of a bin), density.
    """
    largest = max(float(table[column].to_numpy().max()) for table in labels.values())
    edges = np.linspace(0, largest or 1.0, bins + 1)
    frames = []
    for sample, table in labels.items():
        density, _ = np.histogram(table[column].to_numpy(), edges, density=True)
        frames.append(
            pl.DataFrame(
                {"sample": sample, "label": column, "value": (edges[1:] + edges[:-1]) / 2, "density": density}
            )
        )
    return pl.concat(frames)


def example_particles(labels: pl.DataFrame, p_c: float, longest: str) -> dict[str, int]:
    """Choose a particle that hops, one that moves slowly without a hop, and a typical one.

    Args:
        labels: label table of a sample.
        p_c: the least p_hop of a hop, sigma_AA.
        longest: column of the wavelet label at the longest scale.

    Returns:
        Particle by kind: the largest p_hop; the largest wavelet label without a hop at the middle; the
        median p_hop.
    """
    p_hop, wavelet = labels["p_hop"].to_numpy(), labels[longest].to_numpy()
    still = np.where(p_hop < p_c, wavelet, -1.0)
    median = int(np.argsort(p_hop, kind="stable")[len(p_hop) // 2])
    return {"hopping": int(p_hop.argmax()), "slow": int(still.argmax()), "typical": median}


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
    rule = rule_of(hops, trajectory.interval)
    tables = []
    for kind, particle in particles.items():
        block = trajectory.series(particle, particle + 1)
        tracks = tracks_of(block, trajectory.box_length, particle)  # (1, 3, T)
        series = [hop_series(tracks, rule)[0], *_moduli(tracks[0], wavelets.scales, trajectory.interval)]
        columns = dict(zip(label_names(wavelets.scales), (values[frames] for values in series), strict=True))
        moved = dict(zip("xyz", (tracks[0] - tracks[0, :, :1])[:, frames], strict=True))
        named = {"kind": kind, "particle": particle, "time": trajectory.times[frames] - trajectory.times[0]}
        tables.append(pl.DataFrame({**named, **moved, **columns}))
    return pl.concat(tables)


def _moduli(track: NDArray[np.float64], scales: Sequence[int], interval: float) -> NDArray[np.float64]:
    """(K, T) sqrt of the sum over directions of C^d(a, t)^2."""
    return np.sqrt((scalogram(track, scales, interval) ** 2).sum(axis=1))  # type: ignore[no-any-return]
