"""Reading a dump of LAMMPS: ours beside MDAnalysis's and ASE's own readers: `make bench-importing`.

One line per ratio: name, ours, peer, ratio, bound; exit status 1 where a bound is missed. Times are seconds of CPU for
all frames, each reader in a process of its own; positions, species and ids of every frame are read and sorted by all of
them. Memory is MB of resident memory at its peak; the peer is what is allowed.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from memory import peak

PARTICLES, ALLOWED, FASTER = 64000, 1000.0, 3.0

SHORT = "short.dump"
"""A file beside the long one, whose reading loads the libraries."""


def write_dump(path: Path, frames: int) -> None:
    """Write walkers with images, rows in any order, as LAMMPS does."""
    generator = np.random.default_rng(0)
    box_length = (PARTICLES / 1.2) ** (1 / 3)
    positions = generator.uniform(0, box_length, (PARTICLES, 3))
    types = 1 + (np.arange(PARTICLES) % 5 == 0)
    bounds = 3 * f"0.0000000000000000e+00 {box_length:.16e}\n"
    with path.open("w") as file:
        for frame in range(frames):
            positions += generator.normal(0, 0.05, positions.shape)
            images = np.floor(positions / box_length).astype(int)
            order = generator.permutation(PARTICLES)
            file.write(f"ITEM: TIMESTEP\n{40 * frame}\nITEM: NUMBER OF ATOMS\n{PARTICLES}\n")
            file.write(f"ITEM: BOX BOUNDS pp pp pp\n{bounds}ITEM: ATOMS id type x y z ix iy iz\n")
            wrapped = positions - images * box_length
            columns = (order + 1, types[order], *wrapped[order].T, *images[order].T)
            rows = zip(*(column.tolist() for column in columns), strict=True)
            file.writelines("{} {} {:g} {:g} {:g} {} {} {} \n".format(*row) for row in rows)


def read_ours(path: Path) -> int:
    """Read all frames, checked and brought into this project's form; return their number."""
    from glassdyn.importing import ReadOptions, open_source, read_frames  # noqa: PLC0415

    options = ReadOptions(species={"1": 0, "2": 1})
    source = open_source(path, options)
    return sum(1 for _ in read_frames(source, range(source.count()), options))


def read_mdanalysis(path: Path) -> int:
    """Read all frames by MDAnalysis."""
    from MDAnalysis.coordinates.LAMMPS import DumpReader  # noqa: PLC0415

    return sum(1 for _ in DumpReader(str(path)))


def read_ase(path: Path) -> int:
    """Read all frames by ASE."""
    from ase.io import iread  # noqa: PLC0415

    return sum(1 for _ in iread(str(path), index=":", format="lammps-dump-text"))


def convert(path: Path) -> int:
    """Convert the file to a trajectory."""
    from glassdyn.importing import ReadOptions  # noqa: PLC0415
    from glassdyn.importing.convert import import_trajectory  # noqa: PLC0415

    options = ReadOptions(species={"1": 0, "2": 1}, timestep=0.005)
    return import_trajectory([path], path.with_suffix(".h5"), options).frames


READERS: dict[str, Callable[[Path], int]] = {
    "ours": read_ours,
    "mdanalysis": read_mdanalysis,
    "ase": read_ase,
    "convert": convert,
}


def measure(reader: str, path: Path, frames: int) -> tuple[float, float]:
    """Seconds of CPU and MB at the peak of a process that reads the file."""
    words = [sys.executable, __file__, "--reader", reader, "--file", str(path)]
    output = subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    result = json.loads(output)
    if result["frames"] != frames:
        raise RuntimeError(f"{reader} reads all frames, {frames}: got {result['frames']}")
    return result["seconds"], result["memory"]


def run_reader(reader: str, path: Path) -> None:
    """Read the file in this process, and print what it took once the libraries are loaded."""
    READERS[reader](path.with_name(SHORT))
    start = time.process_time()
    frames = READERS[reader](path)
    seconds = time.process_time() - start
    print(json.dumps({"frames": frames, "seconds": seconds, "memory": 1000 * peak()}))


def main() -> int:
    """Write a file of about the size that is asked for, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=1.0, help="GB of the file")
    parser.add_argument("--reader", choices=READERS)
    parser.add_argument("--file", type=Path)
    arguments = parser.parse_args()
    if arguments.reader:
        run_reader(arguments.reader, arguments.file)
        return 0
    frames = max(round(arguments.size * 1e9 / (PARTICLES * 38.6)), 2)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "liquid.dump"
        write_dump(path, frames)
        write_dump(path.with_name(SHORT), 2)
        took = {reader: measure(reader, path, frames) for reader in READERS}
    lines = [
        (
            f"reading as {peer} does, s",
            took["ours"][0],
            took[peer][0],
            took[peer][0] / took["ours"][0],
            FASTER,
        )
        for peer in ("mdanalysis", "ase")
    ]
    lines += [
        (f"memory, {name}, MB", took[name][1], ALLOWED, ALLOWED / took[name][1], 1.0)
        for name in ("ours", "convert")
    ]
    for name, ours, peer, ratio, bound in lines:
        print(f"{name:<28} {ours:9.2f} {peer:9.2f} {ratio:7.2f} {bound:7.2f}")
    return int(any(ratio < bound for *_, ratio, bound in lines))


if __name__ == "__main__":
    sys.exit(main())
