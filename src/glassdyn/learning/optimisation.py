"""A step of gradient descent: Adam with decoupled weight decay, its learning rate and precision."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn

from glassdyn.learning.dataset import Example
from glassdyn.learning.distributed import no_sync
from glassdyn.learning.loss import squared_error
from glassdyn.params import Train

__all__ = ["learning_rate", "make_optimiser", "matmul_precision", "optimiser_step"]


def make_optimiser(network: nn.Module, params: Train) -> torch.optim.Optimizer:
    """Adam whose weights w decay as well: each step takes lr weight_decay w away from them.

    Source: Loshchilov & Hutter, Decoupled weight decay regularization, ICLR (2019); without it, Adam to the bit.
    """
    return torch.optim.AdamW(network.parameters(), lr=params.lr, weight_decay=params.weight_decay)


@contextmanager
def matmul_precision(params: Train) -> Iterator[None]:
    """Within it, products of float32 matrices have a mantissa of 10 bits where tf32 is asked for and there."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if params.precision == "tf32" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def learning_rate(step: int, params: Train) -> float:
    """Adam's rate at a step: lr, or lr (1 + cos(pi step / max_steps)) / 2."""
    if params.schedule == "constant":
        return params.lr
    return params.lr * (1 + math.cos(math.pi * step / params.max_steps)) / 2


def optimiser_step(
    network: nn.Module, optimiser: torch.optim.Optimizer, batch: Sequence[Example], step: int, params: Train
) -> None:
    """One step of Adam; the gradients of the examples are added up one after another, to spare memory.

    Args:
        network: changed in place.
        optimiser: of the network's weights.
        batch: this process's share of it.
        step: steps taken before, which determine the learning rate.
        params: schedule, precision and clip.
    """
    network.train()
    optimiser.param_groups[0]["lr"] = learning_rate(step, params)
    optimiser.zero_grad(set_to_none=True)
    for number, example in enumerate(batch, start=1):
        with nullcontext() if number == len(batch) else no_sync(network):
            torch.autograd.backward(_losses(network, example, params).mean() / len(batch))
    nn.utils.clip_grad_norm_(network.parameters(), params.clip)
    optimiser.step()


def _losses(network: nn.Module, example: Example, params: Train) -> Tensor:
    """(targets,) squared errors; in bfloat16 the network's layers, not its weights nor the errors."""
    device = example.a_particles.device.type
    with torch.autocast(device, torch.bfloat16, enabled=params.precision == "bf16"):
        predictions = network(example.graph)[example.a_particles]  # (N_A, targets)
    return squared_error(predictions.float(), example.targets, example.weight)
