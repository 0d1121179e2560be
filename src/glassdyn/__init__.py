"""Predicting the dynamics of a glass-forming liquid from its structure.

import glassdyn
glassdyn.load("labels")                 # a row for each particle of each sample
glassdyn.load("predictions/network")
glassdyn.load("metrics")                # every number that the pipeline states
glassdyn.load("experiments")            # a row for each DVC experiment
glassdyn.load("sweeps/architecture")    # a row for each point
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

__all__ = ["load"]


def load(name: str, folder: Path | str = ".") -> "pl.DataFrame":
    """Read a table of a run, its metrics or its experiments as a Polars frame.

    Args:
        name: "features", "labels", "pca" or "predictions/<model>": a row for each particle, `sample` first; "metrics":
            columns file, name, value; "experiments": a row for each; "sweeps/<name>" or another table of plots/.
        folder: the repository's root.

    Raises:
        GlassdynError: for a name that the run has no table of.
    """
    from glassdyn.experiments.frames import load_frame  # noqa: PLC0415 (it takes seconds that a stage need not wait)

    return load_frame(name, Path(folder))
