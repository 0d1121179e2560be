"""Stage `record`: samples of every copy at constant energy."""

from pathlib import Path

from glassdyn import params
from glassdyn.jobs import run_jobs
from glassdyn.simulation import recording
from glassdyn.stages import run

__all__ = ["main"]


def main() -> None:
    """Write one trajectory for each sample of each copy."""
    parameters = params.load()
    plan = recording.plan_recording(parameters)
    jobs = [
        job
        for copy in range(parameters.simulation.copies)
        for job in recording.jobs(
            plan,
            copy,
            parameters.simulation.samples,
            states=Path("data/states"),
            trajectories=Path("data/trajectories"),
        )
    ]
    run_jobs(jobs, label="record", unit="steps")


if __name__ == "__main__":
    run(main)
