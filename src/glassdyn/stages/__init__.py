"""The stages of dvc.yaml: read parameters and inputs, call, write outputs.

Under DVC a stage ends with DVC, however that ends: an orphan would go on and overwrite what a later run makes. It is
tied here, before any import that takes a while: a DVC that is gone by then is not missed. Pictures need no display.
"""

import os
import signal
import sys
from collections.abc import Callable

from glassdyn.parent_process import die_with_parent

if "DVC_STAGE" in os.environ:
    die_with_parent(os.getppid(), signal.SIGTERM)

from glassdyn import params
from glassdyn.errors import GlassdynError

__all__ = ["load_params", "run"]

os.environ["MPLBACKEND"] = "agg"  # a notebook's, which a shell below it inherits, need not exist here


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
