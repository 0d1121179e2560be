"""The state of a training in one safetensors file, from which it goes on to the bit."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save_file
from torch import Tensor, nn

from glassdyn.jobs.atomic import atomic_write
from glassdyn.learning.metrics import Metrics
from glassdyn.learning.training import START, LogEntry, TrainingState

__all__ = ["parse_log", "restore", "store"]


def store(path: Path, network: nn.Module, optimiser: torch.optim.Optimizer, state: TrainingState) -> None:
    """Write weights, moments of the gradients, best weights and the log; whole or not at all."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in state.best.items()}
    for number, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{name}": value for name, value in moments.items()}
    text = bytearray(json.dumps(state.log).encode())
    tensors["log"] = torch.frombuffer(text, dtype=torch.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as beside:
        save_file({name: value.contiguous() for name, value in tensors.items()}, beside)


def restore(content: bytes, network: nn.Module, optimiser: torch.optim.Optimizer) -> TrainingState:
    """Bring network and optimiser to where they were stored; `START` where nothing was.

    Args:
        content: of the file, or nothing.
        network: changed in place.
        optimiser: of its weights, changed in place.
    """
    if not content:
        return START
    tensors = load(content)
    log = parse_log(json.loads(tensors["log"].numpy().tobytes()))
    network.load_state_dict(_under("network.", tensors))
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in _under("optimiser.", tensors).items():
        number, _, moment = name.partition(".")
        moments.setdefault(int(number), {})[moment] = value
    param_groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": moments, "param_groups": param_groups})
    return TrainingState(log, _under("best.", tensors))


def parse_log(entries: list[Any]) -> tuple[LogEntry, ...]:
    """The log of a training from what JSON has made of it."""
    return tuple(map(_log_entry, entries))


def _log_entry(values: list[Any]) -> LogEntry:
    step, train, held_out = values
    return LogEntry(step, _metrics(*train), _metrics(*held_out))


def _metrics(objective: float, losses: list[float], pearsons: list[float]) -> Metrics:
    return Metrics(objective, tuple(losses), tuple(pearsons))


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
