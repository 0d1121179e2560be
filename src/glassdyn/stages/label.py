"""Stage label: p_hop and wavelet labels of every particle at the middle frame."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from glassdyn import label_names, params, progress, tables, trajectory
from glassdyn.figures import labels as figures
from glassdyn.labels.middle import averaged, label_parameters, labelled_blocks
from glassdyn.labels.summary import summarise
from glassdyn.stages import run

SOURCE, TARGET = Path("data/trajectories"), Path("data/labels")


def main() -> None:
    """Write a label table for every trajectory, and plots of the labels."""
    settings = params.load()
    samples = trajectory.names(SOURCE)
    with progress.bar("label", total=sum(map(positions, samples)), unit="positions") as advance:
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
        blocks: Iterable[tables.Columns] = labelled_blocks(opened, hops, wavelets, advance)
        if coarse.lengths:
            blocks = [averaged(blocks, opened, coarse.lengths)]
        tables.write(TARGET / f"{sample}.parquet", schema, blocks, stored)


if __name__ == "__main__":
    run(main)
