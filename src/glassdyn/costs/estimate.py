"""Hours, memory and disk of a run: work times rates.

    core hours   c = sum over kinds of rate x amount, and the stage's start
    hours        c jobs' rounds on n cores: ceil(jobs / n) c, or c / n of a job that spreads over them
    memory       min(jobs, n) (start + per_size x size)
    disk         12 M T N bytes x compression

Dynamics of the engine hoomd take GPUs, as many jobs side by side as there are of them. Numbers are good to a factor of
about two: rates were measured on another machine, and a network's time is taken to grow with its activations.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import NamedTuple

from glassdyn.costs.rates import Rates
from glassdyn.costs.work import Work, count_frames, count_work
from glassdyn.params import Params

__all__ = [
    "Cost",
    "Resources",
    "estimate_costs",
    "stored_bytes",
    "trajectory_bytes",
    "warn_of_disk",
    "warn_of_memory",
]

HOUR, GB = 3600.0, 1e9

POSITION_BYTES = 12

LESS_MEMORY = {
    "equilibrate": "liquid.particles",
    "record": "liquid.particles",
    "isoconfigurational": "liquid.particles",
    "describe": "liquid.particles",
    "observe": "liquid.particles",
    "label": "liquid.particles",
    "reduce": "descriptors.bins",
    "baselines": "train.subgraph",
    "train": "train.subgraph",
    "evaluate": "simulation.samples",
    "draw": "simulation.samples",
    "report": "simulation.samples",
}
"""The parameter by which a stage takes less."""


class Resources(NamedTuple):
    """What a run may use.

    Attributes:
        cores: processors.
        gpus: for the engine hoomd.
        memory: GB.
    """

    cores: int
    gpus: int
    memory: float


class Cost(NamedTuple):
    """What a stage costs.

    Attributes:
        stage: its name.
        jobs: that may run side by side.
        core_hours: of processors, all jobs together.
        gpu_hours: of GPUs, all jobs together.
        hours: until it is done.
        memory: GB at its peak, of all jobs that run at a time.
        job_memory: GB, of one of them.
    """

    stage: str
    jobs: int
    core_hours: float
    gpu_hours: float
    hours: float
    memory: float
    job_memory: float


def estimate_costs(params: Params, rates: Rates, resources: Resources) -> list[Cost]:
    """What every stage costs, in the order of the pipeline."""
    on_gpu = params.simulation.engine == "hoomd" and rates.gpu is not None and resources.gpus > 0
    return [
        _estimate(stage, work, rates, resources, on_gpu=on_gpu)
        for stage, work in count_work(params).items()
        if work.jobs
    ]


def trajectory_bytes(params: Params) -> float:
    """Bytes of all positions that are recorded, float32, before compression."""
    samples = params.simulation.copies * params.simulation.samples
    return POSITION_BYTES * samples * count_frames(params) * params.liquid.particles


def stored_bytes(params: Params, rates: Rates) -> float:
    """Bytes of all trajectories on the disk."""
    return rates.compression * trajectory_bytes(params)


def warn_of_memory(costs: Sequence[Cost], resources: Resources) -> list[str]:
    """Stages that need more memory than there is: a line each, with the way out."""
    reasons = []
    for cost in costs:
        if cost.memory > resources.memory:
            need = f"{cost.stage} needs about {cost.memory:.3g} GB of memory: this machine has {resources.memory:.3g}"
            fitting = int(resources.memory / cost.job_memory)
            fewer = f"run {fitting} at a time, GLASSDYN_JOBS={fitting}, or " if fitting else ""
            reasons.append(f"{need}; {fewer}take less (params.yaml: {LESS_MEMORY[cost.stage]})")
    return reasons


def warn_of_disk(stored: float, free: float) -> list[str]:
    """Whether trajectories need more room than there is, with the way out; bytes."""
    if stored <= free:
        return []
    need = f"trajectories need {stored / GB:,.0f} GB of disk: {free / GB:,.0f} are free here"
    less = "record fewer frames (params.yaml: simulation.frame_steps, record.duration)"
    return [f"{need}; {less}, or put data elsewhere (`dvc cache dir`)"]


def _estimate(stage: str, work: Work, rates: Rates, resources: Resources, *, on_gpu: bool) -> Cost:
    amounts = dict(work.amounts)
    steps = amounts.pop("particle_steps", 0.0) if on_gpu else 0.0
    gpu = steps / rates.gpu.particle_steps if rates.gpu else 0.0
    core = _core_seconds(amounts, rates)
    side_by_side = min(work.jobs, resources.gpus if steps else resources.cores)
    speedup = resources.cores if work.spreads else 1
    start = rates.start[stage]
    seconds = start + ceil(work.jobs / side_by_side) * (gpu + core / speedup)
    memory = rates.memory[stage]
    each = memory.start + memory.per_size * work.size / GB
    return Cost(
        stage,
        work.jobs,
        (start + work.jobs * core) / HOUR,
        work.jobs * gpu / HOUR,
        seconds / HOUR,
        side_by_side * each,
        each,
    )


def _core_seconds(amounts: Mapping[str, float], rates: Rates) -> float:
    return sum(rates.seconds[kind] * amount for kind, amount in amounts.items())
