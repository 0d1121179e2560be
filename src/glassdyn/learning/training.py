"""Gradient descent on training graphs, watched and stopped on held-out graphs (thesis 2.5).

Every random choice is a function of the seed and of the step, so that training which goes on from a
step is the training that never stopped.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn

from glassdyn.learning.correlation import pearson
from glassdyn.learning.exercises import Exercise, Problem, drawn
from glassdyn.learning.loss import squared_error
from glassdyn.learning.models import Sizes, build
from glassdyn.learning.processes import ALONE, Group, apart, in_turns, together
from glassdyn.params import Model, Train

__all__ = ["START", "Measure", "Progress", "Recording", "best_of", "fit", "initial"]

PRECISIONS = {"float32": "highest", "tf32": "high", "bf16": "medium"}
"""Names of train.precision in PyTorch."""


class Measure(NamedTuple):
    """How good a network is on some exercises, per target.

    Attributes:
        losses: squared errors per A particle, in the square of the label's unit.
        pearsons: correlation coefficients, pooled over the exercises.
    """

    losses: tuple[float, ...]
    pearsons: tuple[float, ...]


class Recording(NamedTuple):
    """The measures at one step, and the loss that stopping and selection look at.

    Attributes:
        step: steps taken.
        train: on the training exercises.
        held_out: on the held-out exercises.
        objective: loss on the held-out exercises, targets standardised, mean over targets.
    """

    step: int
    train: Measure
    held_out: Measure
    objective: float


class Progress(NamedTuple):
    """Where training stands.

    Attributes:
        recordings: all so far, oldest first.
        best: weights at the recording of the smallest objective.
    """

    recordings: tuple[Recording, ...]
    best: dict[str, Tensor]

    @property
    def step(self) -> int:
        """Steps taken."""
        return self.recordings[-1].step if self.recordings else 0


START = Progress((), {})
"""The progress of a training that has not begun."""


def initial(model: Model, sizes: Sizes, seed: int) -> nn.Module:
    """The untrained network of a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(model, sizes)


def best_of(recordings: Sequence[Recording]) -> Recording:
    """The first recording of the smallest objective."""
    return min(recordings, key=lambda recording: recording.objective)


def fit(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    problem: Problem,
    settings: Train,
    *,
    depth: int,
    progress: Progress = START,
    members: Group = ALONE,
    advance: Callable[[float], None] = lambda _steps: None,
) -> Iterator[Progress]:
    """Train until the held-out loss has not fallen for `patience` recordings, or for `max_steps`.

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
        FloatingPointError: where the loss is no longer a number.
        ValueError: where a batch cannot be shared equally among the processes.
    """
    if settings.batch % members.size:
        raise ValueError(
            "every process does the same share of a batch: "
            f"got {settings.batch} for {members.size} processes (params.yaml: train.batch)"
        )
    torch.set_float32_matmul_precision(PRECISIONS[settings.precision])
    shared = together(network, members)
    while not _finished(progress.recordings, settings):
        for step in range(progress.step, min(progress.step + settings.record_every, settings.max_steps)):
            share = range(settings.batch * step + members.rank, settings.batch * (step + 1), members.size)
            batch = [drawn(problem.train, number, settings, depth) for number in share]
            _descend(shared, optimiser, batch, step, settings)
            advance(1)
        progress = _recorded(network, problem, progress, step + 1, members)
        yield progress


def _finished(recordings: Sequence[Recording], settings: Train) -> bool:
    if not recordings:
        return False
    best = recordings.index(best_of(recordings))
    return recordings[-1].step >= settings.max_steps or len(recordings) - 1 - best >= settings.patience


def learning_rate(step: int, settings: Train) -> float:
    """Adam's rate at a step: lr, or lr (1 + cos(pi step / max_steps)) / 2."""
    if settings.schedule == "constant":
        return settings.lr
    return settings.lr * (1 + math.cos(math.pi * step / settings.max_steps)) / 2


def _descend(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    batch: Sequence[Exercise],
    step: int,
    settings: Train,
) -> None:
    """One step: the gradients of the exercises are added up one after another, to spare memory."""
    network.train()
    optimiser.param_groups[0]["lr"] = learning_rate(step, settings)
    optimiser.zero_grad(set_to_none=True)
    for number, exercise in enumerate(batch, start=1):
        with nullcontext() if number == len(batch) else apart(network):
            torch.autograd.backward(_errors(network, exercise).mean() / len(batch))
    nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
    optimiser.step()


def _errors(network: nn.Module, exercise: Exercise) -> Tensor:
    predictions = network(exercise.graph)[exercise.learnt]  # (N_A, targets)
    return squared_error(predictions, exercise.targets, exercise.weight)


def _recorded(
    network: nn.Module, problem: Problem, progress: Progress, step: int, members: Group
) -> Progress:
    scale = problem.normalisation.targets.scale
    train, _ = _measure(network, problem.train, scale, members)
    held_out, objective = _measure(network, problem.held_out, scale, members)
    if not math.isfinite(objective):
        raise FloatingPointError(
            f"the loss must stay a number: got {objective} after {step} steps; "
            "lower train.lr or train.clip (params.yaml)"
        )
    improved = all(objective < earlier.objective for earlier in progress.recordings)
    best = {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
    recording = Recording(step, train, held_out, objective)
    return Progress((*progress.recordings, recording), best if improved else progress.best)


def _measure(
    network: nn.Module, exercises: Sequence[Exercise], scale: Tensor, members: Group
) -> tuple[Measure, float]:
    network.eval()
    with torch.no_grad():
        own = [network(one.graph)[one.learnt] for one in exercises[members.rank :: members.size]]
    predictions = torch.cat(in_turns(own, len(exercises), members))
    targets = torch.cat([one.targets for one in exercises]).cpu()
    errors = squared_error(predictions, targets, torch.cat([one.weight for one in exercises]).cpu())
    columns = zip(targets.double().numpy().T, predictions.double().numpy().T, strict=True)
    measure = Measure(
        losses=tuple((errors * scale**2).tolist()),
        pearsons=tuple(pearson(target, prediction) for target, prediction in columns),
    )
    return measure, float(errors.mean())
