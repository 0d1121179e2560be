"""Stage `observe`: measure the simulated liquid, and warn of what a physicist would object to."""

from pathlib import Path

import polars as pl

from glassdyn.jobs.progress import print_line
from glassdyn.observables.measure import measure_all
from glassdyn.observables.summary import Expected, summarise
from glassdyn.observables.tabulate import tabulate
from glassdyn.observables.warnings import list_warnings
from glassdyn.stages import load_params, run
from glassdyn.storage.outputs import write_csv, write_metrics

__all__ = ["main"]


def main() -> None:
    """Write metrics/physics.json, and tables and warnings to plots/physics."""
    params, plots = load_params(), Path("plots/physics")
    expected = Expected(params.liquid.temperature, params.simulation.tau_alpha, params.hops.p_c)
    measurements = measure_all(Path("data/trajectories"))
    metrics = summarise(measurements, expected)
    warnings = list_warnings(metrics)
    for name, table in tabulate(measurements).items():
        write_csv(plots / f"{name}.csv", table, digits=8)
    lines = [line for line in warnings.values() if line]
    for line in lines:
        print_line(f"warning: {line}")
    write_csv(plots / "warnings.csv", pl.DataFrame({"warning": lines}, schema={"warning": pl.String}))
    counts = {name: int(bool(line)) for name, line in warnings.items()}
    write_metrics(Path("metrics/physics.json"), {**metrics, "warnings": counts})


if __name__ == "__main__":
    run(main)
