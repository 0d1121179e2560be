"""Stage `import_files` of a data set: trajectories of other programs in raw/ become copies and samples."""

from pathlib import Path

from glassdyn.importing.samples import import_jobs
from glassdyn.jobs import run_jobs
from glassdyn.jobs.atomic import publish
from glassdyn.stages import load_params, run

__all__ = ["main"]

RAW, DATA = Path("raw"), Path("data")


def main() -> None:
    """Write one trajectory and its middle frame for each sample of each copy."""
    for folder in run_jobs(import_jobs(load_params(), RAW), label="import", unit="MB"):
        publish(folder, DATA)


if __name__ == "__main__":
    run(main)
