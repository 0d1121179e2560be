"""Descriptors and labels beside what one would write without them, in one run: `make bench-labels`.

One line per ratio: name, ours, peer, ratio, bound; exit status 1 where a bound is missed. Both sides have
the same cores, and are timed as often. Trajectories are synthetic: caged Brownian particles with hops at known
times, and cages that diffuse.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import freud
import h5py
import memory
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from glassdyn.features.radial import bin_edges, radial_descriptors
from glassdyn.jobs.fork_server import register_types
from glassdyn.labels.midframe import ROWS_BYTES, label_midframe, label_parameters
from glassdyn.labels.p_hop import HopCriteria, criteria_in_frames, p_hop_at
from glassdyn.labels.sections import column_names
from glassdyn.labels.tracks import check_tracks
from glassdyn.liquid.compiled import cores, parallel_for
from glassdyn.liquid.configuration import Configuration
from glassdyn.params import Descriptors, Hops, Wavelets
from glassdyn.storage import tables
from glassdyn.storage.trajectory import open_trajectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from caged_walkers import caged_frames, plant, write_caged

PARTICLES, DENSITY = 64000, 1.2
EDGES = bin_edges(Descriptors(0.7, 4.7, 80, ()))
HOPS, INTERVAL = Hops(0.16, 5.0, 50, "none"), 0.1
REPEATS = 3
"""Calls of which the fastest counts, ours and the peers'."""

DIFFUSION = 2.8e-5
"""Of the liquid at T = 0.45, units of sigma_AA^2 / tau."""

SIZES = ((6, 2001, 500, 1), (7, 6001, 833, 2), (8, 20001, 256, 19), (9, 60001, 128, 130))
"""Power of ten of the positions, frames, particles of a block and blocks of them."""

SCALES = (50, 100, 200, 400, 800, 1600, 3200)

READING, LABELLING = 1.2, 0.8
"""Speeds of each core beside h5py, which reads on one: reading alone, and labels with their reading; 2 at the most is asked."""

Counts = NDArray[np.int64]


def seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Wall time of the fastest of some calls, after one that compiles."""
    times = []
    for _ in range(repeats + (repeats > 1)):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times[-repeats:])


class Report:
    """Prints a line per ratio and remembers whether all bounds held."""

    def __init__(self) -> None:
        self.held = True
        print(f"{'name':44} {'ours':>12} {'peer':>12} {'ratio':>8}  bound")

    def line(self, name: str, ours: float, peer: float, ratio: float, bound: str) -> None:
        limit = float(bound[2:])
        held = ratio >= limit if bound.startswith(">=") else ratio <= limit
        self.held &= held
        verdict = "" if held else "  MISSED"
        print(f"{name:44} {ours:12.4g} {peer:12.4g} {ratio:8.3g}  {bound}{verdict}", flush=True)


def histogram(receivers: Counts, kinds: Counts, distances: NDArray[np.floating], rows: int) -> Counts:
    """Counts by receiver, species and distance, as NumPy does them."""
    inside = distances >= EDGES[0]
    bins = ((distances[inside] - EDGES[0]) / 0.05).astype(np.int64)
    flat = receivers[inside] * 160 + kinds[inside] * 80 + bins
    return np.bincount(flat, minlength=rows * 160).reshape(rows, 160)


def by_tree(positions: NDArray[np.float64], species: Counts, box_length: float) -> Counts:
    """Counts through SciPy's tree, slices of receivers on all cores."""
    tree, size = cKDTree(positions, boxsize=box_length), 2000

    def rows(start: int) -> Counts:
        some = positions[start : start + size]
        pairs = cKDTree(some, boxsize=box_length).sparse_distance_matrix(
            tree, EDGES[-1], output_type="ndarray"
        )
        return histogram(pairs["i"], species[pairs["j"]], pairs["v"], len(some))

    with ThreadPoolExecutor(cores()) as pool:
        return np.concatenate(list(pool.map(rows, range(0, len(positions), size))))


