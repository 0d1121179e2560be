"""Figures of the labels: their densities, and single trajectories that they describe."""

from pathlib import Path

import polars as pl
from matplotlib.figure import Figure

from glassdyn.figures import style
from glassdyn.labels.summary import Summary

__all__ = ["hop_densities", "save_all", "tracks", "wavelet_densities"]


def save_all(summary: Summary, p_c: float, folder: Path) -> None:
    """Write the tables of a summary and their figures into a folder.

    Args:
        summary: what to draw.
        p_c: the least p_hop of a hop, sigma_AA.
        folder: made if need be.
    """
    style.save(hop_densities(summary.p_hop, p_c), folder / "p_hop.png")
    style.save(wavelet_densities(summary.cwt, summary.interval), folder / "cwt.png")
    style.save(tracks(summary.examples, p_c), folder / "examples.png")
    for name in ("p_hop", "cwt", "examples"):
        getattr(summary, name).write_csv(folder / f"{name}.csv")


def hop_densities(table: pl.DataFrame, p_c: float) -> Figure:
    """Density of p_hop, one curve for each sample (thesis, Fig. 2.6).

    Args:
        table: columns sample, value, density.
        p_c: the least p_hop of a hop, sigma_AA.
    """
    figure, pair = style.axes(r"$p_\mathrm{hop}$  [$\sigma_{AA}$]", "probability density", y_scale="log")
    samples = table["sample"].unique(maintain_order=True)
    for sample, colour in zip(samples, style.sequence(len(samples)), strict=True):
        rows = table.filter((pl.col("sample") == sample) & (pl.col("density") > 0))
        pair.plot(rows["value"], rows["density"], color=colour, linewidth=0.8)
    style.mark(pair, x=p_c, text=rf"$p_c = {p_c:g}$")
    pair.set_xlim(left=0)
    pair.legend(title=f"{len(samples)} samples")
    return figure


def wavelet_densities(table: pl.DataFrame, interval: float) -> Figure:
    """Density of the wavelet labels, one curve for each scale (thesis, Fig. 2.9).

    Args:
        table: columns label, value, density, of one sample.
        interval: time between frames, units of tau.
    """
    figure, pair = style.axes(
        r"$m(a)$  [$\sigma_{AA}\,\tau^{1/2}$]", "probability density", x_scale="log", y_scale="log"
    )
    labels = table["label"].unique(maintain_order=True)
    for label, colour in zip(labels, style.sequence(len(labels)), strict=True):
        rows = table.filter((pl.col("label") == label) & (pl.col("density") > 0))
        scale = interval * int(label.removeprefix("cwt_"))
        pair.plot(rows["value"], rows["density"], color=colour, label=rf"$a = {scale:g}\,\tau$")
    pair.legend()
    return figure


def tracks(table: pl.DataFrame, p_c: float) -> Figure:
    """Draw example trajectories over their p_hop and wavelet labels (thesis, Figs. 2.7 and 2.8).

    Args:
        table: columns kind, particle, time, x, y, z, p_hop and cwt_<scale>.
        p_c: the least p_hop of a hop, sigma_AA.
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
        style.mark(middle, y=p_c, text=rf"$p_c = {p_c:g}$")
        for scale, colour in zip(scales, style.sequence(len(scales)), strict=True):
            bottom.plot(rows["time"], rows[scale], color=colour, label=f"{scale.removeprefix('cwt_')} frames")
        top.set_title(f"{kind}: particle {rows['particle'][0]}")
        bottom.set_xlabel(r"$t$  [$\tau$]")
        for panel in (top, middle, bottom):
            style.mark(panel, x=rows["time"].to_numpy().max() / 2)
    units = (
        r"$r - r(0)$  [$\sigma_{AA}$]",
        r"$p_\mathrm{hop}$  [$\sigma_{AA}$]",
        r"$m(a)$  [$\sigma_{AA}\,\tau^{1/2}$]",
    )
    for panel, unit in zip(panels[:, 0], units, strict=True):
        panel.set_ylabel(unit)
        panel.legend()
    return figure
