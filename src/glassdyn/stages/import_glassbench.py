"""Stage `import_glassbench`: an archive of GlassBench in raw/ becomes snapshots, labels and published predictions."""

from pathlib import Path

from glassdyn.importing.glassbench import STRUCTURES, find_source
from glassdyn.importing.glassbench_tables import StatePoint, import_glassbench
from glassdyn.importing.published_times import require_times
from glassdyn.importing.set_folders import replace_folders
from glassdyn.jobs.progress import show_progress
from glassdyn.stages import load_params, run

__all__ = ["main"]


def main() -> None:
    """Read configurations and propensities at isoconfigurational.times, those of the set."""
    params, source = load_params(), find_source(Path("raw"))
    liquid, times = params.liquid, params.isoconfigurational.times
    require_times([time * params.simulation.tau_alpha for time in times], liquid.temperature)
    state = StatePoint(times, liquid.temperature, liquid.density)
    with (
        replace_folders(Path("data")) as folders,
        show_progress("import", total=STRUCTURES, unit="files") as advance,
    ):
        import_glassbench(source, folders, state, advance)


if __name__ == "__main__":
    run(main)
