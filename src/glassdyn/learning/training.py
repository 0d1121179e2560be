"""Gradient descent on training graphs, watched and stopped on held-out graphs (thesis 2.5).

Every random choice is a function of the seed and of the step, so that training which goes on from a
step is the training that never stopped.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from glassdyn.errors import GlassdynError
from glassdyn.learning.dataset import Dataset, Example, draw_example, partition
from glassdyn.learning.distributed import ALONE, Group, no_sync, wrap_ddp
from glassdyn.learning.loss import squared_error
from glassdyn.learning.metrics import Metrics, evaluate
from glassdyn.learning.models import Sizes, build
from glassdyn.params import Model, Train

__all__ = ["START", "LogEntry", "Progress", "best_of", "fit", "initial_network", "last_step"]


class LogEntry(NamedTuple):
    """The measures at one step.

    Attributes:
        step: steps taken.
        train: on the training exercises.
        held_out: on the held-out exercises; its objective stops training and selects the weights.
    """

    step: int
    train: Metrics
    held_out: Metrics

    @property
    def objective(self) -> float:
        """What stopping and selection look at."""
        return self.held_out.objective


class Progress(NamedTuple):
    """Where training stands.

    Attributes:
        recordings: all so far, oldest first.
        best: weights at the recording of the smallest objective.
    """

    recordings: tuple[LogEntry, ...]
    best: dict[str, Tensor]

    @property
    def step(self) -> int:
        """Steps taken."""
        return self.recordings[-1].step if self.recordings else 0


START = Progress((), {})
"""The progress of a training that has not begun."""


def initial_network(model: Model, sizes: Sizes, seed: int) -> nn.Module:
    """The untrained network of a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(model, sizes)


def best_of(recordings: Sequence[LogEntry]) -> LogEntry:
    """The first recording of the smallest objective."""
    return min(recordings, key=lambda recording: recording.objective)


def last_step(recordings: Sequence[LogEntry], settings: Train) -> int:
    """The step at which training ends if the objective does not fall below its smallest so far again."""
    best = best_of(recordings).step if recordings else settings.record_every
    return min(best + settings.patience * settings.record_every, settings.max_steps)


def fit(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    problem: Dataset,
    settings: Train,
    *,
    depth: int,
    progress: Progress = START,
    members: Group = ALONE,
    advance: Callable[[float], None] = lambda _steps: None,
) -> Iterator[Progress]:
    """Train until the held-out objective has not fallen for `patience` recordings, or for `max_steps`.

    Args:
        network: changed in place.
        optimiser: of the network's weights.
        problem: exercises.
        settings: how long, and how.
        depth: blocks of the network: how many shells of neighbours a prediction depends on.
        progress: where an earlier run stopped; network and optimiser are as it left them.
        members: the processes that train together; each is called with the same arguments.
        advance: told of every step.

    Yields:
        The progress at each recording, the first after `record_every` steps.

    Raises:
        Refusal: where the loss is no longer a number.
        Refusal: where a batch cannot be shared equally among the processes.
    """
    if settings.batch % members.size:
        raise GlassdynError(
            "every process does the same share of a batch: "
            f"got {settings.batch} for {members.size} processes (params.yaml: train.batch)"
        )
    shared = wrap_ddp(network, members)
    while progress.step < last_step(progress.recordings, settings):
        with _products(settings):
            for step in range(progress.step, min(progress.step + settings.record_every, settings.max_steps)):
                share = range(settings.batch * step + members.rank, settings.batch * (step + 1), members.size)
                batch = [
                    draw_example(problem.train, number, settings, depth).to(members.device)
                    for number in share
                ]
                _descend(shared, optimiser, batch, step, settings)
                advance(1)
        measured = partial(evaluate, network, scale=problem.normalisation.targets.scale, members=members)
        in_parts = partial(partition, particles=settings.subgraph, depth=depth)
        train, held_out = (measured(part, cut=in_parts) for part in (problem.train, problem.held_out))
        progress = _recorded(network, progress, LogEntry(step + 1, train, held_out))
        yield progress


@contextmanager
def _products(settings: Train) -> Iterator[None]:
    """Within it, products of float32 matrices have a mantissa of 10 bits where tf32 is asked for and there."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if settings.precision == "tf32" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def learning_rate(step: int, settings: Train) -> float:
    """Adam's rate at a step: lr, or lr (1 + cos(pi step / max_steps)) / 2."""
    if settings.schedule == "constant":
        return settings.lr
    return settings.lr * (1 + math.cos(math.pi * step / settings.max_steps)) / 2


def _descend(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    batch: Sequence[Example],
    step: int,
    settings: Train,
) -> None:
    """One step: the gradients of the exercises are added up one after another, to spare memory."""
    network.train()
    optimiser.param_groups[0]["lr"] = learning_rate(step, settings)
    optimiser.zero_grad(set_to_none=True)
    for number, exercise in enumerate(batch, start=1):
        with nullcontext() if number == len(batch) else no_sync(network):
            torch.autograd.backward(_errors(network, exercise, settings).mean() / len(batch))
    nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
    optimiser.step()


def _errors(network: nn.Module, exercise: Example, settings: Train) -> Tensor:
    """(targets,) squared errors; in bfloat16 the network's layers, not its weights nor the errors."""
    device = exercise.learnt.device.type
    with torch.autocast(device, torch.bfloat16, enabled=settings.precision == "bf16"):
        predictions = network(exercise.graph)[exercise.learnt]  # (N_A, targets)
    return squared_error(predictions.float(), exercise.targets, exercise.weight)


def _recorded(network: nn.Module, progress: Progress, recording: LogEntry) -> Progress:
    if not math.isfinite(recording.objective):
        raise GlassdynError(
            f"the loss must stay a number: got {recording.objective} after {recording.step} steps; "
            "lower train.lr or train.clip (params.yaml)"
        )
    improved = all(recording.objective < earlier.objective for earlier in progress.recordings)
    best = {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
    return Progress((*progress.recordings, recording), best if improved else progress.best)
