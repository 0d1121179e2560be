"""Stage `equilibrate`: copies of the liquid, each from random positions to equilibrium."""

from pathlib import Path

from glassdyn.jobs import run_jobs
from glassdyn.jobs.ledger import remove_stale
from glassdyn.simulation.equilibration import equilibration_job, plan_preparation
from glassdyn.stages import load_params, run

__all__ = ["main"]

STATES, LEDGER = Path("data/states"), Path("data/jobs/equilibrate.json")


def main() -> None:
    """Write one state for each copy."""
    params = load_params()
    preparations = [plan_preparation(params, copy) for copy in range(params.simulation.copies)]
    jobs = [equilibration_job(preparation, STATES) for preparation in preparations]
    remove_stale(STATES, jobs)
    run_jobs(jobs, label="equilibrate", unit="steps", ledger=LEDGER)


if __name__ == "__main__":
    run(main)
