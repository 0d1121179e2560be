"""Stage `isoconfigurational`: runs from the snapshots, their labels, and how well the runs agree."""

from pathlib import Path

from glassdyn.jobs import run_jobs
from glassdyn.jobs.ledger import remove_stale
from glassdyn.labels import isoconfigurational
from glassdyn.labels.isoconfigurational_jobs import isoconfigurational_jobs
from glassdyn.labels.sections import select_sections
from glassdyn.stages import load_params, run
from glassdyn.storage.outputs import write_csv, write_metrics
from glassdyn.storage.trajectory import sample_names, sample_of

__all__ = ["main"]

SNAPSHOTS, TABLES = Path("data/snapshots"), Path("data/isoconfigurational")
PLOTS, METRICS = Path("plots/isoconfigurational"), Path("metrics/isoconfigurational.json")
LEDGER = Path("data/jobs/isoconfigurational.json")


def main() -> None:
    """Write a label table for every run, one of their means for every sample, metrics and plot tables."""
    params = load_params()
    runs, times = params.isoconfigurational.runs, params.isoconfigurational.times
    samples_per_copy = params.isoconfigurational.samples_per_copy if runs else 0
    samples = [sample for sample in sample_names(SNAPSHOTS) if sample_of(sample) < samples_per_copy]
    snapshots = [SNAPSHOTS / f"{sample}.parquet" for sample in samples]
    jobs = [job for snapshot in snapshots for job in isoconfigurational_jobs(params, snapshot, TABLES)]
    remove_stale(TABLES, jobs)
    run_jobs(jobs, label="isoconfigurational", unit="steps", ledger=LEDGER)
    labels = isoconfigurational.columns(select_sections(params), times)
    isoconfigurational.write_means(TABLES, samples, labels)
    ceilings = isoconfigurational.tabulate_ceilings(TABLES, samples, labels)
    write_metrics(METRICS, isoconfigurational.average_ceilings(ceilings, runs))
    write_csv(PLOTS / "ceilings.csv", ceilings)
    for label in labels if samples else ():
        write_csv(PLOTS / f"{label}.csv", isoconfigurational.tabulate_raw_and_mean(TABLES, samples[0], label))


if __name__ == "__main__":
    run(main)
