"""How much work the stages of a run do: numbers that follow from the parameters alone.

N particles, M = copies x samples, T frames of a window, F features, n(r) = 4/3 pi rho r^3 neighbours within r. The work of
a job is an amount of each kind that it does, and each kind has a unit whose processor time was measured:

    particle_steps   N times the steps of molecular dynamics and of quenches
    particle_frames  N M T that are observed
    labels           N M T, once for each label
    pairs            N n(r) that are described, r the last bin edge and, of fields that are averaged, `r_local`
    features         N M F of the radial descriptors whose moments are taken
    regressions      N M F that the ridge regressions read
    activations      N a of every pass forward and back, a = h (1 + n_rec (1 + n(r_threshold))), h the widths together
    predictions      N M of the test copies, once for each target
"""

from collections.abc import Mapping
from math import pi
from typing import NamedTuple

from glassdyn.params import Describe, Params
from glassdyn.simulation.protocol import count_frame_intervals, count_steps

__all__ = [
    "KINDS",
    "STAGES",
    "Work",
    "count_activations",
    "count_cycle",
    "count_frames",
    "count_labels",
    "count_preparation",
    "count_work",
]

KINDS = (
    "particle_steps",
    "particle_frames",
    "labels",
    "pairs",
    "features",
    "regressions",
    "activations",
    "predictions",
)

STAGES = (
    "equilibrate",
    "record",
    "isoconfigurational",
    "observe",
    "describe",
    "reduce",
    "label",
    "baselines",
    "train",
    "evaluate",
    "draw",
    "report",
)

QUENCH_STEPS = 1000
"""Evaluations of the forces until a minimum of the energy is reached, about: of random positions, and of a liquid."""

FORWARD = 1 / 3
"""Of the time of an optimiser's step: the pass forward, which is all that a recording of the losses does."""

EDGE_NUMBERS = 5
"""Numbers of 4 bytes that an edge holds: its ends in 64 bits, and its length."""

CAGE = frozenset({"cage_displacement", "cage_fluctuation", "cage_energy"})
MINIMA = frozenset({"minima_energy", "minima_displacement", "minima_fluctuation"})


class Work(NamedTuple):
    """What a stage does.

    Attributes:
        jobs: that do not wait for each other.
        spreads: whether a job uses all cores by itself.
        amounts: of each kind of work that a job does.
        size: what the memory of a job grows with: particles; of trainings the numbers that they hold.
    """

    jobs: int
    spreads: bool
    amounts: Mapping[str, float]
    size: float


def count_frames(params: Params) -> int:
    """Frames of a sample's window, T."""
    return count_frame_intervals(params.simulation, params.record.duration) + 1


def count_work(params: Params) -> dict[str, Work]:
    """The work of every stage, in the order of the pipeline."""
    N, simulation, split = params.liquid.particles, params.simulation, params.split
    samples = simulation.copies * simulation.samples
    tested = simulation.samples * len(split.test) * params.evaluate.folds
    frames, bins = N * samples * count_frames(params), 1 + _count_bins(params)
    copies, predictions = simulation.copies, N * tested * len(params.loss.targets)
    cycles = simulation.samples * count_cycle(params)
    return {
        "equilibrate": Work(
            copies, False, {"particle_steps": N * (QUENCH_STEPS + count_preparation(params))}, N
        ),
        "record": Work(copies, False, {"particle_steps": N * cycles}, N),
        "isoconfigurational": _count_runs(params),
        "observe": Work(1, True, {"particle_frames": frames}, N),
        "describe": _count_description(params, samples),
        "reduce": Work(1, True, {"features": N * samples * bins}, N),
        "label": Work(1, True, {"labels": frames * count_labels(params)}, N),
        "baselines": _count_baselines(params, samples),
        "train": _count_training(params, params.model.n_rec, params.model.is_network),
        "evaluate": Work(1, False, {"predictions": predictions}, N),
        "draw": Work(1, False, {}, N),
        "report": Work(1, False, {}, N),
    }


def count_activations(params: Params, n_rec: int) -> float:
    """Numbers that a pass computes for a particle: a = h (1 + n_rec (1 + n)), h the widths together, n its edges."""
    edges = _neighbours(params, params.graph.r_threshold)
    return sum(params.model.hidden) * (1 + n_rec * (1 + edges))


def count_preparation(params: Params) -> int:
    """Steps of a copy from random positions to equilibrium."""
    durations = params.equilibrate
    phases = (durations.melt, durations.thermalise, durations.equilibrate)
    return sum(count_steps(params.simulation, duration) for duration in phases)


