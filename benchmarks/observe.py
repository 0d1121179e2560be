"""Memory of `observe` at N = 64000, which must not depend on the number of frames: `make bench-observe`."""

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from glassdyn.liquid import species_of
from glassdyn.recorder import THERMODYNAMICS, Recorder
from glassdyn.trajectory import sample_name

PARTICLES, BOUND = 64000, 1500.0

MEASURE = """
import resource, sys
from pathlib import Path
from glassdyn.observables.survey import survey
survey(Path(sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def rattling(path: Path, frames: int) -> None:
    """Write one sample whose particles rattle, all of them alike: what they do is no matter here."""
    generator = np.random.default_rng(0)
    box_length = (PARTICLES / 1.2) ** (1 / 3)
    places = generator.uniform(0, box_length, (PARTICLES, 3))
    shakes = generator.normal(0, 0.1, (8, PARTICLES, 3))
    with Recorder(
        path,
        species=species_of(PARTICLES),
        box_length=box_length,
        timestep=0.0025,
        observables=THERMODYNAMICS,
    ) as recorder:
        for frame in range(frames):
            numbers = dict.fromkeys(THERMODYNAMICS, 1.0)
            recorder.append(40 * frame, places + shakes[frame % 8], numbers)


def peak(folder: Path) -> float:
    """Peak memory of a survey in a process of its own, MB."""
    command = [sys.executable, "-c", MEASURE, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def main() -> int:
    """Print a line for each number of frames; 1 where the bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=[250, 1000])
    peaks = []
    print(f"{'name':<40}{'ours':>10}{'bound':>10}")
    for frames in parser.parse_args().frames:
        with TemporaryDirectory() as folder:
            rattling(Path(folder) / f"{sample_name(0, 0)}.h5", frames)
            peaks.append(peak(Path(folder)))
        print(f"{f'peak memory, {PARTICLES} x {frames} frames, MB':<40}{peaks[-1]:>10.0f}{BOUND:>10.0f}")
    return int(max(peaks) > BOUND)


if __name__ == "__main__":
    sys.exit(main())
