"""One training step of the network beside the same network of PyG's MetaLayer, which concatenates.

Each measurement has a process of its own: seconds of the fastest of a few steps, and the largest memory: of the
process on the processors, of PyTorch's tensors on a GPU (`--device cuda`). One line per ratio; exit status 1
where a bound is missed. On a GPU there are no bounds: what is measured there goes with the name of the card.
"""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from time import perf_counter

import memory
import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.nn import MetaLayer

from glassdyn.learning import training
from glassdyn.learning.dataset import make_dataset
from glassdyn.learning.distributed import Group
from glassdyn.learning.graphs import Snapshot, build_graph
from glassdyn.learning.models import Sizes, build
from glassdyn.learning.models.graph_network import mlp
from glassdyn.learning.optimisation import make_optimiser
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.potential import assign_species
from glassdyn.params import Graph, Loss, Model, Train

PARTICLES = 64000
FEATURES = 161
THREADS = 2
STEPS = 3
SIZES = Sizes(FEATURES, 1, 1, reach=1.5)
CASES = {"cpu": [((64, 64), 3), ((16, 16), 3)], "cuda": [((64, 64), 3), ((64, 64), 7)]}
"""Widths and blocks."""

SPEED, MEMORY, DEEP = 5.0, 0.3, 6.0
"""Bounds: times faster, part of the memory, GB of 7 blocks of (64, 64)."""


