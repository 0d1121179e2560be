"""One training step of the network beside the same network of PyG's MetaLayer, which concatenates.

Each measurement has a process of its own: seconds of the fastest of a few steps, and the largest
resident memory. One line per ratio; exit status 1 where a bound is missed.
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.nn import MetaLayer

from glassdyn.learning.graphs import Snapshot, snapshot
from glassdyn.learning.models import Sizes, build
from glassdyn.learning.models.graph_network import mlp
from glassdyn.liquid import species_of
from glassdyn.params import Graph, Model

PARTICLES = 64000
FEATURES = 161
THREADS = 2
STEPS = 3
CASES = [((64, 64), 3), ((16, 16), 3)]
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
    options = Graph(r_threshold=1.5, edges="distance", self_edges=False, nodes="full")
    return snapshot(positions, species_of(PARTICLES), features, box_length=box_length, graph=options)


def measure(who: str, hidden: tuple[int, ...], n_rec: int) -> dict[str, float]:
    """Seconds of the fastest step, after one to warm up, and GB of the whole process at its peak."""
    torch.set_num_threads(THREADS)
    graph = liquid()
    learnt, labels = graph.species == 0, torch.randn(PARTICLES, 1)
    model = Model("graph_network", n_rec, shared=False, hidden=hidden)
    network = (
        build(model, Sizes(FEATURES, 1, 1, reach=1.5)) if who == "ours" else Concatenating(hidden, n_rec)
    )
    optimiser = torch.optim.Adam(network.parameters())
    times = []
    for _ in range(1 + STEPS):
        start = perf_counter()
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(((network(graph) - labels)[learnt] ** 2).mean())
        optimiser.step()
        times.append(perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": min(times[1:]), "gigabytes": peak / 1e9, "edges": graph.num_edges}


def apart(who: str, hidden: tuple[int, ...], n_rec: int) -> dict[str, float]:
    """`measure` in a process of its own."""
    command = [sys.executable, str(Path(__file__)), json.dumps([who, hidden, n_rec])]
    environment = os.environ | {"OMP_NUM_THREADS": str(THREADS)}
    result: dict[str, float] = json.loads(
        subprocess.run(command, check=True, capture_output=True, env=environment).stdout
    )
    return result


def line(name: str, ours: float, peer: float, ratio: float, bound: str, *, holds: bool) -> bool:
    print(
        f"{name:38} ours {ours:8.3f}  peer {peer:8.3f}  ratio {ratio:6.2f}  bound {bound}  {'ok' if holds else 'MISSED'}",
        flush=True,
    )
    return holds


def main() -> int:
    held = []
    for hidden, n_rec in CASES:
        ours, peer = apart("ours", hidden, n_rec), apart("peer", hidden, n_rec)
        name = f"{hidden}, {n_rec} blocks"
        speed, memory = peer["seconds"] / ours["seconds"], ours["gigabytes"] / peer["gigabytes"]
        held.append(
            line(
                f"{name}: s per step",
                ours["seconds"],
                peer["seconds"],
                speed,
                f">= {SPEED}",
                holds=speed >= SPEED,
            )
        )
        held.append(
            line(
                f"{name}: peak GB",
                ours["gigabytes"],
                peer["gigabytes"],
                memory,
                f"<= {MEMORY}",
                holds=memory <= MEMORY,
            )
        )
    deep = apart("ours", (64, 64), 7)["gigabytes"]
    held.append(line("(64, 64), 7 blocks: peak GB", deep, DEEP, deep / DEEP, "< 1.0", holds=deep < DEEP))
    return 0 if all(held) else 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        who, hidden, n_rec = json.loads(sys.argv[1])
        print(json.dumps(measure(who, tuple(hidden), n_rec)))
    else:
        sys.exit(main())
