"""Stage describe: the structure around every particle of the middle frames."""

from pathlib import Path

from glassdyn import params, progress, tables, trajectory
from glassdyn.features.descriptors import bin_edges
from glassdyn.features.inherent import Quench
from glassdyn.features.structure import Description, described, parameters, schema
from glassdyn.stages import run


def main() -> None:
    """Write a structure table for every trajectory."""
    settings = params.load()
    quench = Quench(settings.simulation.engine, settings.potential)
    description = Description(tuple(bin_edges(settings.descriptors).tolist()), settings.describe, quench)
    source = Path("data/trajectories")
    samples = trajectory.names(source)
    with progress.bar("describe", total=len(samples), unit="samples") as advance:
        for sample in samples:
            with trajectory.open_trajectory(source / f"{sample}.h5") as opened:
                columns, stored = described(opened, description), parameters(opened, description)
            path = Path("data/features") / f"{sample}.parquet"
            tables.write(path, schema(description), [columns], stored)
            advance(1)


if __name__ == "__main__":
    run(main)
