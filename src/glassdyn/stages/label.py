"""Stage label: p_hop and wavelet labels of every particle at the middle frame."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from glassdyn import label_names, params
from glassdyn.figures import labels as figures
from glassdyn.jobs import progress
from glassdyn.labels.densities import summarise
from glassdyn.labels.midframe import label_midframe, label_parameters, with_coarse_grained
from glassdyn.stages import run
from glassdyn.storage import tables, trajectory

SOURCE, TARGET = Path("data/trajectories"), Path("data/labels")


def main() -> None:
    """Write a label table for every trajectory, and plots of the labels."""
    settings = params.load()
    samples = trajectory.sample_names(SOURCE)
    with progress.show_progress("label", total=sum(map(positions, samples)), unit="positions") as advance:
        for sample in samples:
            label(sample, settings, advance)
    labels = {sample: tables.read(TARGET / f"{sample}.parquet") for sample in samples}
    with trajectory.open_trajectory(SOURCE / f"{samples[0]}.h5") as first:
        summary = summarise(labels, first, settings.hops, settings.wavelets)
    figures.save_all(summary, settings.hops.p_c, Path("plots/labels"))


def positions(sample: str) -> int:
    """Frames times particles of a trajectory."""
    with trajectory.open_trajectory(SOURCE / f"{sample}.h5") as opened:
        return opened.frames * opened.particles


def label(sample: str, settings: params.Params, advance: Callable[[float], None]) -> None:
    """Write the label table of one trajectory."""
    hops, wavelets, coarse = settings.hops, settings.wavelets, settings.coarse
    names = label_names.of_window(wavelets.scales)
    schema = tables.labels_schema([*names, *label_names.coarse(names, coarse.lengths)])
    with trajectory.open_trajectory(SOURCE / f"{sample}.h5") as opened:
        stored = label_parameters(opened, hops, wavelets) | asdict(coarse)
        blocks: Iterable[tables.Columns] = label_midframe(opened, hops, wavelets, advance)
        if coarse.lengths:
            blocks = [with_coarse_grained(blocks, opened, coarse.lengths)]
        tables.write(TARGET / f"{sample}.parquet", schema, blocks, stored)


if __name__ == "__main__":
    run(main)
