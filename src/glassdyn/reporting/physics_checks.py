"""What a physicist checks before trusting a liquid: the question, the number, the limit and the verdict."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from glassdyn.observables.warnings import DRIFT, ERRORS, FACTOR, P_C, SHIFT, SOLID, TEMPERATURE
from glassdyn.reporting.numbers import percent, significant, with_error
from glassdyn.reporting.run_files import read_json, read_table

__all__ = ["CHECKS", "Check", "Verdict", "list_facts", "list_verdicts", "read_verdicts"]

Numbers = Mapping[str, Any]


class Check(NamedTuple):
    """A check.

    Attributes:
        question: in words.
        number: the quantity from the metrics, as it is written.
        limit: what it has to obey.
    """

    question: str
    number: Callable[[Numbers], str]
    limit: str


class Verdict(NamedTuple):
    """A check of a run.

    Attributes:
        question: in words.
        number: the quantity, as it is written.
        limit: what it has to obey.
        passes: whether it does.
        warning: what is wrong and what to do; empty where it passes.
    """

    question: str
    number: str
    limit: str
    passes: bool
    warning: str


def _of(topic: str, name: str, unit: str, digits: int = 3) -> Callable[[Numbers], str]:
    return lambda metrics: f"{significant(metrics.get(topic, {}).get(name), digits)}{unit}"


WITHIN_FACTOR = f"between 1/{FACTOR:g} and {FACTOR:g}"

CHECKS = {
    "energy_drifts": Check(
        "Is energy conserved?",
        _of("energy", "largest_drift", " ε per particle, the largest drift over a window"),
        f"below {significant(DRIFT)} ε",
    ),
    "temperature_is_off": Check(
        "Is the liquid at the declared temperature?",
        _of("temperature", "ratio", " of the declared", 4),
        f"within {percent(TEMPERATURE)} of 1",
    ),
    "centre_of_mass_moves": Check(
        "Is the centre of mass at rest?",
        _of("energy", "largest_shift", " σ, the largest shift in a window"),
        f"below {significant(SHIFT)} σ",
    ),
    "crystallises": Check(
        "Is it still a liquid?",
        _of("solid_fraction", "largest", " of the particles in crystalline order, in the worst sample"),
        f"below {significant(SOLID)}",
    ),
    "tau_alpha_is_off": Check(
        "Are durations what they claim to be?",
        _of("tau_alpha", "ratio", " of the declared relaxation time of A"),
        WITHIN_FACTOR,
    ),
    "tau_alpha_is_unknown": Check(
        "Is the relaxation time measured?",
        _of("tau_alpha", "A", " τ, relaxation time of A"),
        "F_s comes near 1/e within the windows",
    ),
    "ages": Check(
        "Is it in equilibrium?",
        _of("ageing", "factor_A", ", the factor by which the relaxation time changes with the waiting time"),
        f"{WITHIN_FACTOR}, or within {ERRORS} errors of 1",
    ),
    "p_c_is_off": Check(
        "Is a hop longer than a rattle in the cage?",
        _of("plateau", "p_c_over_plateau", ", p_c over the plateau of the RMSD"),
        f"between {P_C[0]:g} and {P_C[1]:g}",
    ),
}
"""By the names of the warnings in metrics/physics.json."""


def read_verdicts(folder: Path) -> list[Verdict]:
    """Read every check that a run made; none where `observe` has not run.

    Args:
        folder: of the run, with metrics/physics.json and plots/physics/warnings.csv.
    """
    table = read_table(folder / "plots" / "physics" / "warnings.csv")
    warnings = [] if table.is_empty() else [str(warning) for warning in table["warning"]]
    return list_verdicts(read_json(folder / "metrics" / "physics.json"), warnings)


def list_verdicts(metrics: Numbers, warnings: Sequence[str]) -> list[Verdict]:
    """List every check that a run made.

    Args:
        metrics: of the stage observe; `warnings` says for each check whether it warns.
        warnings: their texts, in the order of the checks.
    """
    texts = iter(warnings)
    verdicts = []
    for name, warns in metrics.get("warnings", {}).items():
        check = CHECKS.get(name, Check(name.replace("_", " "), lambda _: "", ""))
        warning = next(texts, name) if warns else ""
        verdicts.append(Verdict(check.question, check.number(metrics), check.limit, not warns, warning))
    return verdicts


def list_facts(metrics: Numbers) -> list[tuple[str, str]]:
    """List what was simulated and measured: names and values as they are written."""
    if not metrics:
        return []
    samples, tau, plateau = (metrics.get(topic, {}) for topic in ("samples", "tau_alpha", "plateau"))
    energy, structure = metrics.get("energy", {}), metrics.get("structure", {})
    return [
        ("samples", f"{samples.get('number')} of {samples.get('copies')} independent copies"),
        ("particles in each", str(samples.get("particles"))),
        (
            "frames, duration of a sample",
            f"{samples.get('frames')}, {significant(samples.get('duration'))} τ",
        ),
        ("temperature", f"{significant(metrics.get('temperature', {}).get('measured'), 4)} ε/k_B"),
        (
            "potential energy, pressure",
            f"{significant(energy.get('potential'), 4)} ε, {significant(energy.get('pressure'), 3)} ε/σ³",
        ),
        *(
            (f"relaxation time of {name}", f"{with_error(tau.get(name), tau.get(f'error_{name}'), 1)} τ")
            for name in "AB"
        ),
        ("RMSD at the plateau", f"{significant(plateau.get('all'))} σ"),
        ("first peak of g(r), AA", f"{significant(structure.get('peak_AA'))} σ"),
        ("highest peak of S(q)", significant(structure.get("largest_s"))),
    ]
