"""What a physicist would object to in the numbers of a run, as warnings in words."""

from collections.abc import Mapping

import numpy as np

from glassdyn.observables.summary import Metrics

__all__ = ["list_warnings"]

DRIFT = 1e-4
"""Energy per particle, over the window, units of eps_AA."""

TEMPERATURE = 0.02
SHIFT = 0.01
"""Of the centre of mass, units of sigma_AA."""

FACTOR = 1.3
"""Of tau_alpha: declared against measured, and late against early."""

ERRORS = 3
"""By which a change of tau_alpha must stand out: it is estimated from few waiting times."""

SOLID = 0.05
"""Fraction of solid-like particles; a liquid has less than one in a hundred."""

P_C = (0.5, 1.25)
"""p_c over the plateau: below it rattling passes for hops, above it hops are missed."""


def list_warnings(metrics: Metrics) -> dict[str, str]:
    """List a readable warning for every check by its name; an empty one where the numbers are sound."""
    return {
        "energy_drifts": _energy(metrics["energy"]),
        "temperature_is_off": _temperature(metrics["temperature"]),
        "centre_of_mass_moves": _centre_of_mass(metrics["energy"]),
        "crystallises": _crystal(metrics["solid_fraction"]),
        "tau_alpha_is_off": _tau_alpha_off(metrics["tau_alpha"]),
        "tau_alpha_is_unknown": _tau_alpha_unknown(metrics["tau_alpha"], metrics["samples"]),
        "ages": _ageing(metrics["ageing"]),
        "p_c_is_off": _plateau(metrics["plateau"]),
    }


def _energy(numbers: Mapping[str, float]) -> str:
    if numbers.get("largest_drift", 0.0) < DRIFT:
        return ""
    return (
        f"energy must be conserved: it drifts by {numbers['largest_drift']:.1e} per particle over a window, "
        f"more than {DRIFT:.0e}; take a shorter timestep (params.yaml: simulation.timestep)"
    )


def _temperature(numbers: Mapping[str, float]) -> str:
    if abs(numbers.get("ratio", 1.0) - 1) < TEMPERATURE:
        return ""
    return (
        f"the samples must be at the declared temperature within {TEMPERATURE:.0%}: got "
        f"T = {numbers['measured']:.4f} for {numbers['declared']:.4f}; equilibrate longer "
        "(params.yaml: equilibrate.equilibrate)"
    )


def _centre_of_mass(numbers: Mapping[str, float]) -> str:
    if numbers["largest_shift"] < SHIFT:
        return ""
    return (
        "total momentum must be zero: the centre of mass moves by "
        f"{numbers['largest_shift']:.3f} sigma_AA in a window, and every displacement with it"
    )


def _crystal(numbers: Mapping[str, float]) -> str:
    if numbers["largest"] < SOLID:
        return ""
    return (
        f"the samples must be liquid: one has {numbers['largest']:.1%} of its particles in crystalline order "
        f"(mean {numbers['start']:.1%} at the start, {numbers['end']:.1%} at the end of the windows); "
        "leave this copy out, or take a higher temperature (params.yaml: liquid.temperature)"
    )


def _tau_alpha_off(numbers: Mapping[str, float]) -> str:
    if "ratio" not in numbers or 1 / FACTOR < numbers["ratio"] < FACTOR:
        return ""
    return (
        f"tau_alpha of A is {numbers['A']:.4g} tau, not the declared {numbers['declared']:.4g}: all durations "
        f"are off by a factor {numbers['ratio']:.2f}; declare it anew (params.yaml: simulation.tau_alpha)"
    )


def _tau_alpha_unknown(numbers: Mapping[str, float], extent: Mapping[str, float]) -> str:
    if "A" in numbers:
        return ""
    return (
        f"tau_alpha is unknown: F_s does not come near 1/e in the recorded {extent['duration']:.4g} tau; "
        "record longer (params.yaml: record.duration) or declare a larger simulation.tau_alpha"
    )


def _ageing(numbers: Mapping[str, float]) -> str:
    factor, error = numbers.get("factor_A", 1.0), numbers.get("error_A", 0.0)
    if 1 / FACTOR < factor < FACTOR or abs(np.log(factor)) < ERRORS * error:
        return ""
    return (
        f"the liquid is not in equilibrium: tau_alpha of A changes by a factor {factor:.2f} (relative error "
        f"{error:.2f}) with the waiting time; equilibrate longer (params.yaml: equilibrate.equilibrate)"
    )


def _plateau(numbers: Mapping[str, float]) -> str:
    if P_C[0] < numbers["p_c_over_plateau"] < P_C[1]:
        return ""
    return (
        f"p_c is the plateau of the RMSD: got {numbers['p_c']:.3f} for a plateau at {numbers['all']:.3f} "
        "sigma_AA (params.yaml: hops.p_c)"
    )
