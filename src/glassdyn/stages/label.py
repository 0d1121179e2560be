"""Stage label: p_hop and wavelet labels of every particle at the middle frame."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from glassdyn import params, progress, tables, trajectory
from glassdyn.figures import labels as figures
from glassdyn.figures import style
from glassdyn.labels import summary
from glassdyn.labels.middle import label_names, label_parameters, labelled_blocks


def main() -> None:
    """Write a label table for every trajectory, and plots of the labels."""
    settings = params.load()
    source = Path("data/trajectories")
    samples = trajectory.names(source)
    with progress.bar("label", total=len(samples), unit="samples") as advance:
        for sample in samples:
            label(source / f"{sample}.h5", settings.hops, settings.wavelets, advance)
    plot(source, samples, settings.hops, settings.wavelets)


def label(path: Path, hops: params.Hops, wavelets: params.Wavelets, advance: Callable[[float], None]) -> None:
    """Write the label table of one trajectory."""
    with trajectory.open_trajectory(path) as opened:
        tables.write(
            Path("data/labels") / f"{path.stem}.parquet",
            tables.labels_schema(label_names(wavelets.scales)),
            labelled_blocks(opened, hops, wavelets, advance),
            label_parameters(opened, hops, wavelets),
        )


def plot(source: Path, samples: list[str], hops: params.Hops, wavelets: params.Wavelets) -> None:
    """Draw the labels' densities and example trajectories of the first sample."""
    plots = Path("plots/labels")
    labels = {sample: tables.read(Path("data/labels") / f"{sample}.parquet") for sample in samples}
    first = {samples[0]: labels[samples[0]]}
    hop_table = summary.densities(labels, "p_hop")
    wavelet_names = label_names(wavelets.scales)[1:]
    wavelet_table = pl.concat([summary.densities(first, name) for name in wavelet_names])
    with trajectory.open_trajectory(source / f"{samples[0]}.h5") as opened:
        chosen = summary.example_particles(first[samples[0]], hops.p_c, wavelet_names[-1])
        examples = summary.examples(opened, chosen, hops, wavelets)
        interval = opened.interval
    style.save(figures.hop_densities(hop_table, hops.p_c), plots / "p_hop.png")
    style.save(figures.wavelet_densities(wavelet_table, interval), plots / "cwt.png")
    style.save(figures.tracks(examples, hops.p_c), plots / "examples.png")
    for name, table in (("p_hop", hop_table), ("cwt", wavelet_table), ("examples", examples)):
        table.write_csv(plots / f"{name}.csv")


if __name__ == "__main__":
    main()
