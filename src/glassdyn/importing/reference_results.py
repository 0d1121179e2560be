"""GlassBench's own results, and ours beside them, by method: correlations with the propensity, and its susceptibility.

Theirs are pooled over 100 test configurations; ours over those that `evaluate` tests, which need not be the same.

Source: Jung et al., https://doi.org/10.5281/zenodo.10118191 (CC-BY-4.0); `references/glassbench/README.md`.
"""

import math
import re
from pathlib import Path

import polars as pl

from glassdyn import label_names
from glassdyn.importing.published_times import RELAXATION, published_times
from glassdyn.importing.source import ImportingError

__all__ = [
    "collect_ours",
    "compare_results",
    "compare_susceptibilities",
    "compare_transfers",
    "read_published",
]

DETAILED = 0.44
"""The temperature at which all times were published; at others the relaxation time was."""

TRUTH = "truth"
"""The propensity itself among the methods; GlassBench calls it MD."""

TRANSFERRED = r"^(?P<method>.+)_T(?P<temperature>\d+\.\d+)$"
"""Name of a model that has learnt at another temperature, such as network_T0.50."""

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
        long = rhos.unpivot(index="time", variable_name="method", value_name="pearson")
        ceilings = _read(folder / f"KA_results__rhomax_T{temperature:.2f}_MD.csv").rename(
            {"t": "time", "rhomax": "ceiling"}
        )
    else:
        long = _read_transfers(folder, temperature).filter(learnt_at=temperature)
        long = long.select(pl.lit(times[RELAXATION]).alias("time"), "method", "pearson")
        ceilings = pl.DataFrame(schema={"time": pl.Float64, "ceiling": pl.Float64})
    table = long.join(ceilings, on="time", how="left", maintain_order="left").with_columns(
        origin=pl.lit("published"), ratio=pl.col("pearson") / pl.col("ceiling")
    )
    return _complete(table)


def _read_transfers(folder: Path, temperature: float) -> pl.DataFrame:
    """Columns learnt_at, method and pearson of the methods tested at a temperature, at its relaxation time."""
    table = _read(folder / "KA_results__FIG5.csv")
    tested = table.filter((pl.col("1/T") * temperature - 1).abs() < 1e-6).drop("1/T")
    name, digits = pl.col("name"), len("0.44")  # BOTAN0.44: method, and temperature that it has learnt at
    return tested.unpivot(variable_name="name", value_name="pearson").select(
        learnt_at=name.str.tail(digits).cast(pl.Float64), method=name.str.head(-digits), pearson="pearson"
    )


def compare_susceptibilities(
    table: pl.DataFrame, folder: Path, *, temperature: float, tau_alpha: float
) -> pl.DataFrame:
    """Put the published susceptibilities and ours into one table; other arguments and errors as `compare_results`.

    Args:
        table: plots/evaluate/susceptibilities.csv of a run.
        folder: references/glassbench.
        temperature: of the liquid.
        tau_alpha: time that labels count in.

    Returns:
        Columns time (units of tau), method (truth among them), origin, susceptibility and its error, null where
        published.
    """
    published_times(temperature)  # refuses a temperature that was not published
    suffix = f"{temperature:.2f}"
    wide = _read(folder / "KA_results__FIG7.csv").rename({f"t{suffix}": "time"})
    methods = {name: name.removesuffix(suffix) for name in wide.columns if name.endswith(suffix)}
    published = (
        wide.select("time", *methods)
        .unpivot(index="time", variable_name="method", value_name="susceptibility")
        .with_columns(pl.col("method").replace(methods).replace({"MD": TRUTH}), origin=pl.lit("published"))
    )
    ours = _at_times(table, tau_alpha).with_columns(origin=pl.lit("here"))
    columns = ["time", "method", "origin", "susceptibility", "susceptibility_error"]
    joint = pl.concat([published, ours], how="diagonal").select(columns)
    return joint.sort("time", pl.col("origin") == "here", maintain_order=True)


def compare_transfers(models: pl.DataFrame, folder: Path, *, temperature: float) -> pl.DataFrame:
    """Put methods that have learnt at one temperature and predict at another beside each other, at the relaxation time.

    Ours are those of this temperature, and those that are named by another, as network_T0.50.

    Args:
        models: plots/evaluate/models.csv of a run.
        folder: references/glassbench.
        temperature: that is predicted, units of eps_AA / k_B.

    Returns:
        Columns learnt_at (a temperature), method, origin, pearson (pooled), pearson_low, pearson_high; these two are
        null where published.

    Raises:
        ImportingError: as `compare_results`.
    """
    published_times(temperature)  # refuses a temperature that was not published
    published = _read_transfers(folder, temperature).with_columns(origin=pl.lit("published"))
    parts = pl.col("model").str.extract_groups(TRANSFERRED).struct
    ours = models.filter(label=label_names.propensities([1.0])[0]).select(
        "pearson",
        "pearson_low",
        "pearson_high",
        learnt_at=parts.field("temperature").cast(pl.Float64).fill_null(temperature),
        method=parts.field("method").fill_null(pl.col("model")),
        origin=pl.lit("here"),
    )
    columns = ["learnt_at", "method", "origin", "pearson", "pearson_low", "pearson_high"]
    joint = pl.concat([published, ours], how="diagonal").select(columns)
    return joint.sort("learnt_at", maintain_order=True)


def collect_ours(models: pl.DataFrame, tau_alpha: float) -> pl.DataFrame:
    """The propensities among the labels that models were evaluated on; arguments and columns as `compare_results`."""
    table = _at_times(models, tau_alpha).with_columns(
        origin=pl.lit("here"),
        # a column without a number is read as words
        ratio=pl.col("pearson") / pl.col("ceiling").cast(pl.Float64),
    )
    return _complete(table)


def _at_times(table: pl.DataFrame, tau_alpha: float) -> pl.DataFrame:
    """Rows of the propensities, with the columns time (units of tau) and method in place of label and model."""
    labels = table["label"].unique(maintain_order=True).to_list()
    times = {
        label: float(match["time"]) * tau_alpha
        for label in labels
        if (match := PROPENSITY.fullmatch(label)) is not None
    }
    time = pl.col("label").replace_strict(times, return_dtype=pl.Float64).map_elements(_round, pl.Float64)
    return table.filter(pl.col("label").is_in(list(times))).with_columns(time=time, method=pl.col("model"))


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
