"""params.yaml of a data set: the root's page with the section `raw`, and comments on what means another thing here."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glassdyn import parameter_files
from glassdyn.presets import write_values

__all__ = ["write_parameters"]

RAW = """\
raw: # the files in raw/: an entry, a file or a folder of files that follow each other in time, is a run of the liquid
  # numbers of A and B particles in every run
  composition:
  - 0
  - 0
  species: '' # names or numbers in the files, as 1=A,2=B; '': A and B, or 0 and 1
  topology: '' # a file in raw/ with the species, for DCD, XTC and .npy; '': none
  keys: '' # names of arrays in NumPy files, as positions=r,species=ptype; '': the usual ones
  timestep: 0.0 # of a step in the files, tau; between frames where they state no steps; 0: they state times
  unwrapped: false # positions are unwrapped, although the files do not say so
  blocks: 1 # of time, that every run is cut into: each is a copy
"""

COMMENTS: Mapping[str, str] = {
    "liquid": "two species in a cubic periodic box, as the files state it",
    "liquid.particles": "N",
    "liquid.temperature": "of the runs, epsilon_AA / k_B",
    "potential": "Lennard-Jones of Kob and Andersen, cut at r_cut; truncation none: it is not known",
    "potential.truncation": "xplor | shift | none: energies, minima and runs are refused",
    "simulation": "what every run is, and how it is cut",
    "simulation.timestep": "tau; of the files, and of short runs in describe",
    "simulation.frame_steps": "steps from one frame of the files to the next",
    "simulation.thermostat_time": "read by no stage of a data set",
    "simulation.checkpoint_steps": "read by no stage of a data set",
    "simulation.copies": "runs x raw.blocks",
    "simulation.samples": "windows of each copy",
    "simulation.seed": "of velocities of short runs in describe",
    "equilibrate": "read by no stage of a data set",
    "record": "how a run is cut into samples",
    "record.decorrelate": "from the end of a window to the next, and to the next block [tau_alpha]",
    "record.duration": "of a window [tau_alpha]; the snapshot is the middle frame",
    "isoconfigurational": "read by no stage of a data set, whose files hold single runs",
}
"""On sections and keys of which the root's say something else."""


def write_parameters(root: Path, path: Path, sections: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the parameters of a data set.

    Args:
        root: the repository's params.yaml.
        path: the file to write.
        sections: all of the data set.

    Raises:
        ParamsError: where comments of the root's file keep it from being rewritten.
    """
    path.write_text(_insert_raw(_replace_comments(root.read_text())))
    before = parameter_files.read(path)
    changed = {
        (section, key): value
        for section, keys in sections.items()
        for key, value in keys.items()
        if before[section][key] != value
    }
    write_values(path, changed, sections)


def _insert_raw(text: str) -> str:
    """Before the first section."""
    start = re.search(r"^\w+:", text, re.MULTILINE)
    first = start.start() if start else len(text)
    return f"{text[:first]}{RAW}\n{text[first:]}"


def _replace_comments(text: str) -> str:
    section, lines = "", []
    for line in text.splitlines(keepends=True):
        match = re.match(r"( *)(\w+):", line)
        if match and not match[1]:
            section = match[2]
        name = "" if match is None else f"{section}.{match[2]}" if match[1] else section
        comment = COMMENTS.get(name)
        lines.append(re.sub(r" # .*", f" # {comment}", line) if comment else line)
    return "".join(lines)
