"""Names of the labels: columns of the label tables, and what a network can be asked to learn."""

from collections.abc import Sequence

__all__ = ["bond_breakings", "coarse", "is_mean", "is_propensity", "means", "propensities"]


def coarse(names: Sequence[str], lengths: Sequence[float]) -> list[str]:
    """Labels averaged in space: p_hop_ell2, cwt_50_ell2, p_hop_ell4 ..., length by length, sigma_AA."""
    return [f"{name}_ell{length:g}" for length in lengths for name in names]


def propensities(times: Sequence[float]) -> list[str]:
    """Displacements of an isoconfigurational run: propensity_<time>, tau_alpha."""
    return [f"propensity_{time:g}" for time in times]


def is_propensity(name: str) -> bool:
    """Whether a label is a propensity, at whatever time."""
    return name.startswith("propensity_")


def bond_breakings(times: Sequence[float]) -> list[str]:
    """Shares of the neighbours that a particle keeps, over the runs of a published set: mean_bond_breaking_<time>."""
    return [f"mean_bond_breaking_{time:g}" for time in times]


def means(names: Sequence[str]) -> list[str]:
    """Means over isoconfigurational runs: mean_<label>; a propensity is one by its definition."""
    return [name if is_propensity(name) else f"mean_{name}" for name in names]


def is_mean(name: str) -> bool:
    """Whether a label is a mean over isoconfigurational runs."""
    return name.startswith("mean_") or is_propensity(name)
