"""Stage describe: the structure around every particle of the middle frames."""

from pathlib import Path

from glassdyn import params
from glassdyn.features.describe import DescriptorSpec, describe_midframe, parameters, schema
from glassdyn.features.inherent import Quench
from glassdyn.features.radial import bin_edges
from glassdyn.jobs import progress
from glassdyn.stages import run
from glassdyn.storage import tables, trajectory


def main() -> None:
    """Write a structure table for every trajectory."""
    settings = params.load()
    quench = Quench(settings.simulation.engine, settings.potential)
    description = DescriptorSpec(tuple(bin_edges(settings.descriptors).tolist()), settings.describe, quench)
    source = Path("data/trajectories")
    samples = trajectory.sample_names(source)
    with progress.show_progress("describe", total=len(samples), unit="samples") as advance:
        for sample in samples:
            with trajectory.open_trajectory(source / f"{sample}.h5") as opened:
                columns, stored = describe_midframe(opened, description), parameters(opened, description)
            path = Path("data/features") / f"{sample}.parquet"
            tables.write(path, schema(description), [columns], stored)
            advance(1)


if __name__ == "__main__":
    run(main)
