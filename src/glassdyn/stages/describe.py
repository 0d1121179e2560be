"""Stage `describe`: the structure around every particle of the snapshots."""

from pathlib import Path

from glassdyn.features.describe import describe_job
from glassdyn.features.spec import spec_from_params
from glassdyn.jobs import run_jobs
from glassdyn.stages import load_params, run
from glassdyn.storage.trajectory import sample_names

__all__ = ["main"]


def main() -> None:
    """Write a structure table for every snapshot."""
    spec = spec_from_params(load_params())
    snapshots, features = Path("data/snapshots"), Path("data/features")
    files = [f"{name}.parquet" for name in sample_names(snapshots)]
    run_jobs(
        [describe_job(snapshots / file, features / file, spec) for file in files],
        label="describe",
        unit="samples",
    )


if __name__ == "__main__":
    run(main)
