"""Measure the simulated liquid and say what a physicist would object to."""

import json
from pathlib import Path

from glassdyn import params, progress
from glassdyn.figures import liquid, style
from glassdyn.observables.checks import objections
from glassdyn.observables.summary import Declared, summary
from glassdyn.observables.survey import survey
from glassdyn.observables.tabulate import tables
from glassdyn.stages import run


def main() -> None:
    """Read the trajectories; write metrics/physics.json and plots/physics."""
    given = params.load()
    declared = Declared(given.liquid.temperature, given.simulation.tau_alpha, given.hops.p_c)
    seen = survey(Path("data/trajectories"))
    numbers, drawn = summary(seen, declared), tables(seen)
    against = objections(numbers)
    lines = [line for line in against.values() if line]
    plots = Path("plots/physics")
    plots.mkdir(parents=True, exist_ok=True)
    for name, table in drawn.items():
        table.write_csv(plots / f"{name}.csv", float_precision=8)
    for name, figure in liquid.figures(drawn, numbers).items():
        style.save(figure, plots / f"{name}.png")
    for line in lines:
        progress.line(f"warning: {line}")
    (plots / "warnings.txt").write_text("".join(f"{line}\n" for line in lines))
    counts = {"warnings": {name: int(bool(line)) for name, line in against.items()}}
    Path("metrics").mkdir(exist_ok=True)
    Path("metrics/physics.json").write_text(json.dumps(numbers | counts, indent=2, allow_nan=False) + "\n")


if __name__ == "__main__":
    run(main)
