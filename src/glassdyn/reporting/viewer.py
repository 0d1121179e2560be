"""The three-dimensional view of a sample as a Vega specification: spheres that are turned, cut and coloured anew.

Vega, which draws the charts, draws this too: no further library and no WebGL, which mail programs and machines without a
graphics driver lack. Spheres are drawn from the farthest to the nearest, with perspective.
"""

import json
from pathlib import Path
from typing import Any

from glassdyn.reporting.particles import SampleView

__all__ = ["make_viewer"]

SPEC = Path(__file__).parent / "templates" / "particles.vg.json"


def make_viewer(view: SampleView) -> dict[str, Any]:
    """Fill the specification with a sample.

    Args:
        view: the sample.
    """
    spec: dict[str, Any] = json.loads(SPEC.read_text("utf-8"))
    values = {"length": view.length, "label": view.label}
    for signal in spec["signals"]:
        if signal["name"] in values:
            signal["value"] = values[signal["name"]]
    data = {table["name"]: table for table in spec["data"]}
    data["particles"]["values"] = view.rows
    data["edges"]["values"] = _list_edges(view.length / 2)
    return spec


def _list_edges(half: float) -> list[dict[str, float]]:
    """The twelve edges of a cube, from (x, y, z) to (x2, y2, z2)."""
    corners = [(x, y, z) for x in (-half, half) for y in (-half, half) for z in (-half, half)]
    pairs = [
        (a, b)
        for a in corners
        for b in corners
        if a < b and sum(p != q for p, q in zip(a, b, strict=True)) == 1
    ]
    return [dict(zip(("x", "y", "z", "x2", "y2", "z2"), (*a, *b), strict=True)) for a, b in pairs]
