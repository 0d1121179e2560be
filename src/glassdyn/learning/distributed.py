"""The processes that train one network together: as many as `torchrun` started, or this one alone.

Every process holds the network and does its share of each batch. What is computed does not depend on their
number: `torchrun --nproc-per-node 2 -m glassdyn.stages.train` gives the losses of one process.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from glassdyn.errors import GlassdynError

__all__ = [
    "ALONE",
    "Group",
    "broadcast_bytes",
    "gather_interleaved",
    "join_group",
    "no_sync",
    "processes",
    "wrap_ddp",
]


class Group(NamedTuple):
    """A process among those that train together.

    Attributes:
        rank: of this process, from 0; that of rank 0 writes the files.
        size: how many there are.
        device: where this one computes.
    """

    rank: int
    size: int
    device: torch.device


ALONE = Group(0, 1, torch.device("cpu"))
"""This process, on the CPU."""


def processes() -> int:
    """How many processes torchrun has started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def join_group() -> Iterator[Group]:
    """Join the processes that torchrun started; where there are GPUs, each has one of its own.

    Gradients travel from GPU to GPU, all else between the processors. CUDA_VISIBLE_DEVICES, set to nothing,
    keeps the training on the CPU.

    Raises:
        GlassdynError: for more processes on this machine than GPUs.
    """
    size, device = processes(), _device(int(os.environ.get("LOCAL_RANK", "0")))
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if size == 1:
        yield Group(0, 1, device)
        return
    distributed.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        yield Group(distributed.get_rank(), size, device)
    finally:
        distributed.destroy_process_group()


def _device(local_rank: int) -> torch.device:
    if not torch.cuda.is_available():
        return torch.device("cpu")
    if local_rank >= torch.cuda.device_count():
        raise GlassdynError(
            "every process of a machine has a GPU of its own: got process "
            f"{local_rank + 1} on a machine of {torch.cuda.device_count()}; start fewer (torchrun "
            '--nproc-per-node), or train on the processors (CUDA_VISIBLE_DEVICES="")'
        )
    return torch.device("cuda", local_rank)


def wrap_ddp(network: nn.Module, group: Group) -> nn.Module:
    """The network whose gradients are the means over all processes after each backward pass."""
    return DistributedDataParallel(network) if group.size > 1 else network


def no_sync(network: nn.Module) -> AbstractContextManager[None]:
    """Within it, the gradients of a network that trains together stay those of this process."""
    if isinstance(network, DistributedDataParallel):
        unsynchronised: AbstractContextManager[None] = network.no_sync()
        return unsynchronised
    return nullcontext()


def gather_interleaved(own: Sequence[Tensor], total: int, group: Group) -> list[Tensor]:
    """All of a list of which every process holds its share, dealt out in turns.

    Args:
        own: items rank, rank + size, rank + 2 size, ...
        total: items of all processes.
        group: the processes.

    Returns:
        The items in their order, on the CPU, the same in every process.
    """
    gathered: list[list[Tensor]] = [[] for _ in range(group.size)]
    here = [item.cpu() for item in own]
    if group.size == 1:
        return here
    distributed.all_gather_object(gathered, here)
    return [gathered[number % group.size][number // group.size] for number in range(total)]


def broadcast_bytes(content: bytes, group: Group) -> bytes:
    """The bytes that the process of rank 0 has, in every process."""
    shared = [content]
    if group.size > 1:
        distributed.broadcast_object_list(shared, src=0)
    return shared[0]
