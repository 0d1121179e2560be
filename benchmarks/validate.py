"""Published state points of the Kob-Andersen mixture, simulated anew: `make validate`.

Public data sets at rho = 1.2, `truncation: shift`. Each copy goes from random positions through a
canonical run, over which U and P are averaged, to a run at constant energy, the mean energy of that
canonical run, from which structure and relaxation are taken.

A small box slows its liquid down: at T = 0.8, tau_alpha of A is 2.6 with 1000 particles and 3.3 with 150.
The published 3.4 belongs to a trajectory of 150 particles, in whose 101 frames F_s falls to 1 / e after 3.2, so
that it is compared with a box of as many; the value of 1000 particles is printed, and bound to nothing. HOOMD's
neighbour lists do not fit into the small box: with that engine there is no such comparison. The peaks of g(r) are
published for T = 0.45; they move by less than the bound up to T = 0.8. Velocity Verlet raises the
configurational temperature by about (timestep * Einstein frequency / 2)^2: at a timestep of 0.005, T = 0.8,
that is 0.4 %, and 0.006 in U/N; hence the short timesteps.
"""

import argparse
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from glassdyn.jobs import progress
from glassdyn.liquid.potential import assign_species
from glassdyn.observables import relaxation
from glassdyn.observables.measure import measure_all
from glassdyn.observables.summary import peak_and_minimum
from glassdyn.params import Potential
from glassdyn.simulation import engines
from glassdyn.simulation.engine import NVE, Bussi, Engine, Integrator
from glassdyn.simulation.state import State, maxwell_boltzmann, random_state, with_kinetic_energy
from glassdyn.storage.trajectory import sample_name
from glassdyn.storage.trajectory_writer import THERMODYNAMICS, TrajectoryWriter

POTENTIAL = Potential(truncation="shift", r_on=2.0, r_cut=2.5, spline_points=0)
COPIES, WAVE_NUMBER = 4, 7.25

ENERGY_INTERVAL, FRAME_INTERVAL, THERMOSTAT_TIME = 0.25, 0.1, 0.1
"""Units of tau."""


class Point(NamedTuple):
    """A state point, and the durations of its simulation, units of tau."""

    name: str
    particles: int
    temperature: float
    timestep: float
    equilibrate: float
    average: float
    record: float

    @property
    def integrator(self) -> Integrator:
        """The published potential, and the timestep."""
        return Integrator(POTENTIAL, self.timestep)

    def steps(self, duration: float) -> int:
        """Steps of a duration."""
        return round(duration / self.timestep)


HOT = Point("hot", 1000, 2.0, 0.0015, 10.0, 80.0, 0.0)
WARM = Point("warm", 1000, 0.8, 0.0025, 20.0, 80.0, 30.0)
SMALL = Point("small", 150, 0.8, 0.0025, 20.0, 100.0, 200.0)


class Line(NamedTuple):
    """A line of the table: ours with its standard error, and a reference; without a bound, for information."""

    name: str
    ours: float
    error: float
    reference: float
    bound: float | None


def averages(engine: Engine, point: Point) -> tuple[float, float]:
    """Mean potential energy and mean pressure of a run."""
    observed: list[tuple[float, float]] = []

    def observe() -> None:
        thermodynamics = engine.thermodynamics()
        observed.append((thermodynamics.potential_energy, thermodynamics.pressure))

    engine.advance(point.steps(point.average), point.steps(ENERGY_INTERVAL), observe)
    potential, pressure = np.mean(observed, axis=0)
    return float(potential), float(pressure)


def prepare(engine_name: str, point: Point, copy: int) -> tuple[State, float, float]:
    """A state in equilibrium at the mean energy, and U / N and P of the canonical ensemble."""
    module, kT = engines.engine_by_name(engine_name), point.temperature
    generator = np.random.default_rng((copy, point.particles, round(100 * kT)))
    start = random_state(assign_species(point.particles), (point.particles / 1.2) ** (1 / 3), generator)
    start = module.remove_overlaps(start, POTENTIAL)
    start = replace(start, velocities=maxwell_boltzmann(point.particles, kT, generator))
    ensemble = Bussi(kT, THERMOSTAT_TIME, int(generator.integers(2**16)))
    with module.start(start, point.integrator, ensemble) as engine:
        engine.advance(point.steps(point.equilibrate))
        potential, pressure = averages(engine, point)
        state, final = engine.state(), engine.thermodynamics().potential_energy
    kinetic = 0.5 * state.degrees_of_freedom * kT
    return with_kinetic_energy(state, potential + kinetic - final), potential / point.particles, pressure


