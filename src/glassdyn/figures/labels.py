"""Figures of the labels: their densities, and single tracks with their labels."""

from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from glassdyn.figures import style
from glassdyn.figures.style import COLOURS, SPECIES
from glassdyn.labels.densities import ALL
from glassdyn.labels.wavelets import SIDE

__all__ = ["examples", "hop_densities", "wavelet_densities"]


def hop_densities(table: pl.DataFrame, p_c: float) -> Figure:
    """Density of p_hop, A and B of all samples over A of each (thesis, Fig. 2.6).

    Args:
        table: columns sample, species, low, high, density.
        p_c: the least p_hop of a hop, sigma_AA.
    """
    figure, pair = style.axes(
        r"$p_\mathrm{hop}$  [$\sigma_{AA}$]", r"PDF of $p_\mathrm{hop}$  [$\sigma_{AA}^{-1}$]", y_scale="log"
    )
    single = table.filter((pl.col("sample") != ALL) & (pl.col("species") == "A"))
    for k, (_, rows) in enumerate(single.group_by("sample", maintain_order=True)):
        label = "A, single samples" if k == 0 else None
        style.histogram(pair, rows, color=COLOURS["A"], linewidth=0.5, alpha=0.3, label=label)
    for name in SPECIES:
        rows = table.filter((pl.col("sample") == ALL) & (pl.col("species") == name))
        style.histogram(pair, rows, color=COLOURS[name], linewidth=1.5, label=f"{name}, all samples")
    style.mark(pair, x=p_c, text=rf"$p_c = {p_c:g}\,\sigma_{{AA}}$")
    pair.set_xlim(left=0)
    pair.legend()
    return figure


def wavelet_densities(table: pl.DataFrame, interval: float) -> Figure:
    """Density of the wavelet labels of A particles, steps for each scale (thesis, Fig. 2.9).

    Args:
        table: columns label, species, low, high, density, of all samples.
        interval: time between frames, units of tau.
    """
    figure, pair = style.axes(
        r"$m(a)$  [$\sigma_{AA}\,\tau^{1/2}$]",
        r"PDF of $m(a)$  [$\sigma_{AA}^{-1}\,\tau^{-1/2}$]",
        x_scale="log",
        y_scale="log",
    )
    a_particles = table.filter(pl.col("species") == "A")
    labels = a_particles["label"].unique(maintain_order=True)
    for label, colour in zip(labels, style.sequence(len(labels)), strict=True):
        rows = a_particles.filter(pl.col("label") == label)
        style.histogram(pair, rows, color=colour, linewidth=1.2, label=_scale(label, interval))
    pair.legend(title="A particles")
    return figure


def examples(table: pl.DataFrame, p_c: float, interval: float) -> Figure:
    """Draw example tracks over their p_hop and wavelet labels (thesis, Figs. 2.7 and 2.8).

    Where a window of the trajectory does not hold a scale, the background of its wavelet label is grey.

    Args:
        table: columns kind, particle, time, x, y, z, p_hop and cwt_<scale>.
        p_c: the least p_hop of a hop, sigma_AA.
        interval: time between frames, units of tau.
    """
    kinds = table["kind"].unique(maintain_order=True)
    scales = [name for name in table.columns if name.startswith("cwt_")]
    figure, panels = style.panels(
        3, len(kinds), size=(2.9 * len(kinds), 5.4), sharex=True, sharey="row", squeeze=False
    )
    for (top, middle, bottom), kind in zip(panels.T, kinds, strict=True):
        rows = table.filter(pl.col("kind") == kind)
        for axis, colour in zip("xyz", style.sequence(3), strict=True):
            top.plot(rows["time"], rows[axis], color=colour, linewidth=0.7, label=axis)
        middle.plot(rows["time"], rows["p_hop"])
        style.mark(middle, y=p_c, text=rf"$p_c = {p_c:g}\,\sigma_{{AA}}$")
        for scale, colour in zip(scales, style.sequence(len(scales)), strict=True):
            bottom.plot(rows["time"], rows[scale], color=colour, label=_scale(scale, interval))
        end = rows["time"].to_numpy().max()
        _shade(bottom, [SIDE * interval * _frames(scale) for scale in scales], end)
        top.set_title(f"{kind}: A particle {rows['particle'][0]}")
        bottom.set_xlabel(r"$t$  [$\tau$]")
        for panel in (top, middle, bottom):
            style.mark(panel, x=end / 2)
            panel.set_xlim(0, end)
    units = (
        r"$r - r(0)$  [$\sigma_{AA}$]",
        r"$p_\mathrm{hop}$  [$\sigma_{AA}$]",
        r"$m(a)$  [$\sigma_{AA}\,\tau^{1/2}$]",
    )
    for row, unit in zip(panels, units, strict=True):
        row[0].set_ylabel(unit)
        row[-1].legend(loc="upper right", ncols=3 if row is panels[0] else 1)
    return figure


def _shade(panel: Axes, margins: list[float], end: float) -> None:
    """Grey the times nearer to an end of the window than each margin, the darker the more margins they lie in."""
    look: dict[str, Any] = {"color": "0.5", "alpha": 0.3 / len(margins), "linewidth": 0, "zorder": 0}
    for margin in margins:
        name = f"padded: nearer than ${SIDE}a$ to an end" if margin == margins[0] else None
        panel.axvspan(0, min(margin, end / 2), label=name, **look)
        panel.axvspan(max(end - margin, end / 2), end, **look)


def _frames(label: str) -> int:
    return int(label.removeprefix("cwt_"))


def _scale(label: str, interval: float) -> str:
    return rf"$a = {interval * _frames(label):g}\,\tau$"
