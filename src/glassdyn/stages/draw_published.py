"""Stage `draw_published` of a data set: its correlations and susceptibilities beside those that others published."""

from pathlib import Path

import polars as pl
from matplotlib.figure import Figure

from glassdyn.figures import published, style
from glassdyn.importing.reference_results import compare_results, compare_susceptibilities, compare_transfers
from glassdyn.stages import load_params, run
from glassdyn.storage.outputs import write_csv

__all__ = ["main"]


def main() -> None:
    """Read the tables of `evaluate` and GlassBench's results; write tables and pictures of both."""
    params = load_params()
    temperature, tau_alpha = params.liquid.temperature, params.simulation.tau_alpha
    evaluated, publications = Path("plots/evaluate"), Path("../../references/glassbench")
    models = pl.read_csv(evaluated / "models.csv")
    methods = compare_results(models, publications, temperature=temperature, tau_alpha=tau_alpha)
    _write("methods", methods, published.methods_by_time(methods))
    transfers = compare_transfers(models, publications, temperature=temperature)
    _write("transfers", transfers, published.methods_by_temperature(transfers))
    if (path := evaluated / "susceptibilities.csv").exists():
        table = compare_susceptibilities(
            pl.read_csv(path), publications, temperature=temperature, tau_alpha=tau_alpha
        )
        _write("susceptibilities", table, published.susceptibilities(table))


def _write(name: str, table: pl.DataFrame, figure: Figure) -> None:
    write_csv(Path(f"plots/published/{name}.csv"), table, digits=6)
    style.save(figure, Path(f"plots/published/{name}.png"))


if __name__ == "__main__":
    run(main)
