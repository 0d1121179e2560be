"""Published state points of the Kob-Andersen mixture, simulated anew: `make validate`.

Each copy goes from random positions through a canonical run, over which U and P are averaged, to a run
at constant energy, the mean of that canonical run, from which structure and relaxation are taken. Energy
and pressure: U/N and P of public data sets at rho = 1.2, `truncation: shift`. tau_alpha: F_s(q = 7.25)
of A. The peaks of g(r) are published for T = 0.45; they move by less than the bound up to T = 0.8.
"""

import argparse
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from glassdyn.liquid import species_of
from glassdyn.observables import relaxation
from glassdyn.observables.summary import peak_and_minimum
from glassdyn.observables.survey import Survey, survey
from glassdyn.params import Potential
from glassdyn.recorder import THERMODYNAMICS, Recorder
from glassdyn.simulation import engines
from glassdyn.simulation.engine import ConstantEnergy, Engine, Model, Stochastic
from glassdyn.simulation.state import State, maxwell_boltzmann, random_state, with_kinetic_energy
from glassdyn.trajectory import sample_name

PARTICLES, COPIES = 1000, 6
POTENTIAL = Potential(truncation="shift", r_on=2.0, r_cut=2.5, spline_points=0)
WAVE_NUMBER = 7.25

SETTLE, AVERAGE, RECORD = 30.0, 150.0, 100.0
"""Durations of a copy, units of tau."""

LOOK, FRAME, BATH = 0.25, 0.1, 0.5
"""Between two looks at the energy, between two frames, of the thermostat, units of tau."""


class Point(NamedTuple):
    """A state point and how it is integrated."""

    temperature: float
    timestep: float


class Line(NamedTuple):
    """A line of the table: ours with its standard error, beside a reference."""

    name: str
    ours: float
    error: float
    reference: float
    bound: float


HOT, WARM = Point(2.0, 0.0025), Point(0.8, 0.005)


def canonical(engine: Engine, steps: int, interval: int) -> tuple[float, float]:
    """Mean potential energy and mean pressure of a run."""
    seen: list[tuple[float, float]] = []

    def look() -> None:
        now = engine.thermodynamics()
        seen.append((now.potential_energy, now.pressure))

    engine.advance(steps, interval, look)
    potential, pressure = np.mean(seen, axis=0)
    return float(potential), float(pressure)


def prepare(engine_name: str, point: Point, copy: int) -> tuple[State, float, float]:
    """A state in equilibrium at the mean energy, and U / N and P of the canonical ensemble."""
    module, model = engines.named(engine_name), Model(POTENTIAL, point.timestep)
    generator = np.random.default_rng((copy, round(100 * point.temperature)))
    start = random_state(species_of(PARTICLES), (PARTICLES / 1.2) ** (1 / 3), generator)
    start = module.minimise(start, model)
    start = replace(start, velocities=maxwell_boltzmann(PARTICLES, point.temperature, generator))
    bath = Stochastic(point.temperature, BATH, int(generator.integers(2**16)))
    with module.start(start, model, bath) as engine:
        engine.advance(round(SETTLE / point.timestep))
        potential, pressure = canonical(engine, round(AVERAGE / point.timestep), round(LOOK / point.timestep))
        state, now = engine.state(), engine.thermodynamics().potential_energy
    kinetic = 0.5 * state.degrees_of_freedom * point.temperature
    return with_kinetic_energy(state, potential + kinetic - now), potential / PARTICLES, pressure


def record(engine_name: str, point: Point, state: State, path: Path) -> None:
    """A trajectory at constant energy."""
    interval = round(FRAME / point.timestep)
    with (
        engines.named(engine_name).start(state, Model(POTENTIAL, point.timestep), ConstantEnergy()) as engine,
        Recorder(
            path,
            species=state.species,
            box_length=state.box_length,
            timestep=point.timestep,
            observables=THERMODYNAMICS,
        ) as recorder,
    ):

        def look() -> None:
            recorder.append(engine.step, engine.unwrapped(), engine.thermodynamics()._asdict())

        look()
        engine.advance(round(RECORD / FRAME) * interval, interval, look)


def simulate(engine_name: str, point: Point, copy: int, folder: Path) -> tuple[float, float]:
    """One copy: its U / N and P; the trajectory goes into the folder."""
    state, potential, pressure = prepare(engine_name, point, copy)
    if point == WARM:
        record(engine_name, point, state, folder / f"{sample_name(copy, 0)}.h5")
    return potential, pressure


def mean(values: list[float]) -> tuple[float, float]:
    """Mean of the copies and its standard error."""
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))


def thermodynamics(
    point: Point, copies: list[tuple[float, float]], published: tuple[float, float]
) -> list[Line]:
    """U / N within 0.01 and P within 0.1."""
    potential, pressure = zip(*copies, strict=True)
    return [
        Line(f"U/N  T = {point.temperature}", *mean(list(potential)), published[0], 0.01),
        Line(f"P    T = {point.temperature}", *mean(list(pressure)), published[1], 0.1),
    ]


def relaxation_and_structure(seen: Survey) -> list[Line]:
    """tau_alpha of A within 10 % of 3.4; peaks of g_AA and g_AB within 0.02."""
    taus = [
        relaxation.tau_alpha(seen.lag_times, relaxation.scattering(sample.moved)[:, 0])
        for sample in seen.samples
    ]
    _, error = mean([tau for tau in taus if tau is not None])
    pooled = np.mean([relaxation.scattering(sample.moved)[:, 0] for sample in seen.samples], axis=0)
    tau = relaxation.tau_alpha(seen.lag_times, pooled)
    lines = [Line("tau_alpha,A(7.25)  T = 0.8", tau or np.nan, error, 3.4, 0.34)]
    for row, name, published in ((0, "AA", 1.07), (1, "AB", 0.88)):
        peak, _ = peak_and_minimum(seen.structure.distances, seen.structure.radial[row])
        lines.append(Line(f"g_{name} peak  T = 0.8", peak, 0.0, published, 0.02))
    return lines


def show(line: Line) -> bool:
    """Print a line; whether it is met."""
    met = abs(line.ours - line.reference) <= line.bound
    print(
        f"{line.name:<28}{line.ours:>10.4f} ± {line.error:<8.4f}{line.reference:>10.4f}"
        f"{line.ours - line.reference:>+10.4f}{line.bound:>8.3f}  {'met' if met else 'MISSED'}"
    )
    return met


def main() -> int:
    """Simulate, compare, print; 1 where a reference is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="lammps", choices=["lammps", "hoomd"])
    engine_name = parser.parse_args().engine
    spawn = multiprocessing.get_context("spawn")
    print(f"simulating 2 x {COPIES} copies of {PARTICLES} particles with {engine_name}", flush=True)
    with (
        TemporaryDirectory() as folder,
        ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=spawn) as pool,
    ):
        runs = {
            point: [pool.submit(simulate, engine_name, point, copy, Path(folder)) for copy in range(COPIES)]
            for point in (WARM, HOT)
        }
        hot, warm = ([run.result() for run in runs[point]] for point in (HOT, WARM))
        seen = survey(Path(folder), wave_number=WAVE_NUMBER)
    lines = [
        *thermodynamics(HOT, hot, (-4.654, 19.32)),
        *thermodynamics(WARM, warm, (-6.346, 7.60)),
        *relaxation_and_structure(seen),
    ]
    print(f"{'':<28}{'ours':>10}   {'error':<8}{'published':>10}{'difference':>11}{'bound':>7}")
    return 0 if all([show(line) for line in lines]) else 1  # noqa: C419 (every line is shown)


if __name__ == "__main__":
    sys.exit(main())
