"""The isoconfigurational runs of a sample, each simulated and then labelled."""

from pathlib import Path

from glassdyn import label_names
from glassdyn.fleet import Job
from glassdyn.labels import isoconfigurational
from glassdyn.params import Params
from glassdyn.simulation import replication
from glassdyn.simulation.state import save
from glassdyn.trajectory import open_trajectory

__all__ = ["jobs"]


def jobs(params: Params, trajectory: Path, replicas: Path) -> list[Job]:
    """The jobs that simulate and label all runs through the middle frame of a sample.

    Args:
        params: all parameters.
        trajectory: the sample's file.
        replicas: folder; the configuration goes to <sample>/start.h5 in it, the label table of run r to
            <sample>/run<rr>.parquet.
    """
    sample, times = trajectory.stem, params.replicate.times
    start = replicas / sample / "start.h5"
    start.parent.mkdir(parents=True, exist_ok=True)
    with open_trajectory(trajectory) as opened:
        save(replication.configuration(opened), start)
    lags = isoconfigurational.lags(times, params.simulation.tau_alpha, params.simulation.frame_time)
    propensities = dict(zip(label_names.propensities(times), lags, strict=True))
    chain = []
    for run in range(params.replicate.runs):
        simulated = replication.job(replication.replica(params, sample, run), start)
        table = start.with_name(f"run{run:02}.parquet")
        chain += [
            simulated,
            isoconfigurational.job(simulated, table, params.hops, params.wavelets, propensities),
        ]
    return chain
