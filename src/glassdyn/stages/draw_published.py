"""Stage `draw_published` of a data set: its correlations beside those that others published."""

from pathlib import Path

import polars as pl

from glassdyn.figures import published, style
from glassdyn.importing.reference_results import compare_results
from glassdyn.stages import load_params, run
from glassdyn.storage.outputs import write_csv

__all__ = ["main"]


def main() -> None:
    """Read the table of models and GlassBench's results; write a table and a picture of both."""
    params = load_params()
    table = compare_results(
        pl.read_csv("plots/evaluate/models.csv"),
        Path("../../references/glassbench"),
        temperature=params.liquid.temperature,
        tau_alpha=params.simulation.tau_alpha,
    )
    write_csv(Path("plots/published/methods.csv"), table, digits=6)
    style.save(published.methods_by_time(table), Path("plots/published/methods.png"))


if __name__ == "__main__":
    run(main)