class EdgeUpdate(nn.Module):
    def __init__(self, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = mlp(6 * hidden[-1], hidden)

    def forward(self, sent: Tensor, received: Tensor, edges: Tensor, _globals: None, _batch: None) -> Tensor:
        values: Tensor = self.layers(torch.cat((edges, received, sent), dim=1))
        return values


class NodeUpdate(nn.Module):
    def __init__(self, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = mlp(3 * hidden[-1], hidden)

    def forward(self, nodes: Tensor, index: Tensor, edges: Tensor, _globals: None, _batch: None) -> Tensor:
        summed = edges.new_zeros(len(nodes), edges.shape[1]).index_add_(0, index[1], edges)
        values: Tensor = self.layers(torch.cat((summed, nodes), dim=1))
        return values


class Concatenating(nn.Module):
    """The peer: encoder, MetaLayer blocks with the encoded graph concatenated, decoder."""

    def __init__(self, hidden: tuple[int, ...], n_rec: int) -> None:
        super().__init__()
        self.nodes, self.edges = mlp(FEATURES, hidden), mlp(1, hidden)
        self.blocks = nn.ModuleList(MetaLayer(EdgeUpdate(hidden), NodeUpdate(hidden)) for _ in range(n_rec))
        self.decode = nn.Sequential(mlp(hidden[-1], hidden), nn.Linear(hidden[-1], 1))

    def forward(self, graph: Snapshot) -> Tensor:
        nodes = first_nodes = self.nodes(graph.x)
        edges = first_edges = self.edges(graph.edge_attr)
        for block in self.blocks:
            nodes, edges = torch.cat((nodes, first_nodes), dim=1), torch.cat((edges, first_edges), dim=1)
            nodes, edges, _ = block(nodes, graph.edge_index, edges)
        predictions: Tensor = self.decode(nodes)
        return predictions


def liquid() -> Snapshot:
    """A graph as dense as the liquid's: a shaken lattice, its particles in random order."""
    generator = np.random.default_rng(0)
    side, box_length = 40, (PARTICLES / 1.2) ** (1 / 3)
    sites = np.stack(np.meshgrid(*3 * [np.arange(side)], indexing="ij"), axis=-1).reshape(-1, 3)
    positions = generator.permutation(sites) * (box_length / side) + generator.normal(
        scale=0.15, size=sites.shape
    )
    features = generator.normal(size=(PARTICLES, FEATURES)).astype(np.float32)
    options = Graph(
        r_threshold=1.5,
        edges="distance",
        self_edges=False,
        nodes="full",
        positions="thermal",
        standardise="training_set",
    )
    return build_graph(Configuration(positions, assign_species(PARTICLES), box_length), features, options)


def measure(subject: str, hidden: tuple[int, ...], n_rec: int, device: str) -> dict[str, float]:
    """Seconds of the fastest step, after one to warm up, and GB at the peak beyond the imported libraries."""
    libraries = peak(device)
    graph = liquid().to(device)
    a_particles, labels = graph.species == 0, torch.randn(PARTICLES, 1, device=device)
    network = Concatenating(hidden, n_rec) if subject == "peer" else build(model_of(hidden, n_rec), SIZES)
    network = network.to(device)
    optimiser = torch.optim.Adam(network.parameters())
    times = []
    for _ in range(1 + STEPS):
        start = perf_counter()
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(((network(graph) - labels)[a_particles] ** 2).mean())
        optimiser.step()
        wait(device)
        times.append(perf_counter() - start)
    return {"seconds": min(times[1:]), "gigabytes": peak(device) - libraries, "libraries": libraries}


def train(hidden: tuple[int, ...], n_rec: int, device: str) -> dict[str, float]:
    """GB of the whole process at the peak of a training, and seconds of its few steps and the recording behind them."""
    graph = liquid()._replace(y=torch.randn(PARTICLES, 1))
    dataset = make_dataset(
        [graph], [graph], Loss(targets=("label",), standardise="training_set", alpha=0.0, bins=10)
    ).to(torch.device(device))
    settings = Train(
        lr=0.001, clip=1.0, record_every=STEPS, patience=1, max_steps=STEPS, select_on="validation",
        schedule="constant", weight_decay=0.0, batch=1, subgraph=0, augment=False,
        precision="float32", seed=1,
    )  # fmt: skip
    network = training.initial_network(model_of(hidden, n_rec), SIZES, settings.seed).to(device)
    optimiser = make_optimiser(network, settings)
    start = perf_counter()
    group = Group(0, 1, torch.device(device))
    for _ in training.fit(network, optimiser, dataset, settings, depth=n_rec, group=group):
        wait(device)
    return {"seconds": perf_counter() - start, "gigabytes": peak(device)}


def model_of(hidden: tuple[int, ...], n_rec: int) -> Model:
    return Model("graph_network", n_rec, shared=False, hidden=hidden, heads=4)


def wait(device: str) -> None:
    """Until the device has done what it was given."""
    if device == "cuda":
        torch.cuda.synchronize()


def peak(device: str) -> float:
    """The most memory so far, GB."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 1e9
    return memory.peak()


def measure_in_process(subject: str, hidden: tuple[int, ...], n_rec: int, device: str) -> dict[str, float]:
    """`measure`, or `train` for "training", in a process of its own."""
    case = json.dumps([subject, hidden, n_rec, device])
    environment = os.environ | {"OMP_NUM_THREADS": str(THREADS)}
    result: dict[str, float] = json.loads(
        subprocess.run(
            [sys.executable, str(Path(__file__)), "--case", case],
            check=True,
            stdout=subprocess.PIPE,
            env=environment,
        ).stdout
    )
    return result


def run_case(subject: str, hidden: list[int], n_rec: int, device: str) -> dict[str, float]:
    torch.set_num_threads(THREADS)
    widths = tuple(hidden)
    return train(widths, n_rec, device) if subject == "training" else measure(subject, widths, n_rec, device)


def print_line(name: str, ours: float, peer: float, ratio: float, bound: str, *, holds: bool) -> bool:
    verdict = "ok" if holds else "MISSED"
    print(
        f"{name:44} ours {ours:8.3f}  peer {peer:8.3f}  ratio {ratio:6.2f}  bound {bound or 'none':8}  {verdict}",
        flush=True,
    )
    return holds


def compare(hidden: tuple[int, ...], n_rec: int, device: str) -> bool:
    """Speed and memory of a step beside the peer's; whether the bounds hold where there are any."""
    ours, peer = (measure_in_process(subject, hidden, n_rec, device) for subject in ("ours", "peer"))
    fast, small, bounded = (
        peer["seconds"] / ours["seconds"],
        ours["gigabytes"] / peer["gigabytes"],
        device == "cpu",
    )
    lines = [
        ("s per step", "seconds", fast, f">= {SPEED}", fast >= SPEED),
        ("peak GB beyond libraries", "gigabytes", small, f"<= {MEMORY}", small <= MEMORY),
    ]
    held = [
        print_line(
            f"{hidden}, {n_rec} blocks: {name}",
            ours[what],
            peer[what],
            ratio,
            bound if bounded else "",
            holds=holds or not bounded,
        )
        for name, what, ratio, bound, holds in lines
    ]
    print(f"# {ours['libraries']:.3f} GB of libraries in both processes", flush=True)
    return all(held)


def main(device: str) -> int:
    if device == "cuda":
        print(torch.cuda.get_device_name(), flush=True)
    held = [compare(hidden, n_rec, device) for hidden, n_rec in CASES[device]]
    deep = measure_in_process("training", (64, 64), 7, device)["gigabytes"]
    held.append(
        print_line(
            "(64, 64), 7 blocks, training: whole GB", deep, DEEP, deep / DEEP, "< 1.0", holds=deep < DEEP
        )
    )
    return 0 if all(held) else 1


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument(
        "--case", type=json.loads, help="subject, widths, blocks, device: one measurement, as JSON"
    )
    options = parser.parse_args()
    if options.case:
        print(json.dumps(run_case(*options.case)))
    else:
        sys.exit(main(options.device))
