"""Stage draw: every picture, from tables and numbers that other stages wrote."""

import gc
from pathlib import Path

from glassdyn.figures import style
from glassdyn.figures.pictures import draw_pictures
from glassdyn.stages import load_params, run

__all__ = ["main"]


def main() -> None:
    """Write plots/figures."""
    params = load_params()
    gc.freeze()  # what is imported stays; the collector need not visit it again: a fifth of the time
    for name, figure in draw_pictures(Path(), params.pca.components):
        style.save(figure, Path("plots/figures") / f"{name}.png")


if __name__ == "__main__":
    run(main)
