"""Pictures of what a model makes of neighbours by their distance: pair functions, filters, attention."""

import polars as pl
from matplotlib.figure import Figure

from glassdyn.figures import style

__all__ = ["MODEL", "attention", "filters", "pair_functions"]

MODEL = "#1f5a94"
"""Colour of what concerns the model and its predictions."""

FEW_EDGES = 20
"""Bins of distance with fewer edges are not drawn."""


def pair_functions(table: pl.DataFrame) -> Figure:
    """Draw the pair functions with their errors above g(r), where pairs are.

    Args:
        table: columns pair, distance, value, error, g.
    """
    figure, columns = style.panels(2, 2, size=(8.2, 5.2), sharex=True, squeeze=False)
    for column, kind in enumerate("AB"):
        upper, lower = columns[0][column], columns[1][column]
        for neighbour in "AB":
            rows = table.filter((pl.col("pair") == kind + neighbour) & (pl.col("g") > 0.02))
            look = {"color": style.COLOURS[neighbour], "label": f"$f_{{{kind}{neighbour}}}$"}
            upper.plot(rows["distance"], rows["value"], **look)
            if rows["error"].is_not_null().all():
                low, high = rows["value"] - rows["error"], rows["value"] + rows["error"]
                upper.fill_between(rows["distance"], low, high, color=look["color"], alpha=0.2, linewidth=0)
            lower.plot(rows["distance"], rows["g"], color=look["color"], label=f"$g_{{{kind}{neighbour}}}$")
        upper.axhline(0, color="0.2", linewidth=0.8)
        upper.set_title(
            f"around {kind} particles" + (", of which no model has learnt" if kind == "B" else "")
        )
        lower.set_xlabel(r"$r$  [$\sigma_{AA}$]")
        upper.legend()
        lower.legend()
    columns[0][0].set_ylabel(r"$f(r)$  [unit of the label]")
    columns[1][0].set_ylabel(r"$g(r)$")
    return figure


def filters(table: pl.DataFrame) -> Figure:
    """Draw the filters of every unit and their norm, block by block, and g(r) below, where pairs are.

    Args:
        table: columns network, block, unit, distance, value, g_AA, g_AB; of networks beside the first only
            the norm is drawn, thin.
    """
    table = table.filter((pl.col("g_AA") > 0.02) | (pl.col("g_AB") > 0.02))
    first = table.filter(pl.col("network") == 1)
    blocks = first["block"].unique(maintain_order=True).to_list()
    figure, rows = style.panels(2, len(blocks), size=(4.2 * len(blocks), 5.2), sharex=True, squeeze=False)
    for column, block in enumerate(blocks):
        upper, lower = rows[0][column], rows[1][column]
        here = first.filter(pl.col("block") == block)
        for _, unit in here.group_by("unit", maintain_order=True):
            upper.plot(unit["distance"], unit["value"], color="0.7", linewidth=0.8)
        squares = (pl.col("value") ** 2).sum().sqrt()
        norms = table.filter(pl.col("block") == block).group_by("network", "distance", maintain_order=True)
        for (network,), norm in norms.agg(squares).group_by("network", maintain_order=True):
            width, name = (1.8, "norm over units") if network == 1 else (0.8, None)
            upper.plot(norm["distance"], norm["value"], color=MODEL, linewidth=width, label=name)
        upper.axhline(0, color="0.2", linewidth=0.8)
        upper.set_title(f"block {block}; each unit in grey")
        for neighbour in "AB":
            look = {"color": style.COLOURS[neighbour], "label": f"$g_{{A{neighbour}}}$"}
            lower.plot(unit["distance"], unit[f"g_A{neighbour}"], **look)
        lower.set_xlabel(r"$r$  [$\sigma_{AA}$]")
        upper.legend()
        lower.legend()
    rows[0][0].set_ylabel("filter $W(r)$")
    rows[1][0].set_ylabel("$g(r)$")
    return figure


def attention(table: pl.DataFrame) -> Figure:
    """Draw how much A particles attend to neighbours of each species, layer by layer, a line for each head.

    Args:
        table: columns layer, head, neighbour, distance, attention, error, edges.
    """
    layers = table["layer"].unique(maintain_order=True).to_list()
    figure, columns = style.panels(1, len(layers), size=(4.2 * len(layers), 3.4), sharey=True, squeeze=False)
    for axes, layer in zip(columns[0], layers, strict=True):
        here = table.filter((pl.col("layer") == layer) & (pl.col("edges") >= FEW_EDGES))
        for (neighbour, head), rows in here.group_by("neighbour", "head", maintain_order=True):
            look = {"color": style.COLOURS[str(neighbour)], "linewidth": 1.0, "capsize": 1}
            axes.errorbar(
                rows["distance"],
                rows["attention"],
                yerr=rows["error"].fill_null(0.0),
                label=f"to {neighbour}" if head == 1 else None,
                **look,
            )
        style.mark(axes, y=1.0, text="mean over neighbours")
        axes.set(xlabel=r"$r$  [$\sigma_{AA}$]", title=f"layer {layer}, a line for each head")
    columns[0][0].set_ylabel("attention of A, times neighbours")
    columns[0][0].legend()
    return figure