def by_freud(positions: NDArray[np.float64], species: Counts, box_length: float) -> Counts:
    """Counts through freud's neighbour list, on all cores."""
    freud.set_num_threads(cores())
    centred = positions - box_length / 2
    query = freud.locality.AABBQuery(freud.box.Box.cube(box_length), centred)
    pairs = query.query(centred, {"r_max": EDGES[-1], "exclude_ii": True}).toNeighborList()
    receivers, senders = pairs.query_point_indices.astype(np.int64), pairs.point_indices
    return histogram(receivers, species[senders], pairs.distances, len(positions))


def bench_descriptors(report: Report) -> None:
    box_length = (PARTICLES / DENSITY) ** (1 / 3)
    rng = np.random.default_rng(0)
    positions = rng.uniform(0, box_length, (PARTICLES, 3))
    species = (rng.random(PARTICLES) < 0.2).astype(np.uint8)
    counts = by_tree(positions, species.astype(np.int64), box_length)
    configuration, areas = (
        Configuration(positions, species, box_length),
        np.tile(4 * np.pi * EDGES[:-1] ** 2, 2),
    )
    ours_counted = radial_descriptors(configuration, EDGES) * areas
    # a distance within rounding of an edge may fall on either side in the peer's arithmetic
    differing = int((ours_counted.round() != counts).sum())
    report.line(
        "descriptors: counts unlike SciPy's", differing, counts.size, differing / counts.size, "<=1e-6"
    )
    ours = seconds(lambda: radial_descriptors(configuration, EDGES))
    report.line("descriptors N=64000 [s]", ours, 1.0, ours, "<=1")
    for name, peer in (("SciPy cKDTree and bincount", by_tree), ("freud and bincount", by_freud)):
        wide = species.astype(np.int64)
        theirs = seconds(lambda peer=peer, wide=wide: peer(positions, wide, box_length))
        report.line(f"descriptors N=64000 [s], {name}", ours, theirs, theirs / ours, ">=15")


def split_by_numpy(track: NDArray[np.float64], criteria: HopCriteria) -> tuple[int, float]:
    """Best split of a (T, 3) track by running sums, vectorised over frames."""
    frames, moved = len(track), track - track[0]
    sums = np.cumsum(moved, axis=0)
    squares = np.cumsum((moved**2).sum(axis=1))
    k = np.arange(criteria.shortest - 1, frames - criteria.shortest + 1)
    in_u, in_v = (k + 1.0)[:, None], (frames - k * 1.0)[:, None]
    mean_u, mean_v = sums[k] / in_u, (sums[-1] - sums[k] + moved[k]) / in_v
    square = (moved[k] ** 2).sum(axis=1)
    separation = ((mean_u - mean_v) ** 2).sum(axis=1)
    variance_u = squares[k] / in_u[:, 0] - (mean_u**2).sum(axis=1)
    variance_v = (squares[-1] - squares[k] + square) / in_v[:, 0] - (mean_v**2).sum(axis=1)
    values = np.maximum(variance_u + separation, 0) * np.maximum(variance_v + separation, 0)
    best = int(np.argmax(values))
    return int(k[best]), float(values[best] ** 0.25)


def hop_by_numpy(track: NDArray[np.float64], frame: int, criteria: HopCriteria) -> float:
    """p_hop at a frame, along the parts that hold it."""
    first, last, near = 0, len(track) - 1, []
    while last - first + 1 >= 2 * criteria.shortest - 1:
        k, p = split_by_numpy(track[first : last + 1], criteria)
        if p < criteria.p_c:
            inside = [(distance, -value) for distance, value in near if distance <= criteria.reach]
            return -min(inside)[1] if inside else p
        near.append((abs(first + k - frame), p))
        if first + k == frame:
            return p
        first, last = (first, first + k) if frame < first + k else (first + k, last)
    return -min((distance, -value) for distance, value in near)[1]


def caged_block(particles: int, frames: int) -> NDArray[np.float32]:
    """(T, n, 3) positions of caged particles."""
    rng = np.random.default_rng(1)
    planted = plant(rng, particles, frames, fraction=0.2, length=0.8)
    return np.stack(list(caged_frames(rng, planted, frames, 100.0))).astype(np.float32)


