"""Stage `import_set` of BOTAN's set: its files in raw/ become snapshots and labels."""

from pathlib import Path

from glassdyn import label_names
from glassdyn.importing.isoconfigurational_set import find_files, import_end_points
from glassdyn.importing.set_folders import replace_folders
from glassdyn.jobs.progress import show_progress
from glassdyn.liquid.box import compute_box_length
from glassdyn.stages import load_params, run

__all__ = ["main"]


def main() -> None:
    """Read the end points of isoconfigurational runs; the first of isoconfigurational.times is their time."""
    params, files = load_params(), find_files(Path("raw"))
    liquid = params.liquid
    with (
        replace_folders(Path("data")) as folders,
        show_progress("import", total=len(files), unit="files") as advance,
    ):
        import_end_points(
            files,
            folders,
            box_length=compute_box_length(liquid.particles, liquid.density),
            temperature=liquid.temperature,
            label=label_names.propensities(params.isoconfigurational.times)[0],
            advance=advance,
        )


if __name__ == "__main__":
    run(main)