def record(engine_name: str, point: Point, state: State, path: Path) -> None:
    """Write a trajectory at constant energy."""
    path.parent.mkdir(exist_ok=True)
    interval = point.steps(FRAME_INTERVAL)
    with (
        engines.engine_by_name(engine_name).start(state, point.integrator, NVE()) as engine,
        TrajectoryWriter(
            path,
            species=state.species,
            box_length=state.box_length,
            timestep=point.timestep,
            observables=THERMODYNAMICS,
        ) as writer,
    ):

        def write_frame() -> None:
            writer.append(engine.step, engine.unwrapped(), engine.thermodynamics()._asdict())

        write_frame()
        engine.advance(round(point.record / FRAME_INTERVAL) * interval, interval, write_frame)


def simulate(engine_name: str, point: Point, copy: int, folder: Path) -> tuple[float, float]:
    """One copy: its U / N and P; the trajectory goes into the folder."""
    state, potential, pressure = prepare(engine_name, point, copy)
    if point.record:
        record(engine_name, point, state, folder / point.name / f"{sample_name(copy, 0)}.h5")
    return potential, pressure


def mean(values: Sequence[float]) -> tuple[float, float]:
    """Mean of the copies and its standard error."""
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))


def thermodynamics(copies: list[tuple[float, float]], point: Point, u: float, p: float) -> list[Line]:
    """U / N within 0.01 and P within 0.1."""
    potential, pressure = zip(*copies, strict=True)
    return [
        Line(f"U/N, T = {point.temperature}", *mean(potential), u, 0.01),
        Line(f"P, T = {point.temperature}", *mean(pressure), p, 0.1),
    ]


def relaxation_time(folder: Path, point: Point, bound: float | None) -> Line:
    """tau_alpha of A at q = 7.25, published for 150 particles."""
    measurements = measure_all(folder / point.name, wave_number=WAVE_NUMBER)
    decays = [relaxation.scattering(sample.displacements)[:, 0] for sample in measurements.samples]
    taus = [relaxation.find_tau_alpha(measurements.lag_times, decay) or np.nan for decay in decays]
    mean_tau = relaxation.find_tau_alpha(measurements.lag_times, np.mean(decays, axis=0)) or np.nan
    name = f"tau_alpha,A, T = {point.temperature}, N = {point.particles}"
    return Line(name, mean_tau, mean(taus)[1], 3.4, bound)


def peaks(folder: Path) -> list[Line]:
    """Peaks of g_AA and g_AB within 0.02."""
    structure = measure_all(folder).structure
    names = ((0, "AA", 1.07), (1, "AB", 0.88))
    return [
        Line(
            f"peak of g_{name}",
            peak_and_minimum(structure.distances, structure.radial[row])[0],
            0.0,
            published,
            0.02,
        )
        for row, name, published in names
    ]


def compare(engine_name: str, folder: Path) -> list[Line]:
    """Simulate every copy of every point, as many at a time as there are cores."""
    spawn = multiprocessing.get_context("spawn")
    cores = len(os.sched_getaffinity(0))
    points = (HOT, WARM, SMALL) if engine_name == "lammps" else (HOT, WARM)
    with (
        ProcessPoolExecutor(cores, mp_context=spawn) as pool,
        progress.show_progress("simulations", total=len(points) * COPIES, unit="copies") as advance,
    ):
        runs = {
            point: [pool.submit(simulate, engine_name, point, copy, folder) for copy in range(COPIES)]
            for point in points
        }
        for _ in as_completed(run for copies in runs.values() for run in copies):
            advance(1)
    averages_of = {point: [run.result() for run in runs[point]] for point in points}
    return [
        *thermodynamics(averages_of[HOT], HOT, -4.654, 19.32),
        *thermodynamics(averages_of[WARM], WARM, -6.346, 7.60),
        *([relaxation_time(folder, SMALL, 0.34)] if SMALL in points else []),
        relaxation_time(folder, WARM, None),
        *peaks(folder / WARM.name),
    ]


def show(line: Line) -> bool:
    """Print a line; whether the reference is met within the bound."""
    met = line.bound is None or abs(line.ours - line.reference) <= line.bound
    bound = f"{'none':>8}" if line.bound is None else f"{line.bound:>8.3f}  {'met' if met else 'MISSED'}"
    print(
        f"{line.name:<32}{line.ours:>10.4f} ± {line.error:<8.4f}{line.reference:>10.4f}"
        f"{line.ours - line.reference:>+11.4f}{bound}"
    )
    return met


def main() -> int:
    """Simulate, compare, print; 1 where a reference is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="lammps", choices=["lammps", "hoomd"])
    with TemporaryDirectory() as folder:
        lines = compare(parser.parse_args().engine, Path(folder))
    print(f"{'':<32}{'ours':>10} ± {'error':<8}{'published':>10}{'difference':>11}{'bound':>8}")
    met = [show(line) for line in lines]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
