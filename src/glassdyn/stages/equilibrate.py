"""Stage `equilibrate`: copies of the liquid, each from random positions to equilibrium."""

from pathlib import Path

from glassdyn.jobs import run_jobs
from glassdyn.simulation.equilibration import equilibration_job, plan_preparation
from glassdyn.stages import load_params, run

__all__ = ["main"]


def main() -> None:
    """Write one state for each copy."""
    params = load_params()
    preparations = [plan_preparation(params, copy) for copy in range(params.simulation.copies)]
    jobs = [equilibration_job(preparation, Path("data/states")) for preparation in preparations]
    run_jobs(jobs, label="equilibrate", unit="steps")


if __name__ == "__main__":
    run(main)
