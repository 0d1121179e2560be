"""Gradient descent on training graphs, watched and stopped on held-out graphs (thesis 2.5).

Every random choice is a function of the seed and of the step, so that training which goes on from a
step is the training that never stopped.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from glassdyn.errors import GlassdynError
from glassdyn.learning.dataset import Dataset, Example, draw_example, partition
from glassdyn.learning.distributed import ALONE, Group, wrap_ddp
from glassdyn.learning.metrics import Metrics, evaluate
from glassdyn.learning.models import Sizes, build
from glassdyn.learning.optimisation import matmul_precision, optimiser_step
from glassdyn.params import Model, Train

__all__ = [
    "START",
    "LogEntry",
    "TrainingState",
    "best_entry",
    "fit",
    "initial_network",
    "last_step",
]


class LogEntry(NamedTuple):
    """The metrics at one step.

    Attributes:
        step: steps taken.
        train: on the training examples.
        held_out: on the held-out examples; its objective stops training and selects the weights.
    """

    step: int
    train: Metrics
    held_out: Metrics

    @property
    def objective(self) -> float:
        """What stopping and selection look at."""
        return self.held_out.objective


class TrainingState(NamedTuple):
    """How far training is.

    Attributes:
        log: all entries so far, oldest first.
        best: weights at the entry of the smallest objective.
    """

    log: tuple[LogEntry, ...]
    best: dict[str, Tensor]

    @property
    def step(self) -> int:
        """Steps taken."""
        return self.log[-1].step if self.log else 0


START = TrainingState((), {})
"""The state of a training that has not begun."""


def initial_network(model: Model, sizes: Sizes, seed: int) -> nn.Module:
    """The untrained network of a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(model, sizes)


def best_entry(log: Sequence[LogEntry]) -> LogEntry:
    """The first entry of the smallest objective."""
    return min(log, key=lambda entry: entry.objective)


def last_step(log: Sequence[LogEntry], params: Train) -> int:
    """The step at which training ends if the objective does not fall below its smallest so far again."""
    best = best_entry(log).step if log else params.record_every
    return min(best + params.patience * params.record_every, params.max_steps)


def fit(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    dataset: Dataset,
    params: Train,
    *,
    depth: int,
    state: TrainingState = START,
    group: Group = ALONE,
    advance: Callable[[float], None] = lambda _steps: None,
) -> Iterator[TrainingState]:
    """Train until the held-out objective has not fallen for `patience` log entries, or for `max_steps`.

    Args:
        network: changed in place.
        optimiser: of the network's weights.
        dataset: examples.
        params: how long, and how.
        depth: blocks of the network: how many shells of neighbours a prediction depends on.
        state: where an earlier run stopped; network and optimiser are as it left them.
        group: the processes that train together; each is called with the same arguments.
        advance: called with the number of steps done since the last call.

    Yields:
        The state at each log entry, the first after `record_every` steps.

    Raises:
        GlassdynError: where the loss is no longer a number.
        GlassdynError: where a batch cannot be shared equally among the processes.
    """
    if params.batch % group.size:
        raise GlassdynError(
            "every process does the same share of a batch: "
            f"got {params.batch} for {group.size} processes (params.yaml: train.batch)"
        )
    parallel = wrap_ddp(network, group)
    while state.step < last_step(state.log, params):
        stop = min(state.step + params.record_every, params.max_steps)
        with matmul_precision(params):
            for step in range(state.step, stop):
                batch = _share_of_batch(dataset.train, step, params, depth, group)
                optimiser_step(parallel, optimiser, batch, step, params)
                advance(1)
        state = _append(state, _evaluate(network, dataset, stop, params, depth, group), network)
        yield state


def _share_of_batch(
    examples: Sequence[Example], step: int, params: Train, depth: int, group: Group
) -> list[Example]:
    """The examples of a step's batch that this process trains on."""
    numbers = range(params.batch * step + group.rank, params.batch * (step + 1), group.size)
    return [draw_example(examples, number, params, depth).to(group.device) for number in numbers]


def _evaluate(
    network: nn.Module, dataset: Dataset, step: int, params: Train, depth: int, group: Group
) -> LogEntry:
    train, held_out = (
        evaluate(
            network,
            part,
            dataset.normalisation.targets.scale,
            partition=partial(partition, particles=params.subgraph, depth=depth),
            group=group,
        )
        for part in (dataset.train, dataset.held_out)
    )
    return LogEntry(step, train, held_out)


def _append(state: TrainingState, entry: LogEntry, network: nn.Module) -> TrainingState:
    """The state with one log entry more, and the network's weights where they are the best so far."""
    if not math.isfinite(entry.objective):
        raise GlassdynError(
            f"the loss must stay a number: got {entry.objective} after {entry.step} steps; "
            "lower train.lr or train.clip (params.yaml)"
        )
    improved = all(entry.objective < earlier.objective for earlier in state.log)
    best = {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
    return TrainingState((*state.log, entry), best if improved else state.best)