def diffusing_block(particles: int, frames: int) -> NDArray[np.float32]:
    """(T, n, 3) positions of particles whose cages diffuse."""
    steps = np.random.default_rng(2).normal(size=(frames, particles, 3)) * np.sqrt(2 * DIFFUSION * INTERVAL)
    return (caged_block(particles, frames) + np.cumsum(steps, axis=0)).astype(np.float32)


def bench_hops(report: Report) -> None:
    block = caged_block(256, 6001)
    criteria, frame = criteria_in_frames(HOPS, INTERVAL), 3000
    tracks = np.ascontiguousarray(block.transpose(1, 0, 2)).astype(np.float64)  # (n, T, 3)
    own = np.ascontiguousarray(block.transpose(1, 2, 0))  # (n, 3, T)

    def numpy_some(first: int, last: int, labels: NDArray[np.float64]) -> None:
        labels[first:last] = [hop_by_numpy(track, frame, criteria) for track in tracks[first:last]]

    def our_some(first: int, last: int, labels: NDArray[np.float64]) -> None:
        labels[first:last] = p_hop_at(check_tracks(own[first:last], 100.0), frame, criteria)

    def run(some: Callable[[int, int, NDArray[np.float64]], None], size: int) -> NDArray[np.float64]:
        labels = np.empty(len(tracks))
        parallel_for(len(tracks), lambda first, last: some(first, last, labels), size)
        return labels

    differing = float(np.abs(run(our_some, 16) - run(numpy_some, 16)).max())
    report.line("p_hop: largest difference to NumPy", differing, 0.0, differing, "<=1e-9")
    ours, theirs = seconds(lambda: run(our_some, 16)), seconds(lambda: run(numpy_some, 16))
    report.line("p_hop 256 x 6001 [s], NumPy along the path", ours, theirs, theirs / ours, ">=10")


