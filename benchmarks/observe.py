"""Memory of `record` and `observe` at N = 64000, whatever the number of frames: `make bench-observe`.

One line per ratio: name, ours, peer, ratio, bound; exit status 1 where a bound is missed. Numbers are MB of
resident memory at its peak, of a process that does nothing else; the peer is what is allowed.
"""

import argparse
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from simulation import EXACT, tile

from glassdyn.jobs import JobContext
from glassdyn.liquid.potential import assign_species
from glassdyn.observables.measure import measure_all
from glassdyn.simulation import lammps, recording
from glassdyn.simulation.segments import Dynamics
from glassdyn.simulation.state import random_state, save
from glassdyn.storage.trajectory_writer import THERMODYNAMICS, TrajectoryWriter, sample_name

PARTICLES, ALLOWED = 64000, 1500.0

RECORDED = 300
"""Frames, one at each step: two whole blocks and a part, in three segments."""


def write_caged_sample(path: Path, frames: int) -> None:
    """Write one sample of caged particles; memory does not depend on how they move."""
    generator = np.random.default_rng(0)
    box_length = (PARTICLES / 1.2) ** (1 / 3)
    sites = generator.uniform(0, box_length, (PARTICLES, 3))
    displacements = generator.normal(0, 0.1, (8, PARTICLES, 3))
    with TrajectoryWriter(
        path,
        species=assign_species(PARTICLES),
        box_length=box_length,
        timestep=0.0025,
        observables=THERMODYNAMICS,
    ) as writer:
        for frame in range(frames):
            observables = dict.fromkeys(THERMODYNAMICS, 1.0)
            writer.append(40 * frame, sites + displacements[frame % 8], observables)


def record(folder: Path) -> None:
    """Record a sample by the job of the stage."""
    start, checkpoint = folder / "start.h5", folder / "checkpoint"
    generator = np.random.default_rng(0)
    overlapping = random_state(assign_species(1000), (1000 / 1.2) ** (1 / 3), generator)
    save(tile(lammps.remove_overlaps(overlapping, EXACT), 4), start)
    checkpoint.mkdir()
    specification = recording.Recording(
        dynamics=Dynamics("lammps", EXACT, 0.0025, checkpoint_steps=RECORDED // 3),
        decorrelate=0,
        intervals=RECORDED,
        frame_steps=1,
    )
    recording.record(JobContext(asdict(specification), [start], folder / "sample.h5", checkpoint))


def observe(folder: Path) -> None:
    """Measure the trajectories of a folder, in this very process."""
    os.environ.pop("GLASSDYN_JOBS", None)
    os.environ["GLASSDYN_SCRATCH"] = str(folder / ".scratch")
    measure_all(folder)


def peak(work: str, folder: Path) -> float:
    """Peak memory of `record` or `observe` in a process of its own, MB."""
    code = (
        "import memory, observe, sys; from pathlib import Path; "
        f"observe.{work}(Path(sys.argv[1])); "
        "print(1000 * memory.peak())"
    )
    command = [sys.executable, "-c", code, str(folder)]
    process = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, cwd=Path(__file__).parent
    )
    return float(process.stdout.splitlines()[-1])


def line(name: str, ours: float) -> bool:
    """Print a ratio, and return whether it holds."""
    held = ours <= ALLOWED
    verdict = "" if held else "  MISSED"
    print(f"{name:44} {ours:9.0f} {ALLOWED:9.0f} {ours / ALLOWED:7.2f}  <= 1{verdict}", flush=True)
    return held


def main() -> int:
    """Print a line for recording, and one for each number of frames observed; 1 where a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=[250, 1000])
    options = parser.parse_args()
    print(f"{'name':44} {'ours':>9} {'peer':>9} {'ratio':>7}  bound")
    with TemporaryDirectory() as folder:
        held = [line(f"record, {PARTICLES} x {RECORDED + 1} frames, MB", peak("record", Path(folder)))]
    for frames in options.frames:
        with TemporaryDirectory() as folder:
            write_caged_sample(Path(folder) / f"{sample_name(0, 0)}.h5", frames)
            held.append(line(f"observe, {PARTICLES} x {frames} frames, MB", peak("observe", Path(folder))))
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
