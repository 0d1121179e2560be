"""Labels as axes name them: symbol and unit."""

__all__ = ["density", "quantity", "symbol", "unit"]

LENGTH = (r"$\sigma_{AA}$", r"$\sigma_{AA}^{-1}$")

UNITS = {
    "p": LENGTH,
    "cwt": (r"$\sigma_{AA}\,\tau^{1/2}$", r"$\sigma_{AA}^{-1}\,\tau^{-1/2}$"),
    "propensity": LENGTH,
}
"""Unit of the labels and of their densities, by the start of their names."""


def symbol(label: str) -> str:
    """A label in the field's terms: p_hop, cwt_50, propensity_1; p_hop_ell2, a coarse one; mean_p_hop, over runs."""
    if label.startswith("mean_"):
        return f"mean over runs of {symbol(label.removeprefix('mean_'))}"
    name, _, length = label.partition("_ell")
    kind, _, number = name.rpartition("_")
    written = {
        "p": r"$p_\mathrm{hop}$",
        "cwt": f"$m(a)$, $a$ = {number} frames",
        "propensity": rf"propensity, $t = {number}\,\tau_\alpha$",
    }[kind]
    return rf"{written}, $\ell = {length}\,\sigma_{{AA}}$" if length else written


def unit(label: str) -> str:
    """Unit of a label."""
    return _units(label)[0]


def quantity(label: str) -> str:
    """Symbol and unit of a label, for an axis."""
    return f"{symbol(label)}  [{unit(label)}]"


def density(label: str) -> str:
    """Probability density of a label with its unit, for the axis across."""
    return f"PDF  [{_units(label)[1]}]"


def _units(label: str) -> tuple[str, str]:
    return UNITS[label.removeprefix("mean_").partition("_")[0]]