def bench_linear(report: Report) -> None:
    """Time per position of all labels, from 10^6 positions to 10^9; blocks as the stage reads them.

    Whoever stays in a cage costs one pass over the frames, whatever their number. Whoever diffuses splits the more
    often the longer the window, see `p_hop_at`: 2 passes at 2001 frames, 20 at 60001.
    """
    for name, tracks, bound in (("caged", caged_block, "<=2"), ("diffusing", diffusing_block, "<=12")):
        times = {}
        for power, frames, width, blocks in SIZES:
            trajectory = InMemory(tracks(width, frames), blocks)
            wavelets = Wavelets(tuple(scale for scale in SCALES if 4 * scale <= frames // 2))
            sections = {"hops": HOPS, "wavelets": wavelets}
            work = lambda t=trajectory, s=sections: list(label_midframe(t, s, lambda _: None))  # noqa: E731
            times[power] = seconds(work, 1 if power > 8 else REPEATS) / (blocks * width * frames) * 1e9
        shown = ", ".join(f"1e{power}: {time:.3g}" for power, time in times.items())
        print(f"# labels, {name} [ns per position] {shown}")
        longest, shortest = max(times.values()), min(times.values())
        report.line(
            f"labels, {name}, 1e6 to 1e9 [ns per position]", longest, shortest, longest / shortest, bound
        )


class InMemory:
    """The same block of positions again and again, read as a trajectory is."""

    path, box_length, interval, is_chunked = Path("memory"), 100.0, INTERVAL, True

    def __init__(self, block: NDArray[np.float32], blocks: int) -> None:
        self.block, self.blocks = np.ascontiguousarray(block.transpose(1, 2, 0)), blocks
        self.width, _, self.frames = self.block.shape
        self.particles, self.middle = blocks * self.width, (self.frames - 1) // 2
        self.species = np.zeros(self.particles, np.uint8)

    def particle_blocks(self, _: int) -> list[slice]:
        return [slice(i * self.width, (i + 1) * self.width) for i in range(self.blocks)]

    def tracks(self, _start: int, _stop: int, _memory: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.block


def read_all(path: Path) -> int:
    """Read every position with h5py alone, chunk row after chunk row, into the same memory."""
    with h5py.File(path) as file:
        values = file["particles/all/position/value"]
        width, total = values.chunks[1], 0
        room = np.empty((values.shape[0], width, 3), np.float32)
        for start in range(0, values.shape[1], width):
            stop = min(start + width, values.shape[1])
            values.read_direct(room, np.s_[:, start:stop], np.s_[:, : stop - start])
            total += stop - start
    return total


def read_tracks(path: Path) -> None:
    """Read every position, block after block of particles, all cores on one of them."""
    with open_trajectory(path) as opened:
        blocks = list(opened.particle_blocks(ROWS_BYTES))
        memory = np.empty(3 * opened.frames * (blocks[0].stop - blocks[0].start), np.float32)
        for block in blocks:
            opened.tracks(block.start, block.stop, memory)


def label_file(path: Path) -> None:
    """What the stage label does with one trajectory; run in a process of its own, which prints its peak memory."""
    with open_trajectory(path) as opened:
        scales = tuple(scale for scale in SCALES if 4 * scale <= opened.middle)
        sections = {"hops": HOPS, "wavelets": Wavelets(scales)}
        blocks = label_midframe(opened, sections, lambda _: None)
        parameters = label_parameters(opened, sections)
        register_types()  # as in the server that the stage's jobs are forked from
        start = perf_counter()
        tables.write(
            path.with_suffix(".parquet"),
            tables.labels_schema(column_names(sections)),
            blocks,
            parameters,
        )
    print(perf_counter() - start, memory.peak())


def time_labelling(path: Path) -> tuple[float, float]:
    """Seconds and peak memory in GB of labelling a file."""
    command = [sys.executable, __file__, "--label", str(path)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    time, memory = map(float, output.split())
    return time, memory


def bench_stage(report: Report, frames: int, folder: Path) -> None:
    long, short = folder / f"caged-{frames}.h5", folder / f"caged-{frames // 4}.h5"
    for path, length in ((short, frames // 4), (long, frames)):
        if not path.exists():
            write_caged(path, 1, particles=PARTICLES, frames=length)
    time_labelling(short)  # compiles
    rounds = []
    for _ in range(REPEATS):  # side by side, on a machine whose speed changes
        reading, own = seconds(lambda: read_all(long), 1), seconds(lambda: read_tracks(long), 1)
        rounds.append((reading, own, *time_labelling(long), time_labelling(short)[0]))
    read, own, time, memory, brief = map(min, zip(*rounds, strict=True))
    gigabytes, size = 12e-9 * PARTICLES * frames, f"64000 x {frames}"
    for name, taken, share in (("read", own, READING), ("label", time, LABELLING)):
        bound = f">={min(share * cores(), 2):.3g}"
        report.line(
            f"{name} {size} [GB/s], h5py reading", gigabytes / taken, gigabytes / read, read / taken, bound
        )
    report.line(f"label {size}, peak memory [GB]", memory, 1.5, memory, "<=1.5")
    report.line(f"label, 4 x the frames of {frames // 4} [s]", time, 4 * brief, time / (4 * brief), "<=1.25")
    slope = (time - brief) / (frames - frames // 4)
    print(f"# 64000 x 60000 (46 GB) by the same slope: {slope * 1000:.1f} minutes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--label", type=Path, help="label this file and print seconds and peak memory")
    parser.add_argument("--frames", type=int, default=6000, help="of the long synthetic trajectory")
    parser.add_argument(
        "--folder", type=Path, help="keep the synthetic trajectories there, or find them there"
    )
    options = parser.parse_args()
    if options.label:
        label_file(options.label)
        return
    report = Report()
    bench_descriptors(report)
    bench_hops(report)
    bench_linear(report)
    with tempfile.TemporaryDirectory(prefix="bench-labels-") as temporary:
        bench_stage(report, options.frames, options.folder or Path(temporary))
    sys.exit(0 if report.held else 1)


if __name__ == "__main__":
    main()
