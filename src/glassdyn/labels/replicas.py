"""The isoconfigurational runs of a sample, each simulated and then labelled."""

from pathlib import Path

from glassdyn import label_names
from glassdyn.jobs import Job
from glassdyn.labels import isoconfigurational as labelling
from glassdyn.labels.sections import select_sections
from glassdyn.params import Params
from glassdyn.simulation import isoconfigurational
from glassdyn.simulation.protocol import compute_frame_time
from glassdyn.simulation.state import save
from glassdyn.storage.trajectory import open_trajectory

__all__ = ["jobs"]


def jobs(params: Params, trajectory: Path, replicas: Path) -> list[Job]:
    """The jobs that simulate and label all runs through the middle frame of a sample.

    Args:
        params: all parameters.
        trajectory: the sample's file.
        replicas: folder; the configuration goes to <sample>/start.h5 in it, the label table of run r to
            <sample>/run<rr>.parquet.
    """
    sample, times = trajectory.stem, params.isoconfigurational.times
    start = replicas / sample / "start.h5"
    start.parent.mkdir(parents=True, exist_ok=True)
    with open_trajectory(trajectory) as opened:
        save(isoconfigurational.state_of_middle_frame(opened), start)
    lags = labelling.lags(times, params.simulation.tau_alpha, compute_frame_time(params.simulation))
    propensities = dict(zip(label_names.propensities(times), lags, strict=True))
    chain = []
    for run in range(params.isoconfigurational.runs):
        simulated = isoconfigurational.job(isoconfigurational.plan_run(params, sample, run), start)
        table = start.with_name(f"run{run:02}.parquet")
        chain += [
            simulated,
            labelling.job(simulated, table, select_sections(params), propensities),
        ]
    return chain
