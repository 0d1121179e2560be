"""Tables of small liquids whose label is a known sum over pairs, and a network that has learnt it."""

from dataclasses import replace

import numpy as np
import torch

from glassdyn.learning import training_run
from glassdyn.learning.distributed import ALONE
from glassdyn.learning.labelled_graphs import TableFolders
from glassdyn.liquid.neighbours import find_neighbours
from glassdyn.storage import tables
from liquids import DISTANCES, NETWORK, PLAIN, SHORT, STRUCTURE, liquid

REACH = 1.5

NAMES = [f"copy{copy:02}-sample{sample:02}" for copy in range(5) for sample in range(2)]


def pair_function(distances, neighbour):
    """f_XA, which falls from contact on, and f_XB, a negative hump."""
    inside = np.clip(distances / REACH, 0, 1)
    return 0.5 * (1 - inside) ** 2 if neighbour == 0 else -0.3 * np.sin(np.pi * inside) ** 2


def pair_label(configuration):
    """0.2 + sum_j f_XY(r_ij), whatever the species X of i."""
    positions, species, box_length = configuration
    pairs = find_neighbours(positions, box_length, REACH)
    distances = np.linalg.norm(pairs.vectors, axis=1)
    terms = np.where(species[pairs.senders] == 0, pair_function(distances, 0), pair_function(distances, 1))
    return 0.2 + np.bincount(pairs.receivers, terms, len(species))


def write_pair_tables(folder, particles=216):
    """Features, of which none matters, and labels, two samples of each of five copies."""
    for number, name in enumerate(NAMES):
        configuration = liquid(number, particles)
        identity = {"particle": np.arange(particles, dtype=np.uint32), "type": configuration.species}
        structure = identity | dict(zip("xyz", configuration.positions.T, strict=True))
        structure["descriptors"] = (
            np.random.default_rng(number).normal(size=(particles, 4)).astype(np.float32)
        )
        about = STRUCTURE | {"box_length": configuration.box_length}
        tables.write(folder / f"features/{name}.parquet", tables.features_schema(2), [structure], about)
        labels = identity | {"p_hop": pair_label(configuration)}
        tables.write(folder / f"labels/{name}.parquet", tables.labels_schema(["p_hop"]), [labels])
    return TableFolders(*(folder / role for role in ("features", "pca", "labels")))


def train(folders, folder, *, graph=DISTANCES, model=NETWORK, names=NAMES, **settings):
    """A model that is trained on the first three copies and selected on the fourth."""
    config = training_run.TrainingConfig(
        [name for name in names if name < "copy03"],
        [name for name in names if "copy03" <= name < "copy04"],
        graph,
        model,
        PLAIN,
        replace(SHORT, **settings),
    )
    setup = training_run.set_up(config, folders, torch.device("cpu"))
    *_, state = training_run.run_training(config, setup, folder, ALONE)
    return training_run.trained_model(config, setup, state, folders.pca / "none")
