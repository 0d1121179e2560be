"""The set of Bapst et al. (2020): pickled configurations, and where their particles are in runs from them.

A file is a map with

    positions, types, box           (N, 3) unwrapped or not, (N,) 0 for A and 1 for B, (3,) edges; units of sigma_AA
    is_values                       (T,) of the self-intermediate scattering function F_s at the times of the targets
    trajectory_target_positions     T lists of R arrays (N, 3), unwrapped: ends of runs with redrawn velocities
    targets                         T arrays (N,) propensities, in files without all runs
    metadata                        temperature, pressure

Labels are named by F_s, because a time is that at which F_s of this very configuration reaches a value: propensity_s0.9,
and propensity_1 at F_s = 1/e, the structural relaxation time. The boxes are of constant pressure and differ: stages,
which learn from samples of one box, refuse to mix them.

Source: https://github.com/google-deepmind/deepmind-research, glassy_dynamics; Nat. Phys. 16, 448 (2020).
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassdyn.importing.array_pickle import load_arrays
from glassdyn.importing.published_runs import PublishedRuns
from glassdyn.importing.source import ImportingError
from glassdyn.liquid.configuration import Configuration

__all__ = ["find_pickles", "name_label", "read_runs"]

Values = NDArray[np.float64]


def find_pickles(path: Path) -> list[Path]:
    """A file, or the files of a folder by their names.

    Raises:
        ImportingError: where there is none.
    """
    files = [path] if path.is_file() else sorted(path.glob("*.pickle"))
    if not files:
        raise ImportingError(
            f"the set is a file .pickle, or a folder of them: {path} has none; put them there"
        )
    return files


def name_label(scattering: float) -> str:
    """The propensity at the time when F_s has a value."""
    is_relaxation = math.isclose(scattering, math.exp(-1), abs_tol=1e-3)
    return "propensity_1" if is_relaxation else f"propensity_s{scattering:g}"


def read_runs(path: Path) -> PublishedRuns:
    """Read one file; nothing in it is executed.

    Raises:
        ImportingError: for a file that is damaged, lacks something, or holds arrays of other shapes or values.
    """
    contents = load_arrays(path)
    start, box = (_numbers(contents, key, path) for key in ("positions", "box"))
    species = _numbers(contents, "types", path)
    particles = species.size
    _require(start.shape == (particles, 3) and particles > 0, path, f"positions (N, 3): got {start.shape}")
    _require(set(np.unique(species)) <= {0, 1}, path, f"types 0 and 1: got {np.unique(species)[:4]}")
    _require(box.shape == (3,) and bool(np.ptp(box) == 0 < box[0]), path, f"a cubic box (3,): got {box}")
    scattering = _numbers(contents, "is_values", path).reshape(-1)
    displacements = _read_displacements(contents, start, path)
    propensities = displacements.mean(axis=0) if len(displacements) else _numbers(contents, "targets", path)
    _require(
        len(propensities) <= len(scattering) and propensities.shape[1:] == (particles,),
        path,
        f"(T, N) propensities for {len(scattering)} values of F_s: got {propensities.shape}",
    )
    labels = tuple(map(name_label, scattering[: len(propensities)]))
    _require(len(set(labels)) == len(labels), path, f"F_s that differ from time to time: got {scattering}")
    configuration = Configuration(start, species.astype(np.uint8), float(box[0]))
    return PublishedRuns(configuration, _temperature(contents, path), labels, displacements, propensities)


def _read_displacements(contents: Mapping[str, Any], start: Values, path: Path) -> Values:
    """(R, T, N); none where the file states as many targets as it has times, and not the runs of them all."""
    times, targets = (_count(contents, key, path) for key in ("trajectory_target_positions", "targets"))
    if times < max(targets, 1):
        return np.empty((0, targets, len(start)))
    ends = _numbers(contents, "trajectory_target_positions", path)  # (T, R, N, 3)
    _require(ends.ndim == 4 and ends.shape[2:] == start.shape, path, f"ends (T, R, N, 3): got {ends.shape}")
    displacements: Values = np.linalg.norm(ends - start, axis=3).swapaxes(0, 1)
    return displacements


def _count(contents: Mapping[str, Any], key: str, path: Path) -> int:
    """Number of times of an array or a list; 0 where there is none."""
    values = contents.get(key, [])
    _require(
        isinstance(values, list) or (isinstance(values, np.ndarray) and values.ndim > 0),
        path,
        f"{key}, one entry a time: got {type(values).__name__}",
    )
    return len(values)


def _temperature(contents: Mapping[str, Any], path: Path) -> float:
    metadata = contents.get("metadata")
    _require(isinstance(metadata, dict) and "temperature" in metadata, path, "metadata with the temperature")
    temperature = _numbers(contents["metadata"], "temperature", path)
    _require(
        temperature.ndim == 0 and bool(temperature > 0), path, f"a temperature above 0: got {temperature}"
    )
    return float(temperature)


def _numbers(contents: Mapping[str, Any], key: str, path: Path) -> Values:
    _require(key in contents, path, f"{key}: it has {', '.join(contents)}")
    try:
        values = np.array(contents[key], dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ImportingError(
            f"a pickled configuration holds numbers: {key} has others, {error} ({path})"
        ) from None
    _require(bool(np.isfinite(values).all()), path, f"finite numbers: {key} has others")
    return values


def _require(holds: bool, path: Path, rule: str) -> None:
    if not holds:
        raise ImportingError(f"a pickled configuration holds {rule} ({path})")
