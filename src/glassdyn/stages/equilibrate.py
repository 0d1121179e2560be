"""Stage `equilibrate`: copies of the liquid, each from random positions to equilibrium."""

from pathlib import Path

from glassdyn import fleet, params
from glassdyn.simulation import equilibration
from glassdyn.stages import run

__all__ = ["main"]


def main() -> None:
    """Write one state for each copy."""
    parameters = params.load()
    plans = [equilibration.preparation(parameters, copy) for copy in range(parameters.simulation.copies)]
    jobs = [equilibration.job(plan, Path("data/states")) for plan in plans]
    fleet.run(jobs, label="equilibrate", unit="steps")


if __name__ == "__main__":
    run(main)
