"""Stage describe: the radial distribution around every particle of the middle frames."""

from pathlib import Path

from glassdyn import params, progress, tables, trajectory
from glassdyn.features.descriptors import bin_edges
from glassdyn.features.structure import described


def main() -> None:
    """Write a structure table for every trajectory."""
    edges = bin_edges(params.load().descriptors)
    source = Path("data/trajectories")
    samples = trajectory.names(source)
    with progress.bar("describe", total=len(samples), unit="samples") as advance:
        for sample in samples:
            with trajectory.open_trajectory(source / f"{sample}.h5") as opened:
                columns, parameters = described(opened, edges)
            schema = tables.structure_schema(len(edges) - 1)
            tables.write(Path("data/features") / f"{sample}.parquet", schema, [columns], parameters)
            advance(1)


if __name__ == "__main__":
    main()
