"""Gradient descent on training graphs, watched and stopped on held-out graphs (thesis 2.5).

Every random choice is a function of the seed and of the step, so that training which goes on from a
step is the training that never stopped.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from glassdyn.learning.correlation import pearson
from glassdyn.learning.graphs import Normalisation, Snapshot, normalisation_of, standardise
from glassdyn.learning.loss import Histogram, histogram_of, squared_error, weights
from glassdyn.learning.models import Sizes, build
from glassdyn.params import Loss, Model, Train

__all__ = [
    "START",
    "Exercise",
    "Measure",
    "Problem",
    "Progress",
    "Recording",
    "best_of",
    "exercise_of",
    "fit",
    "initial",
    "problem_of",
]


class Exercise(NamedTuple):
    """One snapshot made ready: what goes in and what should come out.

    Attributes:
        graph: standardised features.
        learnt: (N_A,) int64, the A particles.
        targets: (N_A, targets) standardised labels.
        weight: (N_A, targets) of their squared errors.
    """

    graph: Snapshot
    learnt: Tensor
    targets: Tensor
    weight: Tensor


class Problem(NamedTuple):
    """What is to be learnt.

    Attributes:
        train: exercises whose errors are reduced.
        held_out: exercises that tell when to stop and which weights to keep.
        normalisation: statistics of the training snapshots.
    """

    train: Sequence[Exercise]
    held_out: Sequence[Exercise]
    normalisation: Normalisation


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


START = Progress((), {})
"""The progress of a training that has not begun."""


def problem_of(train: Sequence[Snapshot], held_out: Sequence[Snapshot], loss: Loss) -> Problem:
    """Standardise labelled graphs with the statistics of the training part, and weigh their labels."""
    normalisation = normalisation_of(train)
    histogram = histogram_of([graph.y[graph.species == 0] for graph in train], loss.bins)

    def exercises(part: Sequence[Snapshot]) -> list[Exercise]:
        return [exercise_of(graph, normalisation, histogram, loss.alpha) for graph in part]

    return Problem(exercises(train), exercises(held_out), normalisation)


def exercise_of(
    graph: Snapshot, normalisation: Normalisation, histogram: Histogram, alpha: float
) -> Exercise:
    """One labelled graph, standardised; its weights come from the labels in their own units."""
    learnt = torch.nonzero(graph.species == 0).squeeze(1)
    labels = graph.y[learnt]
    targets = normalisation.targets.apply(labels)
    return Exercise(standardise(graph, normalisation), learnt, targets, weights(labels, histogram, alpha))


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
    progress: Progress = START,
    advance: Callable[[float], None] = lambda _steps: None,
) -> Iterator[Progress]:
    """Train until the held-out loss has not fallen for `patience` recordings, or for `max_steps`.

    Args:
        network: changed in place.
        optimiser: of the network's weights.
        problem: exercises.
        settings: how long, and how.
        progress: where an earlier run stopped; network and optimiser are as it left them.
        advance: told of every step.

    Yields:
        The progress at each recording, the first after `record_every` steps.

    Raises:
        FloatingPointError: where the loss is no longer a number.
    """
    while not _finished(progress.recordings, settings):
        step = progress.recordings[-1].step if progress.recordings else 0
        for number in range(step, min(step + settings.record_every, settings.max_steps)):
            _descend(network, optimiser, _chosen(problem.train, number, settings.seed), settings.clip)
            step = number + 1
            advance(1)
        recording = _record(network, problem, step)
        improved = all(recording.objective < earlier.objective for earlier in progress.recordings)
        best = _copy(network) if improved else progress.best
        progress = Progress((*progress.recordings, recording), best)
        yield progress


def _finished(recordings: Sequence[Recording], settings: Train) -> bool:
    if not recordings:
        return False
    best = recordings.index(best_of(recordings))
    return recordings[-1].step >= settings.max_steps or len(recordings) - 1 - best >= settings.patience


def _chosen(exercises: Sequence[Exercise], step: int, seed: int) -> Exercise:
    """Every exercise once per epoch, in an order of its own."""
    epoch, place = divmod(step, len(exercises))
    order = np.random.default_rng([seed, epoch]).permutation(len(exercises))
    return exercises[int(order[place])]


def _descend(network: nn.Module, optimiser: torch.optim.Optimizer, exercise: Exercise, clip: float) -> None:
    network.train()
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(_errors(network, exercise).mean())
    nn.utils.clip_grad_norm_(network.parameters(), clip)
    optimiser.step()


def _errors(network: nn.Module, exercise: Exercise) -> Tensor:
    predictions = network(exercise.graph)[exercise.learnt]  # (N_A, targets)
    return squared_error(predictions, exercise.targets, exercise.weight)


def _record(network: nn.Module, problem: Problem, step: int) -> Recording:
    scale = problem.normalisation.targets.scale
    train, _ = _measure(network, problem.train, scale)
    held_out, objective = _measure(network, problem.held_out, scale)
    if not np.isfinite(objective):
        raise FloatingPointError(
            f"the loss must stay a number: got {objective} after {step} steps; "
            "lower train.lr or train.clip (params.yaml)"
        )
    return Recording(step, train, held_out, objective)


def _measure(network: nn.Module, exercises: Sequence[Exercise], scale: Tensor) -> tuple[Measure, float]:
    network.eval()
    with torch.no_grad():
        predictions = torch.cat([network(one.graph)[one.learnt] for one in exercises])
    targets = torch.cat([one.targets for one in exercises])
    errors = squared_error(predictions, targets, torch.cat([one.weight for one in exercises]))
    columns = zip(targets.double().numpy().T, predictions.double().numpy().T, strict=True)
    measure = Measure(
        losses=tuple((errors * scale**2).tolist()),
        pearsons=tuple(pearson(target, prediction) for target, prediction in columns),
    )
    return measure, float(errors.mean())


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
