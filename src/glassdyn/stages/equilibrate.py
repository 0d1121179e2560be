"""Stage `equilibrate`: copies of the liquid, each from random positions to equilibrium."""

from pathlib import Path

from glassdyn import params
from glassdyn.jobs import run_jobs
from glassdyn.simulation import equilibration
from glassdyn.stages import run

__all__ = ["main"]


def main() -> None:
    """Write one state for each copy."""
    parameters = params.load()
    plans = [equilibration.plan_preparation(parameters, copy) for copy in range(parameters.simulation.copies)]
    jobs = [equilibration.job(plan, Path("data/states")) for plan in plans]
    run_jobs(jobs, label="equilibrate", unit="steps")


if __name__ == "__main__":
    run(main)
