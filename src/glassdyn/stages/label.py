"""Stage label: labels of every particle at the middle frames, and small tables that show them."""

from pathlib import Path

from glassdyn.jobs import run_jobs
from glassdyn.labels import labelling
from glassdyn.labels.sections import select_sections
from glassdyn.labels.summary import tabulate_labels
from glassdyn.stages import load_params, run
from glassdyn.storage import outputs, tables
from glassdyn.storage.trajectory import open_trajectory, sample_names

__all__ = ["main"]

TRAJECTORIES, LABELS, PLOTS = Path("data/trajectories"), Path("data/labels"), Path("plots/labels")


def main() -> None:
    """Write a label table for every trajectory, and plots/labels."""
    params = load_params()
    sections, samples = select_sections(params), sample_names(TRAJECTORIES)
    jobs = labelling.plan(samples, TRAJECTORIES, LABELS, sections, params.coarse.lengths)
    run_jobs(jobs, label="label", unit="positions")
    labels = {name: tables.read(LABELS / f"{name}.parquet") for name in samples}
    with open_trajectory(TRAJECTORIES / f"{samples[0]}.h5") as trajectory:
        for name, table in tabulate_labels(labels, trajectory, sections).items():
            outputs.write_csv(PLOTS / f"{name}.csv", table, digits=8)
    outputs.write_metrics(PLOTS / "parameters.json", tables.read_parameters(LABELS / f"{samples[0]}.parquet"))


if __name__ == "__main__":
    run(main)
