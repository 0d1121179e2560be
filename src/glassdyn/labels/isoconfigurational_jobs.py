"""The jobs of the isoconfigurational runs of a sample: each run is simulated and then labelled.

This is a module of its own because evaluation imports `isoconfigurational` and must not depend on simulations.
"""

from pathlib import Path

from glassdyn import label_names
from glassdyn.jobs import Job
from glassdyn.labels import isoconfigurational as labelling
from glassdyn.labels.sections import select_sections
from glassdyn.params import Params
from glassdyn.simulation import isoconfigurational as simulation
from glassdyn.simulation.protocol import compute_frame_time

__all__ = ["isoconfigurational_jobs"]


def isoconfigurational_jobs(params: Params, snapshot: Path, folder: Path) -> list[Job]:
    """The jobs that simulate and label all runs from a snapshot.

    Args:
        params: all parameters.
        snapshot: of the sample, whose name is that of the file.
        folder: of the label tables; that of run r is <sample>/run<rr>.parquet.
    """
    sample, times = snapshot.stem, params.isoconfigurational.times
    lags = labelling.lags(times, params.simulation.tau_alpha, compute_frame_time(params.simulation))
    propensities = dict(zip(label_names.propensities(times), lags, strict=True))
    jobs = []
    for run in range(params.isoconfigurational.runs):
        simulated = simulation.simulation_job(simulation.plan_run(params, sample, run), snapshot)
        table = folder / sample / f"run{run:02}.parquet"
        jobs += [
            simulated,
            labelling.job(simulated, table, select_sections(params), propensities),
        ]
    return jobs
