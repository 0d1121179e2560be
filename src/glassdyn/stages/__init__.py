"""The stages of dvc.yaml: read parameters and inputs, call, write outputs.

Under DVC a stage ends with DVC, however that ends: an orphan would go on and overwrite what a later run makes. It is
tied here, because the imports of its own module, which come next, can take seconds. Pictures need no display.
"""

import os
import signal
import sys
from collections.abc import Callable

from glassdyn import params
from glassdyn.errors import GlassdynError
from glassdyn.jobs.process import die_with_parent

__all__ = ["load_params", "run"]

os.environ["MPLBACKEND"] = "agg"  # a notebook's, which a shell below it inherits, need not exist here

if "DVC_STAGE" in os.environ:
    die_with_parent(os.getppid(), signal.SIGTERM)


def load_params() -> params.Params:
    """Read params.yaml of the folder that the stage runs in."""
    return params.load()


def run(stage: Callable[[], None]) -> None:
    """Run a stage as a command; an error that a person can mend is printed without a traceback."""
    try:
        stage()
    except (GlassdynError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; what is finished is kept, and the next run goes on from the last checkpoint")
