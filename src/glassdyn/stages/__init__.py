"""The stages of dvc.yaml: read parameters and inputs, call, write outputs."""

import sys
from collections.abc import Callable

from glassdyn.errors import Refusal

__all__ = ["run"]


def run(stage: Callable[[], None]) -> None:
    """Run a stage as a command; what a person can mend is told without the way through the code."""
    try:
        stage()
    except (Refusal, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
