"""Published end points of isoconfigurational runs: snapshots, and the displacement of every particle in every run.

A file <anything>_<number>_<anything>.npz holds one configuration and where its particles are, in each of R runs with
redrawn velocities, after one time:

    types              (N,)       integers, 0 for A and 1 for B
    initial_positions  (N, 3)     floats, units of sigma_AA
    positions          (R, N, 3)  floats, unwrapped

That is the layout of BOTAN: Shiba, Hanai, Suzumura & Shimokawabe, J. Chem. Phys. 158, 084503 (2023),
https://github.com/h3-Open-BDEC/pyg_botan. What is written is what stages `record` and `isoconfigurational` write of a
simulation: each file becomes the one sample of a copy of its own.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn import label_names
from glassdyn.errors import GlassdynError
from glassdyn.importing.npy_stream import open_arrays, read_array
from glassdyn.importing.published_runs import PublishedRuns, write_runs
from glassdyn.importing.published_times import relative_times
from glassdyn.importing.set_folders import ImportedFolders, list_samples
from glassdyn.importing.source import ImportingError
from glassdyn.liquid.configuration import Configuration
from glassdyn.storage.trajectory_writer import sample_name

__all__ = [
    "EndPoints",
    "State",
    "find_files",
    "import_end_points",
    "read_end_points",
    "state_from_names",
]

KEYS = ("types", "initial_positions", "positions")

NAME = re.compile(r".*T(?P<temperature>\d+\.\d+)_\d+_tc(?P<time>\d\d)")
"""Of a published file: isoconfig_N4096T0.44_1_tc07, the seventh of the times at its temperature."""


class State(NamedTuple):
    """What the name of a published file says.

    Attributes:
        temperature: of the runs, units of eps_AA / k_B.
        label: name of the propensity after the file's time.
    """

    temperature: float
    label: str


class EndPoints(NamedTuple):
    """One configuration, and where runs from it end.

    Attributes:
        configuration: the start of all runs.
        displacements: (R, N) |r_i(t) - r_i(0)| of every particle in every run, units of sigma_AA.
    """

    configuration: Configuration
    displacements: NDArray[np.float64]


def find_files(folder: Path) -> list[Path]:
    """The files of a set, by the last number that stands between underscores in their names.

    Raises:
        GlassdynError: where there is none.
    """
    files = sorted(folder.glob("*.npz"), key=lambda path: (_number(path), path.name))
    if not files:
        raise GlassdynError(f"a published set is a folder of .npz files: {folder} has none; put them there")
    return files


def state_from_names(files: Sequence[Path]) -> State:
    """Read temperature and time of a set from the names of its files, as they were published.

    Raises:
        ImportingError: for other names, or names that differ in them.
    """
    states = {_state_from_name(path) for path in files}
    if len(states) > 1:
        raise ImportingError(
            f"the files of a set share temperature and time: got {sorted(states)}; import them one by one"
        )
    return states.pop()


def _state_from_name(path: Path) -> State:
    match = NAME.fullmatch(path.stem)
    times = relative_times(temperature := float(match["temperature"])) if match else []
    if match is None or not 1 <= int(match["time"]) <= len(times):
        raise ImportingError(
            "names of files say temperature and time, as in isoconfig_N4096T0.44_1_tc07.npz: got "
            f"{path}; leave them as they were published"
        )
    return State(temperature, label_names.propensities(times)[int(match["time"]) - 1])


def _number(path: Path) -> int:
    words = [int(word) for word in path.stem.split("_") if word.isdigit()]
    return words[-1] if words else 0


def read_end_points(path: Path, box_length: float) -> EndPoints:
    """Read one file; nothing in it is executed.

    Args:
        path: of the file.
        box_length: which the file does not tell, units of sigma_AA.

    Raises:
        GlassdynError: for a file that is damaged, lacks an array, or holds arrays of other shapes or values.
    """
    arrays = _read_arrays(path)
    species, start, ends = (arrays[key] for key in KEYS)
    particles = species.size
    expected = {
        "types": (particles,),
        "initial_positions": (particles, 3),
        "positions": (*ends.shape[:1], particles, 3),
    }
    shapes = {key: arrays[key].shape for key in KEYS}
    _require(
        shapes == expected and ends.size > 0, path, f"arrays of shapes (N,), (N, 3), (R, N, 3): got {shapes}"
    )
    _require(
        set(np.unique(species)) <= {0, 1}, path, f"types 0 and 1: got {sorted(set(species.tolist()))[:4]}"
    )
    for key in ("initial_positions", "positions"):
        _require(bool(np.isfinite(arrays[key]).all()), path, f"finite numbers: {key} has others")
    displacements = np.linalg.norm(ends.astype(np.float64) - start, axis=2)
    return EndPoints(
        Configuration(start.astype(np.float64), species.astype(np.uint8), box_length), displacements
    )


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    with open_arrays(path) as members:
        absent = [key for key in KEYS if key not in members]
        _require(not absent, path, f"arrays {', '.join(KEYS)}: it lacks {', '.join(absent)}; is it cut off?")
        arrays = {key: read_array(members[key], f"{path}, {key}") for key in KEYS}
    words = [key for key, values in arrays.items() if values.dtype.kind not in "biuf"]
    _require(not words, path, f"numbers: {', '.join(words)} has others")
    return arrays


def _require(holds: bool, path: Path, rule: str) -> None:
    if not holds:
        raise GlassdynError(f"a file of end points holds {rule} ({path})")


def import_end_points(
    files: Sequence[Path],
    folders: ImportedFolders,
    *,
    box_length: float,
    temperature: float,
    label: str,
    advance: Callable[[float], None] = lambda _files: None,
) -> None:
    """Write snapshots, a table of displacements for every run, and their means: file k is sample copy<k>-sample00.

    Args:
        files: of the set.
        folders: where to.
        box_length: of all configurations, units of sigma_AA.
        temperature: of the runs, units of eps_AA / k_B.
        label: name of the displacement after the set's time, such as propensity_1.
        advance: called with 1 after each file.

    Raises:
        GlassdynError: as `read_end_points`.
    """
    names = []
    for copy, path in enumerate(files):
        names.append(sample_name(copy, 0))
        configuration, displacements = read_end_points(path, box_length)
        means = displacements.mean(axis=0)
        runs = PublishedRuns(configuration, temperature, (label,), displacements[:, None], means[None])
        write_runs(names[-1], runs, folders)
        advance(1)
    list_samples(names, folders)
