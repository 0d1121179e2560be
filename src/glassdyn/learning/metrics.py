"""How good a network is on some examples: the objective, squared errors and correlations."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from glassdyn.correlation import pearson
from glassdyn.learning.dataset import Example
from glassdyn.learning.distributed import Group, gather_interleaved
from glassdyn.learning.loss import squared_error

__all__ = ["Metrics", "evaluate", "measure"]


class Metrics(NamedTuple):
    """How good a network is on some examples.

    Attributes:
        objective: what training lowers: the weighted squared error per A particle of the standardised
            targets, mean over targets.
        losses: for each target the plain squared error per A particle, in the square of the label's unit; where targets
            are standardised within snapshots, of these on the training set's scale, and correlations are theirs too.
        pearsons: for each target the correlation coefficient, pooled over the examples.
    """

    objective: float
    losses: tuple[float, ...]
    pearsons: tuple[float, ...]


def evaluate(
    network: nn.Module,
    examples: Sequence[Example],
    scale: Tensor,
    *,
    partition: Callable[[Example], Iterable[Example]],
    group: Group,
) -> Metrics:
    """Evaluate a network in float32, as it is going to be used.

    Args:
        network: on the device of this process.
        examples: whole snapshots.
        scale: (targets,) label's units in one unit of the standardised targets.
        partition: divides a snapshot into parts that are predicted one after another.
        group: the processes; each does its share of the examples.
    """
    network.eval()
    own = [
        _predict(network, partition(example), group.device) for example in examples[group.rank :: group.size]
    ]
    return measure(torch.cat(gather_interleaved(own, len(examples), group)), scale)


def measure(rows: Tensor, scale: Tensor) -> Metrics:
    """The metrics of predictions.

    Args:
        rows: (N_A, 3 targets) predictions, targets and weights.
        scale: (targets,) label's units in one unit of the standardised targets.
    """
    predictions, targets, weight = (part.contiguous() for part in rows.chunk(3, dim=1))
    columns = zip(targets.double().numpy().T, predictions.double().numpy().T, strict=True)
    return Metrics(
        objective=float(squared_error(predictions, targets, weight).mean()),
        losses=tuple((squared_error(predictions, targets, torch.ones_like(weight)) * scale**2).tolist()),
        pearsons=tuple(pearson(target, prediction) for target, prediction in columns),
    )


@torch.no_grad()
def _predict(network: nn.Module, parts: Iterable[Example], device: torch.device) -> Tensor:
    """(N_A, 3 targets) predictions, targets and weights, on the CPU."""
    rows = []
    for part in parts:
        example = part.to(device)
        predictions = network(example.graph)[example.a_particles]
        rows.append(torch.cat((predictions, example.targets, example.weight), dim=1).cpu())
    return torch.cat(rows)
