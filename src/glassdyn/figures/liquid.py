"""The liquid that was simulated: relaxation and structure (thesis, figures 2.1 to 2.3)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from glassdyn.figures import style
from glassdyn.figures.style import COLOURS, SPECIES

__all__ = [
    "displacements",
    "energy",
    "non_gaussian",
    "radial_distribution",
    "rmsd",
    "scattering",
    "structure_factor",
    "tau_alpha",
]

Numbers = Mapping[str, float]

LENGTH = r"$\sigma_{AA}$"
TIME = r"$t$  $[\tau]$"

THIN: dict[str, Any] = {"color": COLOURS["A"], "linewidth": 0.6, "alpha": 0.6}
"""The look of one sample among many."""

DRIFT = 1e-4
"""Energy per particle that may drift over a window, units of eps_AA: that of `observables.warnings`."""

SMOOTH = 20
"""Rows of the table of energies in a running mean."""


def rmsd(table: pl.DataFrame, plateau: Numbers) -> Figure:
    """Root mean squared displacement with its plateau and p_c (Fig. 2.1).

    Args:
        table: columns time, A, B.
        plateau: A, B and time_A, time_B of the plateau; p_c.
    """
    figure, pair = style.axes(
        TIME, r"$\langle\Delta r^2(t)\rangle^{1/2}$  $[\sigma_{AA}]$", x_scale="log", y_scale="log"
    )
    for name in SPECIES:
        pair.plot(table["time"], table[name], color=COLOURS[name], label=name)
        cage = plateau[f"time_{name}"], plateau[name]
        pair.plot(*cage, "o", color=COLOURS[name], label=f"plateau of {name}, {plateau[name]:.3f} {LENGTH}")
    style.mark(pair, y=plateau["p_c"], text=f"$p_c$ = {plateau['p_c']:.3g} {LENGTH}")
    pair.legend(loc="upper left")
    return figure


def scattering(table: pl.DataFrame, tau: Numbers, wave_number: float) -> Figure:
    """Self intermediate scattering function with tau_alpha of A and B.

    Args:
        table: columns time, A, B.
        tau: A and B where they were measured; declared.
        wave_number: q, units of 1 / sigma_AA.
    """
    figure, pair = style.axes(
        TIME, f"$F_s(q, t)$,  $q$ = {wave_number:.2f} $\\sigma_{{AA}}^{{-1}}$", x_scale="log"
    )
    for name in SPECIES:
        label = f"{name}, $\\tau_\\alpha$ = {tau[name]:.3g} $\\tau$" if name in tau else name
        pair.plot(table["time"], table[name], color=COLOURS[name], label=label)
        if name in tau:
            pair.plot(tau[name], np.exp(-1), "o", color=COLOURS[name])
    style.mark(pair, y=float(np.exp(-1)), text="$1/e$")
    pair.axvline(tau["declared"], color="0.45", linestyle=":", linewidth=0.9, label=r"$\tau_\alpha$ declared")
    pair.set_ylim(0, 1)
    pair.legend(loc="lower left")
    return figure


def non_gaussian(table: pl.DataFrame) -> Figure:
    """Non-Gaussian parameter: columns time, A, B."""
    figure, pair = style.axes(TIME, r"$\alpha_2(t)$", x_scale="log")
    for name in SPECIES:
        pair.plot(table["time"], table[name], color=COLOURS[name], label=name)
    style.mark(pair, y=0.0)
    pair.legend()
    return figure


def tau_alpha(table: pl.DataFrame, tau: Numbers) -> Figure:
    """tau_alpha of every copy against the waiting time (Fig. 2.2).

    Args:
        table: columns copy, sample, waiting_time, A, B.
        tau: A and B of all samples together, where they were measured.
    """
    figure, both = style.panels(1, 2, size=(7.2, 3.6), sharex=True)
    copies = table["copy"].unique(maintain_order=True).to_list()
    for pair, name in zip(both, SPECIES, strict=True):
        for copy, colour in zip(copies, style.sequence(len(copies)), strict=True):
            rows = table.filter(pl.col("copy") == copy).drop_nulls(name)
            label = f"copy {copy}" if len(copies) <= 8 else None
            pair.plot(rows["waiting_time"], rows[name], "o-", color=colour, linewidth=0.9, label=label)
        if name in tau:
            style.mark(pair, y=tau[name])
            pair.set_title(f"all together (dashed): {tau[name]:.3g} $\\tau$")
        pair.set(xlabel=r"waiting time  $[\tau]$", ylabel=f"$\\tau_{{\\alpha,{name}}}$  $[\\tau]$")
        style.logarithmic(pair, "y")
    figure.legend(*both[0].get_legend_handles_labels(), loc="outside lower center", ncols=8)
    return figure


def displacements(table: pl.DataFrame) -> Figure:
    """Distributions of displacements at several lags (Fig. 2.3): columns time, low, high, A, B."""
    figure, both = style.panels(1, 2, size=(7.2, 3.2), sharex=True, sharey=True)
    times = table["time"].unique(maintain_order=True).to_list()
    for pair, name in zip(both, SPECIES, strict=True):
        for time, colour in zip(times, style.sequence(len(times)), strict=True):
            rows = table.filter(pl.col("time") == time).rename({name: "density"})
            style.histogram(pair, rows, color=colour, linewidth=0.9, label=f"{time:.3g} $\\tau$")
        pair.set(xlabel=r"$d = |\mathbf{r}(t) - \mathbf{r}(0)|$  $[\sigma_{AA}]$", title=name)
        style.logarithmic(pair, "y")
    both[0].set(ylabel=r"PDF of $d$  $[\sigma_{AA}^{-1}]$", ylim=(3e-3, None), xlim=(0, 2.5))
    both[1].legend(title="$t$", loc="upper right")
    return figure


def radial_distribution(table: pl.DataFrame) -> Figure:
    """Partial radial distribution functions: columns distance, AA, AB, BB."""
    figure, pair = style.axes(r"$r$  $[\sigma_{AA}]$", r"$g_{XY}(r)$")
    _pairs(pair, table, "distance")
    style.mark(pair, y=1.0)
    pair.set(xlim=(0.6, None), ylim=(0, None))
    pair.legend()
    return figure


def structure_factor(table: pl.DataFrame, wave_number: float) -> Figure:
    """Structure factors, and where F_s is taken: columns wave_number, total, AA, AB, BB.

    The partial ones are those of Ashcroft and Langreth: S_AB goes to 0 at large q, and may be negative.
    """
    figure, pair = style.axes(r"$q$  $[\sigma_{AA}^{-1}]$", "$S(q)$,  $S_{XY}(q)$ of Ashcroft and Langreth")
    pair.plot(table["wave_number"], table["total"], color="0.2", label="all")
    _pairs(pair, table, "wave_number", linewidth=0.9)
    style.mark(pair, y=0.0)
    style.mark(pair, x=wave_number, text=rf"$F_s$: $q$ = {wave_number:.2f} $\sigma_{{AA}}^{{-1}}$")
    pair.set_xlim(left=0)
    pair.legend()
    return figure


def _pairs(pair: Axes, table: pl.DataFrame, x: str, linewidth: float = 1.5) -> None:
    colours = (COLOURS["A"], "#2a9d8f", COLOURS["B"])
    for name, colour in zip(("AA", "AB", "BB"), colours, strict=True):
        pair.plot(table[x], table[name], color=colour, linewidth=linewidth, label=name)


def energy(table: pl.DataFrame, declared: float, drift: float) -> Figure:
    """Energy since the start and temperature along every window at constant energy, as running means.

    Args:
        table: columns sample, time, total, potential, temperature, pressure.
        declared: temperature, units of eps_AA / k_B.
        drift: the largest of all windows, see `observables.energy.drift`.
    """
    figure, (above, below) = style.panels(2, 1, size=(4.6, 4.6), sharex=True)
    for _, rows in table.group_by("sample", maintain_order=True):
        window, total = _running_mean(rows["time"] - rows["time"][0]), _running_mean(rows["total"])
        above.plot(window, (total - total[0]) / DRIFT, **THIN)
        below.plot(window, _running_mean(rows["temperature"]), **THIN)
    power = f"10^{{{np.log10(DRIFT):.0f}}}"
    style.mark(above, y=1.0, text=f"drift allowed; the largest is {drift / DRIFT:.2f}")
    style.mark(above, y=-1.0)
    style.mark(below, y=declared, text="declared")
    above.set(ylabel=rf"$(E(t) - E(0)) / N$  $[{power} \epsilon_{{AA}}]$")
    above.margins(y=0.25)
    below.set(xlabel=TIME, ylabel=r"$T$  $[\epsilon_{AA}/k_B]$")
    above.set_title(rf"single samples, running means over {SMOOTH * (window[1] - window[0]):.2g} $\tau$")
    for pair in (above, below):
        pair.legend(loc="upper right")
    return figure


def _running_mean(values: pl.Series) -> pl.Series:
    return values.rolling_mean(min(SMOOTH, len(values) - 1)).drop_nulls()
