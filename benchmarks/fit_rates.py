"""What a unit of work costs, from the same pipeline at two sizes."""

import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import psutil
from long_window import PARTICLES
from stage_usage import Usage

from glassdyn.cores import count_cores
from glassdyn.costs.rates import GpuRate, Machine, Memory, Rates
from glassdyn.costs.work import Work

__all__ = ["Measured", "make_rates"]

STAGE_OF_KIND = {
    "features": "reduce",
    "regressions": "baselines",
    "predictions": "evaluate",
}
"""From which the cost of a kind of work is taken, in this order; others are timed by themselves."""


class Measured(NamedTuple):
    """A run of the pipeline.

    Attributes:
        particles: N.
        works: what its stages do.
        usages: what they have taken.
    """

    particles: int
    works: Mapping[str, Work]
    usages: Mapping[str, Usage]


def make_rates(
    small: Measured,
    large: Measured,
    timed: Mapping[str, float],
    compression: float,
    gpu: GpuRate | None,
) -> Rates:
    """Fit seconds = start + sum of rate x amount, and bytes = start + per_size x size, through both sizes.

    Args:
        small: the run of few particles.
        large: that of many.
        timed: seconds for a unit of the kinds of work that were timed by themselves.
        compression: bytes on the disk over those of the positions.
        gpu: rate there.
    """
    seconds = dict(timed)
    for kind, stage in STAGE_OF_KIND.items():
        known = [seconds_of(measured.works[stage], seconds) for measured in (small, large)]
        consumed = large.usages[stage].cpu - small.usages[stage].cpu - (known[1] - known[0])
        amounts = [amount_of(measured.works[stage], kind) for measured in (small, large)]
        seconds[kind] = max(consumed, 0.0) / (amounts[1] - amounts[0])
    works, machine = large.works, describe_machine()
    source = f"`make thesis-scale`, stages at N = {small.particles} and {large.particles}, frames and labels at {PARTICLES}"
    start = {
        stage: max(small.usages[stage].cpu - seconds_of(small.works[stage], seconds), 0.0) for stage in works
    }
    memory = {stage: fit_memory(stage, small, large, machine.cores) for stage in works}
    return Rates(machine, source, seconds, start, memory, compression, gpu)


def amount_of(work: Work, kind: str) -> float:
    """Of one kind of work, in all jobs."""
    return work.jobs * work.amounts[kind]


def seconds_of(work: Work, seconds: Mapping[str, float]) -> float:
    """Processor time of the kinds whose rates are known."""
    return sum(rate * amount_of(work, kind) for kind, rate in seconds.items() if kind in work.amounts)


def fit_memory(stage: str, small: Measured, large: Measured, cores: int) -> Memory:
    """Memory of a job, of as many side by side as there were."""
    jobs = min(large.works[stage].jobs, cores)
    grown = max(large.usages[stage].memory - small.usages[stage].memory, 0.0)
    size = large.works[stage].size - small.works[stage].size
    start = small.usages[stage].memory / jobs - grown / jobs * small.works[stage].size / size
    return Memory(max(start, 0.0), 1e9 * grown / jobs / size)


def describe_machine() -> Machine:
    """This one."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model, cores = models[0] if models else platform.processor(), count_cores()
    return Machine(model or platform.machine(), cores, round(psutil.virtual_memory().total / 1e9, 1))
