"""The shift of a configuration's features: chance explains that of the same liquid, and not that of a hotter one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine_liquids import XPLOR
from glassdyn.features.radial import radial_descriptors
from glassdyn.learning.graphs import Normalisation, Scaling, build_graph, fit_scaling
from glassdyn.learning.model_file import TrainedModel
from glassdyn.learning.models import Sizes, build
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.potential import assign_species
from glassdyn.prediction.distribution_shift import CHANCE, MAX_EXCESS, measure_excess, measure_shift
from glassdyn.prediction.predictors import NetworkPredictor
from glassdyn.simulation import engines
from glassdyn.simulation.engine import Bussi, Integrator
from glassdyn.simulation.state import maxwell_boltzmann, random_state
from liquids import STRUCTURE, liquid
from short_pipeline import section


def describe(configuration, bins=80, r_max=3.5):
    """(N, 1 + 2 bins) type and radial descriptors."""
    rows = radial_descriptors(configuration, np.linspace(0.7, r_max, bins + 1))
    return np.column_stack((configuration.species, rows)).astype(np.float64)


def statistics(features):
    """Mean and standard deviation over the particles of all samples."""
    rows = np.concatenate(features)
    spread = rows.std(axis=0)
    return rows.mean(axis=0), np.where(spread > 1e-6, spread, 1.0)


def points(generator, particles, fraction):
    """Points at random, of which a fraction is A."""
    box_length = (particles / 1.2) ** (1 / 3)
    species = (np.arange(particles) >= fraction * particles).astype(np.uint8)
    return Configuration(generator.uniform(0, box_length, (particles, 3)), species, box_length)


@pytest.mark.parametrize("fraction", [0.8, 0.5])
@pytest.mark.parametrize("bins", [5, 20, 80])
@pytest.mark.parametrize("particles", [200, 400])
def test_means_over_pairs_at_random_vary_by_three_halves_of_chance(fraction, bins, particles):
    """C = N Var(<x>) / s^2 is 1 + c_X for neighbours of species X, whatever N and the bins are; 3/2 in the mean.

    Tolerance: three standard errors of a variance from n samples, sqrt(2 / (n - 1)), in the mean over the bins.
    """
    generator = np.random.default_rng([bins, particles])
    samples = [describe(points(generator, particles, fraction), bins, 2.6)[:, 1:] for _ in range(100)]
    _, scale = statistics(samples)
    means = np.array([sample.mean(axis=0) for sample in samples])
    chance = (particles * means.var(axis=0, ddof=1) / scale**2).reshape(2, bins).mean(axis=1)
    error = 3 * np.sqrt(2 / 99 / bins)
    np.testing.assert_allclose(chance, [1 + fraction, 2 - fraction], rtol=error)
    assert chance.mean() == pytest.approx(1.5, rel=error)


@pytest.mark.parametrize(("number", "chance"), [(1, 3.0), (15, CHANCE)])
def test_chance_is_that_of_fifteen_training_samples_and_fewer_leave_an_excess(number, chance):
    """Of samples of one size, <shift^2> is 3/2 (1 + 1/n) / N, of which 3/2 (1 + 1/15) / N are taken off."""
    generator, particles = np.random.default_rng(number), 200
    shifts = []
    for _ in range(30):
        *training, sample = (describe(points(generator, particles, 0.8), 20, 2.6) for _ in range(number + 1))
        mean, scale = (part[1:] for part in statistics(training))
        shifts.append(particles * measure_shift(sample[:, 1:], mean, scale) ** 2)
    error = 3 * np.std(shifts, ddof=1) / np.sqrt(len(shifts))
    assert np.mean(shifts) == pytest.approx(chance, abs=error)


def test_what_is_left_is_what_chance_does_not_explain():
    features = np.random.default_rng(0).normal(size=(1000, 50))
    features -= features.mean(axis=0)
    zero, unit = np.zeros(50), np.ones(50)
    assert measure_excess(features, zero, unit) == 0
    assert measure_excess(features + np.sqrt(CHANCE / 1000), zero, unit) == pytest.approx(0, abs=1e-7)
    assert measure_excess(features + 0.5, zero, unit) == pytest.approx(np.sqrt(0.25 - CHANCE / 1000))
    assert measure_shift(features + 0.5, zero, unit) == pytest.approx(0.5)


def simulate(temperature, samples, seed, particles=500):
    """Configurations of the liquid, 3 tau apart, quickly equilibrated because it is hot."""
    generator, timestep = np.random.default_rng(seed), 0.003
    engine, box_length = engines.engine_by_name("lammps"), (particles / 1.2) ** (1 / 3)
    start = engine.remove_overlaps(random_state(assign_species(particles), box_length, generator), XPLOR)
    hot = replace(start, velocities=maxwell_boltzmann(particles, temperature, generator))
    with engine.start(hot, Integrator(XPLOR, timestep), Bussi(temperature, 0.1, seed)) as simulation:
        simulation.advance(3000)
        for _ in range(samples):
            simulation.advance(1000)
            state = simulation.state()
            yield Configuration(state.positions % box_length, state.species, box_length)


@pytest.mark.slow
def test_a_hot_liquid_is_another_and_samples_of_its_own_are_not():
    """At T = 1 and 2, N = 500: structure differs less between these than between 0.6 and 2."""
    own, hot = list(simulate(1.0, 12, seed=1)), list(simulate(2.0, 3, seed=2))
    for bins in (10, 80):
        mean, scale = statistics([describe(sample, bins) for sample in own[:8]])
        excesses = [measure_excess(describe(sample, bins), mean, scale) for sample in own[8:]]
        assert max(excesses) < MAX_EXCESS
        assert min(measure_excess(describe(sample, bins), mean, scale) for sample in hot) > MAX_EXCESS


def train_on(configuration, standardise):
    """An untrained network with the statistics of one configuration."""
    graph = section("graph", r_threshold=1.5, edges="distance", nodes="full", standardise=standardise)
    edges = np.linspace(0.7, 4.7, 81)
    features = describe(configuration, 80, 4.7).astype(np.float32)
    nodes = fit_scaling([build_graph(configuration, features, graph).x])
    model = section("model", kind="graph_network", n_rec=0, shared=False, hidden=(4, 4))
    sizes = Sizes(161, 1, 1, 1.5)
    neutral = Scaling(torch.zeros(1), torch.ones(1))
    return NetworkPredictor(
        TrainedModel(
            (build(model, sizes),),
            model,
            sizes,
            graph,
            STRUCTURE | {"edges": edges.tolist()},
            ("p_hop",),
            {"p_hop": {}},
            Normalisation(nodes, neutral, neutral),
        )
    )


def test_within_snapshots_composition_alone_can_differ():
    """Their means are those of the training samples, whatever the liquid: only the type is left as it is."""
    own, again = liquid(1, particles=1000), liquid(2, particles=1000)
    generator = np.random.default_rng(3)
    spread_out = again._replace(positions=generator.uniform(0, again.box_length, again.positions.shape))
    other_mixture = again._replace(species=(np.arange(1000) % 2).astype(np.uint8))
    for standardise, noticed in (("training_set", [False, True, True]), ("snapshot", [False, False, True])):
        predictor = train_on(own, standardise)
        shifts = [
            predictor.predict(configuration).distribution_shift
            for configuration in (again, spread_out, other_mixture)
        ]
        assert [shift > MAX_EXCESS for shift in shifts] == noticed
