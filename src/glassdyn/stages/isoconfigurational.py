"""Stage `replicate`: isoconfigurational runs through middle frames, their labels and how well they agree."""

import json
from pathlib import Path

from glassdyn import params
from glassdyn.jobs import run_jobs
from glassdyn.labels import isoconfigurational, replicas
from glassdyn.labels.sections import select_sections
from glassdyn.stages import run
from glassdyn.storage import trajectory
from glassdyn.storage.outputs import write_csv

__all__ = ["main"]


def main() -> None:
    """Write a table for every run, one of their means for every sample, metrics and plots."""
    parameters = params.load()
    source, folder = Path("data/trajectories"), Path("data/isoconfigurational")
    runs, most = parameters.isoconfigurational.runs, parameters.isoconfigurational.samples_per_copy
    samples = [name for name in trajectory.sample_names(source) if runs and trajectory.sample_of(name) < most]
    jobs = [job for name in samples for job in replicas.jobs(parameters, source / f"{name}.h5", folder)]
    run_jobs(jobs, label="isoconfigurational", unit="steps")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "samples.txt").write_text("".join(f"{name}\n" for name in samples))
    labels = isoconfigurational.columns(select_sections(parameters), parameters.isoconfigurational.times)
    ceilings = isoconfigurational.summarise(folder, samples, labels)
    pairs = {label: isoconfigurational.pairs(folder, samples[0], label) for label in labels if samples}
    write_csv(Path("plots/isoconfigurational/ceilings.csv"), ceilings)
    for label, pair in pairs.items():
        write_csv(Path("plots/isoconfigurational") / f"{label}.csv", pair.head(2000))
    path = Path("metrics/isoconfigurational.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(isoconfigurational.metrics(ceilings, runs), indent=2, allow_nan=False) + "\n")


if __name__ == "__main__":
    run(main)
