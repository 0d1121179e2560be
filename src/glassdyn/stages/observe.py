"""Measure the simulated liquid and say what a physicist would object to."""

import json
from pathlib import Path

from glassdyn import params
from glassdyn.jobs import progress
from glassdyn.observables.measure import measure_all
from glassdyn.observables.summary import Expected, summarise
from glassdyn.observables.tabulate import tabulate
from glassdyn.observables.warnings import list_warnings
from glassdyn.stages import run


def main() -> None:
    """Read the trajectories; write metrics/physics.json and plots/physics."""
    given = params.load()
    declared = Expected(given.liquid.temperature, given.simulation.tau_alpha, given.hops.p_c)
    seen = measure_all(Path("data/trajectories"))
    numbers, drawn = summarise(seen, declared), tabulate(seen)
    against = list_warnings(numbers)
    lines = [line for line in against.values() if line]
    plots = Path("plots/physics")
    plots.mkdir(parents=True, exist_ok=True)
    for name, table in drawn.items():
        table.write_csv(plots / f"{name}.csv", float_precision=8)
    for line in lines:
        progress.print_line(f"warning: {line}")
    (plots / "warnings.txt").write_text("".join(f"{line}\n" for line in lines))
    counts = {"warnings": {name: int(bool(line)) for name, line in against.items()}}
    Path("metrics").mkdir(exist_ok=True)
    Path("metrics/physics.json").write_text(json.dumps(numbers | counts, indent=2, allow_nan=False) + "\n")


if __name__ == "__main__":
    run(main)
