"""Names of the labels: columns of the label tables, and what a network can be asked to learn."""

from collections.abc import Sequence

__all__ = ["coarse", "is_mean", "means", "propensities"]


def coarse(names: Sequence[str], lengths: Sequence[float]) -> list[str]:
    """Labels averaged in space: p_hop_ell2, cwt_50_ell2, p_hop_ell4 ..., length by length, sigma_AA."""
    return [f"{name}_ell{length:g}" for length in lengths for name in names]


def propensities(times: Sequence[float]) -> list[str]:
    """Displacements of an isoconfigurational run: propensity_<time>, tau_alpha."""
    return [f"propensity_{time:g}" for time in times]


def means(names: Sequence[str]) -> list[str]:
    """Means over isoconfigurational runs: mean_<label>; a propensity is one by its definition."""
    return [name if name.startswith("propensity_") else f"mean_{name}" for name in names]


def is_mean(name: str) -> bool:
    """Whether a label is a mean over isoconfigurational runs."""
    return name.startswith(("mean_", "propensity_"))
