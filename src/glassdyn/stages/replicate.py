"""Stage `replicate`: isoconfigurational runs through middle frames, their labels and how well they agree."""

import json
from pathlib import Path

from glassdyn import fleet, params, trajectory
from glassdyn.figures import isoconfigurational as figures
from glassdyn.labels import isoconfigurational, replicas
from glassdyn.stages import run

__all__ = ["main"]


def main() -> None:
    """Write a table for every run, one of their means for every sample, metrics and plots."""
    parameters = params.load()
    source, folder = Path("data/trajectories"), Path("data/replicas")
    runs, most = parameters.replicate.runs, parameters.replicate.samples_per_copy
    samples = [name for name in trajectory.names(source) if runs and trajectory.sample_of(name) < most]
    jobs = [job for name in samples for job in replicas.jobs(parameters, source / f"{name}.h5", folder)]
    fleet.run(jobs, label="replicate", unit="steps")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "samples.txt").write_text("".join(f"{name}\n" for name in samples))
    labels = isoconfigurational.columns(parameters.wavelets.scales, parameters.replicate.times)
    ceilings = isoconfigurational.summarise(folder, samples, labels)
    pairs = {label: isoconfigurational.pairs(folder, samples[0], label) for label in labels if samples}
    figures.write(ceilings, pairs, Path("plots/replicate"))
    path = Path("metrics/replicate.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(isoconfigurational.metrics(ceilings, runs), indent=2, allow_nan=False) + "\n")


if __name__ == "__main__":
    run(main)
