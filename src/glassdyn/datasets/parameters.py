"""The parameters of a new data set: the root's, with what its files state and what fits into them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassdyn.constraints import validate
from glassdyn.datasets.contents import Contents
from glassdyn.datasets.motion import Motion
from glassdyn.errors import GlassdynError
from glassdyn.importing.windows import count_windows, plan_cut
from glassdyn.params import Params

__all__ = ["Sections", "Statements", "choose_parameters", "require_copies"]

Sections = dict[str, dict[str, Any]]

LEAST_COPIES = 3
"""Models are trained, selected and tested on different copies."""

PART_HELD_OUT = 5
"""Of so many copies one is for validation, and one for test."""

MOST_FOLDS = 5

LEAST_HALF = 8
"""Frames on each side of the middle: with fewer neither hops nor wavelets are resolved."""

OVERRIDES: Mapping[str, Mapping[str, Any]] = {
    "isoconfigurational": {"runs": 0},
    "loss": {"targets": ["p_hop"]},
}
"""Labels of single windows: of runs with redrawn velocities the files have none."""

WITHOUT_POTENTIAL: Mapping[str, Mapping[str, Any]] = {
    "potential": {"truncation": "none"},
    "describe": {"fields": [], "lengths": [], "shells": 0.0, "inherent": False},
    "graph": {"nodes": "full", "positions": "thermal"},
}
"""Features of positions alone."""


@dataclass(frozen=True)
class Statements:
    """What the user says about a data set beside its files.

    Attributes:
        potential: kob-andersen, or none that is known.
        temperature: units of eps_AA / k_B; None where the files say it.
        tau_alpha: units of tau; None where it is to be measured.
        duration: of a sample, units of tau_alpha; None for the root's.
        samples: of each copy; None for as many as fit, the root's number at the most.
        blocks: of time, that each run is cut into.
        raw: further keys of the section `raw`.
    """

    potential: str
    temperature: float | None
    tau_alpha: float | None
    duration: float | None
    samples: int | None
    blocks: int
    raw: Mapping[str, Any]


def choose_parameters(
    root: Mapping[str, Any], contents: Contents, motion: Motion, stated: Statements
) -> Sections:
    """The sections of the data set.

    Args:
        root: the sections of the repository's own parameters.
        contents: of the files.
        motion: of the liquid in them.
        stated: by the user.

    Raises:
        GlassdynError: for fewer than three copies, an unknown temperature or tau_alpha, and runs that hold no window.
        ParamsError: for what breaks a rule of the parameters.
    """
    require_copies(contents.runs, stated.blocks)
    sections: Sections = {name: dict(keys) for name, keys in root.items() if name != "raw"}
    raw = {"composition": list(contents.composition), "blocks": stated.blocks, "topology": "", **stated.raw}
    changes: list[Mapping[str, Mapping[str, Any]]] = [
        OVERRIDES,
        WITHOUT_POTENTIAL if stated.potential == "none" else {},
        _state_liquid(contents, motion, stated),
        _split_copies(contents.runs * stated.blocks),
        {"raw": raw},
    ]
    for change in changes:
        _update(sections, change)
    if sections["graph"]["nodes"] == "pca":  # components are of the training copies of the split itself
        sections["evaluate"]["folds"] = 1
    if stated.duration is not None:
        sections["record"]["duration"] = stated.duration
    _update(sections, _fit_box(sections, contents.box_length))
    _update(sections, _fit_window(sections, contents, motion))
    sections["simulation"]["samples"] = _count_samples(sections, contents, stated)
    validate(Params, sections, Path("params.yaml"))
    return sections


def _update(sections: Sections, changes: Mapping[str, Mapping[str, Any]]) -> None:
    for name, keys in changes.items():
        sections[name] = {**sections.get(name, {}), **keys}


def require_copies(runs: int, blocks: int) -> None:
    """Refuse fewer copies than a split has parts.

    Args:
        runs: their number.
        blocks: of time, that each is cut into.

    Raises:
        GlassdynError: in that case.
    """
    if runs * blocks < LEAST_COPIES:
        enough = -(-LEAST_COPIES // runs)
        raise GlassdynError(
            f"models are trained, selected and tested on different copies, {LEAST_COPIES} at least: got {runs} runs; add "
            f"runs, or cut each into {enough} blocks of time, by --blocks {enough}: blocks of one run hold the same "
            "particles, and the test is at other times, not on another liquid"
        )


def _state_liquid(contents: Contents, motion: Motion, stated: Statements) -> Sections:
    temperature, tau_alpha = stated.temperature or contents.temperature, stated.tau_alpha or motion.tau_alpha
    if temperature is None:
        raise GlassdynError(
            "the temperature must be known: the files have no energies; state it, as in --temperature 0.44"
        )
    if tau_alpha is None:
        raise GlassdynError(
            "tau_alpha of A must be known: F_s does not come near 1 / e in the first run; state it (tau), as in "
            "--tau-alpha 4000, and the windows to cut (tau_alpha), as in --duration 0.1"
        )
    liquid = {
        "particles": contents.particles,
        "density": contents.density,
        "temperature": _round(temperature),
    }
    simulation = {
        "timestep": contents.timestep,
        "frame_steps": contents.frame_steps,
        "tau_alpha": _round(tau_alpha),
        "copies": contents.runs * stated.blocks,
    }
    return {"liquid": liquid, "simulation": simulation}


def _round(number: float) -> float:
    """To the digits that a measurement has."""
    return float(f"{number:.3g}")


def _split_copies(copies: int) -> Sections:
    held_out = max(copies // PART_HELD_OUT, 1)
    train = copies - 2 * held_out
    split = {
        "train": list(range(train)),
        "validation": list(range(train, train + held_out)),
        "test": list(range(train + held_out, copies)),
    }
    return {"split": split, "evaluate": {"folds": min(copies // held_out, MOST_FOLDS)}}


def _fit_box(sections: Sections, box_length: float) -> Sections:
    """Ranges that are longer than a box holds, shortened; those of the potential are what they are."""
    half, descriptors, describe, evaluate = (
        int(50 * box_length) / 100,
        sections["descriptors"],
        sections["describe"],
        sections["evaluate"],
    )
    r_max = min(descriptors["r_max"], half)
    width = (descriptors["r_max"] - descriptors["r_min"]) / descriptors["bins"]
    bins = max(round((r_max - descriptors["r_min"]) / width), 1)
    return {
        "descriptors": {"r_max": r_max, "bins": bins},
        "pca": {"components": min(sections["pca"]["components"], 1 + 2 * bins)},
        "describe": {name: min(describe[name], half) for name in ("r_average", "r_local", "shells")},
        "evaluate": {
            "block_length": min(evaluate["block_length"], half),
            "lengths": [length for length in evaluate["lengths"] if length <= box_length / 4],
        },
        "coarse": {"lengths": [length for length in sections["coarse"]["lengths"] if length <= half]},
    }


def _fit_window(sections: Sections, contents: Contents, motion: Motion) -> Sections:
    """Parameters of the labels that a window holds: the root's, or shorter ones in the same part of it."""
    duration = sections["record"]["duration"] * sections["simulation"]["tau_alpha"]
    half = round(duration / (2 * contents.interval))
    if half < LEAST_HALF:
        raise GlassdynError(
            f"a window has {2 * LEAST_HALF + 1} frames at least: got {2 * half + 1} in {duration:.4g} tau, frames "
            f"{contents.interval:.4g} tau apart; write frames more often, or take longer windows (--duration)"
        )
    scales, hops = sections["wavelets"]["scales"], sections["hops"]
    fitting = [scale for scale in scales if 4 * scale <= half]
    return {
        "wavelets": {"scales": fitting or [half // 4]},
        "hops": {
            "p_c": hops["p_c"] if motion.plateau is None else float(f"{motion.plateau:.2g}"),
            "min_segment": min(hops["min_segment"], max(2 * half // 5, 2)),
            "t_f": min(hops["t_f"], _round(duration / 3)),
        },
    }


def _count_samples(sections: Sections, contents: Contents, stated: Statements) -> int:
    most = sections["simulation"]["samples"]
    sections["simulation"]["samples"] = 1
    cut = plan_cut(validate(Params, sections, Path("params.yaml")))
    fitting = count_windows(contents.frames, cut)
    if fitting < (stated.samples or 1):
        raise GlassdynError(
            f"the shortest run has {contents.frames} frames, in each of {cut.blocks} blocks of which {fitting} samples of "
            f"{cut.frames} frames fit: got --samples {stated.samples or 1}; take fewer, or shorter ones (--duration)"
        )
    return stated.samples or min(fitting, most)
