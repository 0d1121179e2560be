"""What a pass forward and back costs, on the graph of a snapshot with random features and labels."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
import torch

from glassdyn.costs.work import count_activations
from glassdyn.learning import training
from glassdyn.learning.dataset import make_dataset
from glassdyn.learning.graphs import build_graph
from glassdyn.learning.models.sizes import infer_sizes
from glassdyn.learning.optimisation import make_optimiser
from glassdyn.params import Params
from glassdyn.storage.snapshots import read_snapshot

__all__ = ["time_step"]

STEPS = 6


def time_step(snapshot: Path, params: Params) -> float:
    """Seconds of processor time for an activation, the median of a few steps on one thread."""
    configuration, generator = read_snapshot(snapshot), np.random.default_rng(0)
    N = len(configuration.species)
    features = generator.normal(size=(N, params.pca.components)).astype(np.float32)
    labels = torch.from_numpy(generator.normal(size=(N, 1)).astype(np.float32))
    graph = build_graph(configuration, features, params.graph)._replace(y=labels)
    dataset = make_dataset([graph], [graph], params.loss)
    settings = replace(params.train, max_steps=STEPS, record_every=STEPS)
    network = training.initial_network(params.model, infer_sizes(graph, params.graph.r_threshold), 1)
    moments = [process_time()]
    torch.set_num_threads(1)
    for _ in training.fit(
        network,
        make_optimiser(network, settings),
        dataset,
        settings,
        depth=params.model.n_rec,
        advance=lambda _steps: moments.append(process_time()),
    ):
        pass
    seconds = median(end - start for start, end in pairwise(moments))
    return seconds / (N * count_activations(params, params.model.n_rec))
