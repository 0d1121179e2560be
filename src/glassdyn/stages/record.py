"""Stage `record`: samples of every copy at constant energy, and their snapshots."""

from pathlib import Path

from glassdyn.jobs import run_jobs
from glassdyn.jobs.ledger import remove_stale
from glassdyn.simulation.recording import plan_recording, recording_jobs
from glassdyn.simulation.snapshot import snapshot_job
from glassdyn.stages import load_params, run

__all__ = ["main"]

STATES, TRAJECTORIES, SNAPSHOTS = (Path("data") / name for name in ("states", "trajectories", "snapshots"))
LEDGER = Path("data/jobs/record.json")


def main() -> None:
    """Write one trajectory and its middle frame for each sample of each copy."""
    params = load_params()
    plan, samples, temperature = plan_recording(params), params.simulation.samples, params.liquid.temperature
    recordings = [
        job
        for copy in range(params.simulation.copies)
        for job in recording_jobs(plan, copy, samples, states=STATES, trajectories=TRAJECTORIES)
    ]
    snapshots = [snapshot_job(job, SNAPSHOTS, temperature=temperature) for job in recordings]
    for folder in (TRAJECTORIES, SNAPSHOTS):
        remove_stale(folder, [*recordings, *snapshots])
    run_jobs([*recordings, *snapshots], label="record", unit="steps", ledger=LEDGER)


if __name__ == "__main__":
    run(main)
