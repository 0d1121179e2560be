"""Stage `replicate`: isoconfigurational runs through middle frames, their labels and how well they agree."""

import json
from pathlib import Path

from glassdyn import fleet, params, trajectory
from glassdyn.figures import isoconfigurational as figures
from glassdyn.labels import isoconfigurational
from glassdyn.params import Params
from glassdyn.simulation import replication
from glassdyn.simulation.state import save

__all__ = ["main"]

SOURCE, REPLICAS = Path("data/trajectories"), Path("data/replicas")


def main() -> None:
    """Write a table for every run, one of their means for every sample, metrics and plots."""
    parameters = params.load()
    REPLICAS.mkdir(parents=True, exist_ok=True)
    runs, most = parameters.replicate.runs, parameters.replicate.samples_per_copy
    samples = [name for name in trajectory.names(SOURCE) if runs and trajectory.sample_of(name) < most]
    fleet.run(
        [job for sample in samples for job in jobs(parameters, sample)], label="replicate", unit="steps"
    )
    (REPLICAS / "samples.txt").write_text("".join(f"{name}\n" for name in samples))
    labels = isoconfigurational.columns(parameters.wavelets.scales, parameters.replicate.times)
    ceilings = isoconfigurational.summarise(REPLICAS, samples, labels)
    pairs = {label: isoconfigurational.pairs(REPLICAS, samples[0], label) for label in labels if samples}
    figures.write(ceilings, pairs, Path("plots/replicate"))
    path = Path("metrics/replicate.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(isoconfigurational.metrics(ceilings, runs), indent=2, allow_nan=False) + "\n")


def jobs(parameters: Params, sample: str) -> list[fleet.Job]:
    """Jobs that simulate and label all runs of a sample."""
    start = REPLICAS / sample / "start.h5"
    start.parent.mkdir(exist_ok=True)
    with trajectory.open_trajectory(SOURCE / f"{sample}.h5") as opened:
        save(replication.configuration(opened), start)
    times, simulation = parameters.replicate.times, parameters.simulation
    lags = isoconfigurational.lags(times, simulation.tau_alpha, simulation.frame_time)
    propensities = dict(zip(isoconfigurational.columns((), times)[1:], lags, strict=True))
    chain = []
    for run in range(parameters.replicate.runs):
        simulated = replication.job(replication.replica(parameters, sample, run), start)
        output = start.with_name(f"run{run:02}.parquet")
        labelled = isoconfigurational.job(
            simulated, output, parameters.hops, parameters.wavelets, propensities
        )
        chain += [simulated, labelled]
    return chain


if __name__ == "__main__":
    main()
