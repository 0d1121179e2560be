"""Small labelled liquids for the tests of graphs, networks and training."""

import json
from dataclasses import asdict

import numpy as np
import torch

from glassdyn.features.describe import DescriptorSpec
from glassdyn.features.inherent import Quench
from glassdyn.learning.graphs import build_graph
from glassdyn.learning.labelled_graphs import TableFolders
from glassdyn.liquid.box import wrap
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.potential import assign_species
from glassdyn.storage import tables
from short_pipeline import section

STRUCTURE = json.loads(
    json.dumps(
        asdict(
            DescriptorSpec(
                edges=(0.7, 2.7, 4.7),
                extras=section(
                    "describe", smooth=0.0, generations=0, r_average=2.0, inherent=False, fields=()
                ),
                quench=Quench(
                    "lammps", section("potential", truncation="xplor", r_on=2.0, r_cut=2.5, spline_points=0)
                ),
            )
        )
    )
)
"""What determines two bins for each species, as a table stores it."""

DISTANCES = section(
    "graph", standardise="training_set", r_threshold=1.5, edges="distance", self_edges=False, nodes="full"
)
VECTORS = section(
    "graph", standardise="training_set", r_threshold=1.5, edges="vector", self_edges=False, nodes="full"
)
NETWORK = section("model", kind="graph_network", n_rec=3, shared=False, hidden=(8, 8))
PLAIN = section("loss", targets=("p_hop",), alpha=0.0, bins=20)
SHORT = section(
    "train",
    lr=0.01,
    clip=1.0,
    record_every=5,
    patience=4,
    max_steps=40,
    select_on="validation",
    schedule="constant",
    weight_decay=0.0,
    batch=1,
    subgraph=0,
    augment=False,
    precision="float32",
    seed=1,
)


def liquid(seed, particles=200, density=1.2):
    """A jittered lattice: no two particles coincide."""
    generator = np.random.default_rng(seed)
    box_length = (particles / density) ** (1 / 3)
    side = int(np.ceil(particles ** (1 / 3)))
    sites = np.stack(np.meshgrid(*3 * [np.arange(side)], indexing="ij"), axis=-1).reshape(-1, 3)
    sites = generator.permutation(sites)[:particles] * (box_length / side)
    positions = wrap(sites + generator.normal(scale=0.12, size=sites.shape), box_length)
    return Configuration(positions, generator.permutation(assign_species(particles)), box_length)


def labelled_graph(seed, graph=DISTANCES, particles=200, targets=1, descriptors=4):
    """A graph with random descriptors, and labels that depend on the neighbourhood."""
    configuration = liquid(seed, particles)
    generator = np.random.default_rng([seed, 1])
    features = generator.normal(size=(particles, descriptors)).astype(np.float32)
    unlabelled = build_graph(configuration, np.column_stack((configuration.species, features)), graph)
    senders, receivers = unlabelled.edge_index
    crowd = torch.zeros(particles).index_add_(0, receivers, unlabelled.x[senders, 1])
    noise = torch.from_numpy(generator.normal(size=(particles, targets)).astype(np.float32))
    labels = 0.3 + 0.05 * crowd[:, None] * torch.arange(1, targets + 1) + 0.02 * noise
    return unlabelled._replace(y=labels)


def write_tables(folder, samples=5, slope=0.1, particles=100):
    """Tables of small liquids: descriptors at random, labels that follow one of them."""
    for copy in range(samples):
        positions, species, box_length = liquid(copy, particles)
        generator = np.random.default_rng(copy)
        features = generator.normal(size=(particles, 4)).astype(np.float32)
        name, particle = f"copy{copy:02}-sample00.parquet", np.arange(particles, dtype=np.uint32)
        structure = {"particle": particle, "type": species, "descriptors": features}
        structure |= dict(zip("xyz", positions.T, strict=True))
        about = STRUCTURE | {"box_length": box_length}
        tables.write(folder / "data/features" / name, tables.features_schema(2), [structure], about)
        labels = {"particle": particle, "type": species, "p_hop": 0.2 + slope * features[:, 0].astype(float)}
        tables.write(folder / "data/labels" / name, tables.labels_schema(["p_hop"]), [labels])
    return TableFolders(*(folder / "data" / name for name in ("features", "pca", "labels")))
