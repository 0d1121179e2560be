"""Labels over isoconfigurational runs: what of a label the configuration determines (thesis, chapter 4).

A label m of particle i in run r is its mean over runs plus what the velocities add. With c the mean
correlation, over particles, between two runs, no function of the configuration correlates with the label of
one run better than sqrt(c): the ceiling of every prediction.

Source: Berthier, Jack, Phys. Rev. E 76, 041509 (2007); Bapst et al., Nature Physics 16, 448 (2020) for the
propensity, the mean over runs of |r_i(t) - r_i(0)|.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn import label_names
from glassdyn.errors import GlassdynError
from glassdyn.jobs import Job, JobContext, OutputOf
from glassdyn.labels.midframe import label_midframe, label_parameters
from glassdyn.labels.sections import Sections, as_mappings, column_names, from_mappings
from glassdyn.storage import tables
from glassdyn.storage.trajectory import Trajectory, open_trajectory

__all__ = [
    "Ceiling",
    "average_ceilings",
    "columns",
    "job",
    "label_run",
    "lags",
    "load_run_parameters",
    "load_runs",
    "noise_ceiling",
    "tabulate_ceilings",
    "tabulate_raw_and_mean",
    "write_means",
]

POINTS = 2000
"""Particles in a table for a scatter plot."""


class Ceiling(NamedTuple):
    """How well runs from one configuration agree on a label, over A particles.

    Attributes:
        halves: correlation between the means over every other run.
        raw: correlation between one run and the mean over the others, averaged over runs.
        ceiling: square root of the mean correlation between two runs; 0 where that is negative.
    """

    halves: float
    raw: float
    ceiling: float


def columns(sections: Sections, times: Sequence[float]) -> list[str]:
    """Names of the labels: those of `midframe`, then a propensity for each time, units of tau_alpha."""
    return [*column_names(sections), *label_names.propensities(times)]


def lags(times: Sequence[float], tau_alpha: float, frame_time: float) -> list[int]:
    """Times in units of tau_alpha as numbers of frames, at least one."""
    return [max(round(time * tau_alpha / frame_time), 1) for time in times]


def job(simulated: Job, output: Path, sections: Sections, propensities: dict[str, int]) -> Job:
    """The job that labels a run.

    Args:
        simulated: the job whose output is the run's trajectory.
        output: the table.
        sections: parameters of the labels.
        propensities: frames after the middle one, by column.
    """
    arguments = {**as_mappings(sections), "propensities": propensities}
    name = f"{simulated.name}-labels"
    return Job(name, label_run, arguments, (OutputOf(simulated),), output, work=1)


def label_run(context: JobContext) -> None:
    """Job: label the middle frame of a run, and measure how far each particle goes from there.

    Args:
        context: arguments, those of `job` as mappings; inputs, the trajectory; output, the table.
    """
    sections = from_mappings(context.arguments)
    propensities: dict[str, int] = context.arguments["propensities"]
    names = [*column_names(sections), *propensities]
    with open_trajectory(context.inputs[0]) as trajectory:
        moved = {name: _distances(trajectory, lag) for name, lag in propensities.items()}
        tables.write(
            context.output,
            tables.labels_schema(names),
            _blocks(trajectory, sections, moved),
            {**label_parameters(trajectory, sections), "lags": propensities},
        )
    context.report(1.0)


def _blocks(
    trajectory: Trajectory, sections: Sections, moved: dict[str, NDArray[np.float64]]
) -> Iterator[dict[str, NDArray[Any]]]:
    for block in label_midframe(trajectory, sections, lambda _: None):
        particles = block["particle"]
        yield {**block, **{name: distances[particles] for name, distances in moved.items()}}


def _distances(trajectory: Trajectory, lag: int) -> NDArray[np.float64]:
    """(N,) |r(t) - r(0)| so many frames after the middle one."""
    middle = trajectory.middle
    distances: NDArray[np.float64] = np.linalg.norm(
        trajectory.frame(middle + lag) - trajectory.frame(middle), axis=1
    )
    return distances


def write_means(folder: Path, samples: Sequence[str], labels: Sequence[str]) -> None:
    """Write the means of the labels over the runs of each sample, and a list of the samples.

    Args:
        folder: with the label table of run r of a sample at <sample>/run<rr>.parquet; the means go to
            <sample>.parquet, under the names of `label_names.means`, the list to samples.txt.
        samples: their names.
        labels: columns of the tables.
    """
    for sample in samples:
        _write_means_of_sample(_run_tables(folder, sample), folder / f"{sample}.parquet", labels)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "samples.txt").write_text("".join(f"{sample}\n" for sample in samples))


def tabulate_ceilings(folder: Path, samples: Sequence[str], labels: Sequence[str]) -> pl.DataFrame:
    """How well the runs of each sample agree on each label.

    Args:
        folder: see `write_means`.
        samples: their names.
        labels: columns of the tables.

    Returns:
        Columns sample, label, and those of `Ceiling`.
    """
    rows = [
        (sample, label, *noise_ceiling(_load_a_particles(_run_tables(folder, sample), label)))
        for sample in samples
        for label in labels
    ]
    names = dict.fromkeys(("sample", "label"), pl.String())
    return pl.DataFrame(rows, names | dict.fromkeys(Ceiling._fields, pl.Float64()), orient="row")


def tabulate_raw_and_mean(folder: Path, sample: str, label: str) -> pl.DataFrame:
    """A label of the first A particles in the first run, column raw, and its mean over the other runs, column mean."""
    first, *rest = _load_a_particles(_run_tables(folder, sample), label)
    return pl.DataFrame({"raw": first, "mean": np.mean(rest, axis=0)}).head(POINTS)


def average_ceilings(ceilings: pl.DataFrame, runs: int) -> dict[str, Any]:
    """The metrics of the stage: each column of `Ceiling` averaged over samples, by label.

    `ceiling_error` is the standard error of the mean over samples, left out for one sample.
    """
    error = (pl.col("ceiling").std() / pl.len().sqrt()).alias("ceiling_error")
    rows = ceilings.group_by("label", maintain_order=True).agg(pl.col(Ceiling._fields).mean(), error)
    by_label = {
        row.pop("label"): {name: value for name, value in row.items() if value is not None}
        for row in rows.to_dicts()
    }
    return {"runs": runs, **by_label}


def load_runs(folder: Path, sample: str, label: str) -> NDArray[np.float64] | None:
    """(R, N) a label of all particles in every run of a sample; None where there are not two runs."""
    paths = _run_tables(folder, sample)
    has_label = len(paths) > 1 and label in tables.column_names(paths[0])
    return _load_label(paths, label) if has_label else None


def load_run_parameters(folder: Path, sample: str) -> dict[str, Any]:
    """What determined the labels of the runs of a sample; empty where there are none."""
    paths = _run_tables(folder, sample)
    return tables.agreed_parameters(paths) if paths else {}


def _run_tables(folder: Path, sample: str) -> list[Path]:
    return sorted((folder / sample).glob("run*.parquet"))


def _load_a_particles(paths: Sequence[Path], label: str) -> NDArray[np.float64]:
    """(R, n) a label of the A particles in every run."""
    is_a = tables.read(paths[0], ["type"])["type"].to_numpy() == 0
    return _load_label(paths, label)[:, is_a]


def _load_label(paths: Sequence[Path], label: str) -> NDArray[np.float64]:
    """(R, N) a label of all particles in every run."""
    return np.stack([tables.read(path, [label])[label].to_numpy() for path in paths])


def _write_means_of_sample(paths: Sequence[Path], output: Path, labels: Sequence[str]) -> None:
    first = tables.read(paths[0], ["particle", "type"])
    identity = {name: first[name].to_numpy() for name in ("particle", "type")}
    names = label_names.means(labels)
    means = {name: _load_label(paths, label).mean(axis=0) for name, label in zip(names, labels, strict=True)}
    parameters = tables.agreed_parameters(paths)
    window = {
        f"run_{name}": parameters.pop(name) for name in ("frames", "frame")
    }  # of the runs, not the sample
    provenance = {**parameters, **window, "runs": len(paths)}
    tables.write(output, tables.labels_schema(names), [{**identity, **means}], provenance)


def noise_ceiling(labels: NDArray[np.float64]) -> Ceiling:
    """Agreement of runs on a label.

    Args:
        labels: (R, n) of the particles of one species, R >= 2.

    Raises:
        GlassdynError: where a run gives all particles the same label, so that nothing correlates.
    """
    if (labels.std(axis=1) == 0).any():
        raise GlassdynError("a label that is the same for all particles correlates with nothing; run longer")
    runs = len(labels)
    means = (labels.sum(axis=0) - labels) / (runs - 1)  # (R, n) over the other runs
    raw = np.mean([np.corrcoef(*pair)[0, 1] for pair in zip(labels, means, strict=True)])
    halves = np.corrcoef(labels[::2].mean(axis=0), labels[1::2].mean(axis=0))[0, 1]
    correlations = np.asarray(np.corrcoef(labels))[np.triu_indices(runs, 1)]
    return Ceiling(float(halves), float(raw), float(np.sqrt(max(correlations.mean(), 0.0))))
