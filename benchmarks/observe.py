"""The recorder's speed, and memory of `record` and `observe`, at N = 64000: `make bench-observe`.

One line per ratio: name, ours, peer, ratio, bound; exit status 1 where a bound is missed. The recorder's numbers are MB
of positions per second of processor time, that of all threads together; its peer is the same recorder with HDF5's own
filters, and both take turns. The other numbers are MB of resident memory at its peak, of a process that does nothing
else; the peer is what is allowed.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import h5py
import numpy as np
from numpy.typing import NDArray
from simulation import EXACT, tile

from glassdyn.jobs import JobContext
from glassdyn.liquid.potential import assign_species
from glassdyn.observables.measure import measure_all
from glassdyn.simulation import lammps, recording
from glassdyn.simulation.segments import Dynamics
from glassdyn.simulation.state import random_state, save
from glassdyn.storage import h5md
from glassdyn.storage.trajectory_writer import BLOCK, THERMODYNAMICS, TrajectoryWriter, sample_name

PARTICLES, ALLOWED, FASTER = 64000, 1500.0, 8

ROUNDS, BLOCKS = 4, 4
"""Turns of each recorder, of which its best is taken, and blocks of frames in a turn."""

RECORDED = 300
"""Frames, one at each step: two whole blocks and a part, in three segments."""


@contextmanager
def filters_of_hdf5() -> Iterator[None]:
    """Write chunks through HDF5's own filters."""
    ours = h5md.write_chunks

    def write_chunks(dataset: h5py.Dataset, block: NDArray[np.float32]) -> None:
        dataset[:] = block

    h5md.write_chunks = write_chunks
    try:
        yield
    finally:
        h5md.write_chunks = ours


def caged_block(frames: int) -> NDArray[np.float64]:
    """(T, N, 3) positions that fluctuate about their sites, correlated from frame to frame."""
    generator = np.random.default_rng(1)
    block = np.empty((frames, PARTICLES, 3))
    block[0] = displacements = generator.normal(0, 0.1, (PARTICLES, 3))
    for frame in range(1, frames):
        displacements = 0.8 * displacements + 0.6 * generator.normal(0, 0.1, (PARTICLES, 3))
        block[frame] = displacements
    return block + generator.uniform(0, (PARTICLES / 1.2) ** (1 / 3), (PARTICLES, 3))


def recorded_rate(block: NDArray[np.float64], frames: int, context: AbstractContextManager[None]) -> float:
    """MB of positions per second of processor time."""
    with TemporaryDirectory() as folder, context:
        start = process_time()
        with open_writer(Path(folder) / "sample.h5") as writer:
            for frame in range(frames):
                writer.append(40 * frame, block[frame % BLOCK], dict.fromkeys(THERMODYNAMICS, 1.0))
        return 12e-6 * PARTICLES * frames / (process_time() - start)


def bench_recorder() -> bool:
    """Print the recorder's line; whether its bound holds."""
    block = caged_block(BLOCK)
    recorded_rate(block, 1, nullcontext())  # compiles
    contexts = nullcontext, filters_of_hdf5
    rates = [[recorded_rate(block, BLOCKS * BLOCK, context()) for context in contexts] for _ in range(ROUNDS)]
    ours, peer = map(max, zip(*rates, strict=True))
    held = ours >= FASTER * peer
    verdict = "" if held else "  MISSED"
    name = f"recorder, {PARTICLES} particles, MB/s"
    print(f"{name:44} {ours:9.0f} {peer:9.0f} {ours / peer:7.2f}  >= {FASTER}{verdict}", flush=True)
    return held


def open_writer(path: Path) -> TrajectoryWriter:
    """A writer for the particles of the benchmark."""
    return TrajectoryWriter(
        path,
        species=assign_species(PARTICLES),
        box_length=(PARTICLES / 1.2) ** (1 / 3),
        timestep=0.0025,
        observables=THERMODYNAMICS,
    )


def write_caged_sample(path: Path, frames: int) -> None:
    """Write one sample of caged particles; memory does not depend on how they move."""
    generator = np.random.default_rng(0)
    box_length = (PARTICLES / 1.2) ** (1 / 3)
    sites = generator.uniform(0, box_length, (PARTICLES, 3))
    displacements = generator.normal(0, 0.1, (8, PARTICLES, 3))
    with open_writer(path) as writer:
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
    held = [bench_recorder()]
    with TemporaryDirectory() as folder:
        held.append(line(f"record, {PARTICLES} x {RECORDED + 1} frames, MB", peak("record", Path(folder))))
    for frames in options.frames:
        with TemporaryDirectory() as folder:
            write_caged_sample(Path(folder) / f"{sample_name(0, 0)}.h5", frames)
            held.append(line(f"observe, {PARTICLES} x {frames} frames, MB", peak("observe", Path(folder))))
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