def count_cycle(params: Params) -> int:
    """Steps of a sample: decorrelate, then record."""
    simulation, sample = params.simulation, params.record
    window = count_frame_intervals(simulation, sample.duration) * simulation.frame_steps
    return count_steps(simulation, sample.decorrelate) + window


def _count_runs(params: Params) -> Work:
    """Runs through the snapshots, and their labels."""
    N, simulation, ensemble = params.liquid.particles, params.simulation, params.isoconfigurational
    intervals = count_frame_intervals(simulation, ensemble.duration)
    runs = simulation.copies * min(ensemble.samples_per_copy, simulation.samples) * ensemble.runs
    labels = N * (intervals + 1) * (count_labels(params) + len(ensemble.times))
    amounts = {"particle_steps": N * intervals * simulation.frame_steps, "labels": labels}
    return Work(runs, False, amounts, N)


def count_labels(params: Params) -> int:
    """Labels of a window: p_hop, and a wavelet for each scale."""
    return 1 + len(params.wavelets.scales)


def _count_bins(params: Params) -> int:
    edges = params.descriptors.edges
    return 2 * ((len(edges) - 1) if edges else params.descriptors.bins)


def _neighbours(params: Params, radius: float) -> float:
    """Neighbours within a radius, n = 4/3 pi rho r^3."""
    return 4 / 3 * pi * params.liquid.density * radius**3


def _count_description(params: Params, samples: int) -> Work:
    """The structure of all snapshots: in jobs side by side where an engine runs, one after another otherwise."""
    N, describe, edges = params.liquid.particles, params.describe, params.descriptors.edges
    last = edges[-1] if edges else params.descriptors.r_max
    radii = [last]
    if describe.fields and describe.lengths:
        radii.append(describe.r_local or last)
    if describe.fields and describe.shells:
        radii.append(describe.shells)
    steps = _count_field_steps(describe, params.simulation.timestep)
    amounts = {"particle_steps": N * steps, "pairs": N * sum(_neighbours(params, radius) for radius in radii)}
    if steps:
        return Work(samples, False, amounts, N)
    return Work(1, True, {kind: samples * amount for kind, amount in amounts.items()}, N)


def _count_field_steps(describe: Describe, timestep: float) -> float:
    """Steps of a snapshot's short runs, and of its quenches."""
    fields, steps, quenches = set(describe.fields), 0.0, int(describe.reads_minimum)
    if fields & CAGE:
        steps += describe.cage_runs * describe.cage_time / timestep
    if fields & MINIMA:
        steps += (describe.minima - 1) * describe.minima_time / timestep
        quenches += describe.minima - 1
    return steps + quenches * QUENCH_STEPS


def _count_baselines(params: Params, samples: int) -> Work:
    """Perceptrons of every fold and seed, and the ridge regressions: on 1 and 3 sets of radial features, and the nodes'."""
    perceptrons = _count_training(params, 0, learns=True)
    width = 4 * (1 + _count_bins(params)) + _count_node_features(params)
    read = params.liquid.particles * samples * width / perceptrons.jobs
    return perceptrons._replace(amounts={**perceptrons.amounts, "regressions": read})


def _count_training(params: Params, n_rec: int, learns: bool) -> Work:
    """Passes of all steps and recordings; the graphs that are held, and the activations of a batch."""
    split, settings, N = params.split, params.train, params.liquid.particles
    watched = params.simulation.samples * (len(split.train) + len(split.validation))
    particles = min(settings.subgraph or N, N) * settings.batch
    activations = count_activations(params, n_rec)
    recordings = settings.max_steps / settings.record_every
    passes = settings.max_steps * particles + FORWARD * recordings * watched * N
    edges = _neighbours(params, params.graph.r_threshold)
    held = watched * N * (_count_node_features(params) + EDGE_NUMBERS * edges) + particles * activations
    jobs = params.evaluate.folds * settings.seeds
    return Work(jobs, jobs == 1, {"activations": passes * activations * learns}, held)


def _count_node_features(params: Params) -> float:
    """Features of a node; an energy is two of `local` and `shells`."""
    describe, bins = params.describe, 1 + _count_bins(params)
    own = 1 + len(describe.fields) + sum("energy" in name for name in describe.fields)
    widths = {
        "type": 1,
        "full": bins,
        "extended": bins * (1 + describe.generations + (describe.smooth > 0) + describe.inherent),
        "pca": params.pca.components,
        "local": own * (1 + len(describe.lengths)),
        "shells": own * (1 + round(2 * describe.shells / describe.shell_width)),
        "radial": bins,
    }
    return sum(widths[part] for part in params.graph.nodes.split("+"))
