"""GlassBench's own results, and ours beside them: Pearson coefficients of the propensity by method and time.

Theirs are pooled over 100 test configurations; ours over those that `evaluate` tests, which need not be the same.

Source: Jung et al., https://doi.org/10.5281/zenodo.10118191 (CC-BY-4.0); `references/glassbench/README.md`.
"""

import math
import re
from pathlib import Path

import polars as pl

from glassdyn.importing.published_times import RELAXATION, published_times
from glassdyn.importing.source import ImportingError

__all__ = ["collect_ours", "compare_results", "read_published"]

DETAILED = 0.44
"""The temperature at which all times were published; at others the relaxation time was."""

PROPENSITY = re.compile(r"propensity_(?P<time>[-+.e\d]+)")

COLUMNS = {
    "time": pl.Float64,
    "method": pl.String,
    "origin": pl.String,
    "pearson": pl.Float64,
    "pearson_low": pl.Float64,
    "pearson_high": pl.Float64,
    "pearson_sample_mean": pl.Float64,
    "pearson_sample_error": pl.Float64,
    "ceiling": pl.Float64,
    "ratio": pl.Float64,
}


def compare_results(
    models: pl.DataFrame, folder: Path, *, temperature: float, tau_alpha: float
) -> pl.DataFrame:
    """Put the published results and ours into one table.

    Args:
        models: plots/evaluate/models.csv of a run.
        folder: references/glassbench.
        temperature: of the liquid, units of eps_AA / k_B.
        tau_alpha: time that labels count in, units of tau.

    Returns:
        Columns time (units of tau), method, origin (published or here), pearson (pooled), its bootstrap interval over
        blocks, mean over configurations and its error, ceiling, ratio to it; null where there is no such number.

    Raises:
        ImportingError: for a temperature that was not published, or a table that is absent.
    """
    published = read_published(folder, temperature)
    return pl.concat([published, collect_ours(models, tau_alpha)]).sort(
        "time", pl.col("origin") == "here", maintain_order=True
    )


def read_published(folder: Path, temperature: float) -> pl.DataFrame:
    """Read what was published at a temperature; columns and errors as `compare_results`."""
    times = published_times(temperature)
    if temperature == DETAILED:
        rhos = _read(folder / "KA_results__FIG1.csv").rename({"t": "time"})
        ceilings = _read(folder / f"KA_results__rhomax_T{temperature:.2f}_MD.csv").rename(
            {"t": "time", "rhomax": "ceiling"}
        )
    else:
        rhos = _read_diagonal(folder / "KA_results__FIG5.csv", temperature, times[RELAXATION])
        ceilings = pl.DataFrame(schema={"time": pl.Float64, "ceiling": pl.Float64})
    long = rhos.unpivot(index="time", variable_name="method", value_name="pearson")
    table = long.join(ceilings, on="time", how="left", maintain_order="left").with_columns(
        origin=pl.lit("published"), ratio=pl.col("pearson") / pl.col("ceiling")
    )
    return _complete(table)


def _read_diagonal(path: Path, temperature: float, time: float) -> pl.DataFrame:
    """Columns time and each method, trained and tested at one temperature: one row."""
    table = _read(path)
    suffix = f"{temperature:.2f}"
    rows = table.filter((pl.col("1/T") * temperature - 1).abs() < 1e-6)
    columns = {name: name.removesuffix(suffix) for name in table.columns if name.endswith(suffix)}
    return rows.select(pl.lit(time).alias("time"), pl.col(list(columns)).name.map(columns.__getitem__))


def collect_ours(models: pl.DataFrame, tau_alpha: float) -> pl.DataFrame:
    """The propensities among the labels that models were evaluated on; arguments and columns as `compare_results`."""
    labels = models["label"].unique(maintain_order=True).to_list()
    times = {
        label: float(match["time"]) * tau_alpha
        for label in labels
        if (match := PROPENSITY.fullmatch(label)) is not None
    }
    rows = models.filter(pl.col("label").is_in(list(times)))
    table = rows.with_columns(
        time=pl.col("label").replace_strict(times, return_dtype=pl.Float64).map_elements(_round, pl.Float64),
        method=pl.col("model"),
        origin=pl.lit("here"),
        # a column without a number is read as words
        ratio=pl.col("pearson") / pl.col("ceiling").cast(pl.Float64),
    )
    return _complete(table)


def _round(time: float) -> float:
    """Four digits, to which published times and the names of labels agree."""
    return round(time, 3 - math.floor(math.log10(time)))


def _complete(table: pl.DataFrame) -> pl.DataFrame:
    absent = [pl.lit(None).alias(name) for name in COLUMNS if name not in table.columns]
    return table.with_columns(*absent).select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(path, schema_overrides={"rhomax": pl.Float64}, truncate_ragged_lines=True)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ImportingError(f"GlassBench's results are tables of numbers: got {path}, {error}") from None
