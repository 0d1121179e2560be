"""Labels as axes name them: symbol and unit."""

from typing import NamedTuple

from glassdyn.errors import GlassdynError
from glassdyn.labels import LABELS
from glassdyn.labels.p_hop import P_HOP

__all__ = ["density", "quantity", "symbol", "unit"]


class Units(NamedTuple):
    """Units of a quantity and of its probability density; mathtext."""

    quantity: str
    density: str


UNITS = {label.name: Units(label.unit, label.density_unit) for label in LABELS}
UNITS["propensity"] = Units(P_HOP.unit, P_HOP.density_unit)
"""By the name with which columns begin; a propensity is a length, as p_hop is."""

SYMBOLS = {label.name: label.symbol for label in LABELS}
SYMBOLS["propensity"] = lambda column: rf"propensity, $t = {column.removeprefix('propensity_')}\,\tau_\alpha$"


def symbol(column: str) -> str:
    """A column in the field's terms: p_hop, cwt_50, propensity_1; p_hop_ell2, averaged; mean_p_hop, over runs."""
    if column.startswith("mean_"):
        return f"mean over runs of {symbol(column.removeprefix('mean_'))}"
    name, _, length = column.partition("_ell")
    written = SYMBOLS[_find_label(name)](name)
    return rf"{written}, $\ell = {length}\,\sigma_{{AA}}$" if length else written


def unit(column: str) -> str:
    """Unit of a column."""
    return _units(column).quantity


def quantity(column: str) -> str:
    """Symbol and unit of a column, for an axis."""
    return f"{symbol(column)}  [{unit(column)}]"


def density(column: str) -> str:
    """Probability density of a column with its unit, for the axis across."""
    return f"PDF  [{_units(column).density}]"


def _units(column: str) -> Units:
    return UNITS[_find_label(column.removeprefix("mean_"))]


def _find_label(column: str) -> str:
    """The name of the label that a column belongs to."""
    for name in SYMBOLS:
        if column == name or column.startswith(f"{name}_"):
            return name
    raise GlassdynError(
        f"a column begins with the name of its label, {', '.join(SYMBOLS)}: got {column}; "
        "register the label in LABELS (glassdyn/labels/__init__.py)"
    )
