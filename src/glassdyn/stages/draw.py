"""Stage `draw`: every picture, from tables and numbers that other stages wrote."""

from pathlib import Path

from glassdyn.figures.drawing import drawing_jobs
from glassdyn.jobs import run_jobs
from glassdyn.stages import load_params, run

__all__ = ["main"]


def main() -> None:
    """Write plots/figures; a folder of tables that has not changed is not drawn again."""
    run_jobs(drawing_jobs(Path(), load_params().pca.components), label="draw", unit="folders")


if __name__ == "__main__":
    run(main)
