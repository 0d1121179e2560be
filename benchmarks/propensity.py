"""Every model on the propensities of ten published configurations: correlation, time and memory.

    python benchmarks/propensity.py FOLDER [ROW ...]

FOLDER holds isoconfig_N4096T0.44_<k>_tc07.npz, k = 1 ... 10 (Shiba et al., J. Chem. Phys. 158, 084503
(2023); https://github.com/h3-Open-BDEC/pyg_botan). The propensity of a particle is the mean over 32 runs
of its displacement after t = 4120. Models learn from configurations 1 to 8 and are tested on 9 and 10: Pearson's
coefficient of the A particles of each. Ridge regression chooses its penalty by leaving out one of the 8 at
a time and is fitted to all of them; networks learn from 1 to 7 and are stopped on 8, which costs them an eighth of
the data. One process and one core per row. Exit status 1 where the best row does not beat the ridge on radial
descriptors of the minima by 0.1.

`thermal` rows see the configuration as it is; `inherent` rows its nearest energy minimum, with the energy
of each particle there and its way to it. All networks of one kind of row have the same inputs; the one in the manner of
Bapst et al., Nature Physics 16, 448 (2020), has types and vectors alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import memory
import numpy as np
import torch
from numpy.typing import NDArray

from glassdyn.baselines import linear
from glassdyn.correlation import pearson
from glassdyn.evaluation import plot_tables
from glassdyn.evaluation.predictions import Predictions
from glassdyn.features.neighbour_averages import average_generations
from glassdyn.features.radial import bin_edges, radial_descriptors, smooth_descriptors
from glassdyn.figures import style
from glassdyn.figures.snapshot import slab
from glassdyn.learning import training
from glassdyn.learning.dataset import make_dataset
from glassdyn.learning.graphs import Snapshot, build_graph, standardise
from glassdyn.learning.models.sizes import infer_sizes
from glassdyn.learning.optimisation import make_optimiser
from glassdyn.liquid.box import minimum_image, wrap
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.neighbours import find_neighbours
from glassdyn.liquid.potential import EPSILON, SIGMA, pair_interaction
from glassdyn.params import Descriptors, Graph, Loss, Model, Potential, Train
from glassdyn.simulation import lammps
from glassdyn.simulation.state import State

BOX_LENGTH = 15.05658
POTENTIAL = Potential(truncation="shift", r_on=2.0, r_cut=2.5, spline_points=0)
LEARN, CHOOSE, TEST = range(1, 8), (8,), (9, 10)
EDGES = bin_edges(Descriptors(0.7, 4.7, 80, ()))
COARSE_EDGES = bin_edges(Descriptors(0.7, 4.7, 40, ()))
LENGTHS = (0.5, 1.0, 1.5, 2.0, 3.0)
"""Of the averages around a particle, units of sigma_AA."""

GRAPH = Graph(r_threshold=1.5, edges="distance", self_edges=False, nodes="full", standardise="training_set")
BAPST = Graph(r_threshold=2.0, edges="vector", self_edges=True, nodes="type", standardise="training_set")
BASE, LEAST_IMPROVEMENT = "inherent: ridge, radial", 0.1
"""The row to beat, and by how much."""

SETTINGS = Train(
    lr=1e-3,
    clip=1.0,
    record_every=20,
    patience=15,
    max_steps=1,
    select_on="validation",
    schedule="constant",
    weight_decay=0.0,
    batch=1,
    subgraph=0,
    augment=False,
    precision="float32",
    seed=1,
)
LOSS = Loss(targets=("propensity",), alpha=0.0, bins=50)

Values = NDArray[np.float64]


class Sample(NamedTuple):
    """One configuration, and what is to be predicted.

    Attributes:
        positions: (N, 3) as they are.
        inherent: (N, 3) in the nearest energy minimum.
        species: (N,).
        energies: (N,) potential energy of each particle in the minimum.
        propensity: (N,).
    """

    positions: Values
    inherent: Values
    species: NDArray[np.uint8]
    energies: Values
    propensity: Values


def read(folder: Path, number: int) -> Sample:
    positions, species, propensity = published(folder, number)
    inherent = minimum_of(positions, species)
    return Sample(positions, inherent, species, energies_of(inherent, species), propensity)


def published(folder: Path, number: int) -> tuple[Values, NDArray[np.uint8], Values]:
    """Positions, species and propensity of one configuration."""
    with np.load(folder / f"isoconfig_N4096T0.44_{number}_tc07.npz", allow_pickle=False) as file:
        positions, species = file["initial_positions"], file["types"].astype(np.uint8)
        return positions, species, np.linalg.norm(file["positions"] - positions, axis=2).mean(axis=0)


def minimum_of(positions: Values, species: NDArray[np.uint8]) -> Values:
    """The energy minimum below, in the exact potential."""
    rest = np.zeros_like(positions)
    state = State(wrap(positions, BOX_LENGTH), rest.astype(np.int64), rest, species, BOX_LENGTH)
    return lammps.quench(state, POTENTIAL).positions


def energies_of(positions: Values, species: NDArray[np.uint8]) -> Values:
    """(N,) half the energy of the pairs of each particle."""
    pairs = find_neighbours(positions, BOX_LENGTH, 2.5)
    kinds = species[pairs.receivers], species[pairs.senders]
    distances = np.linalg.norm(pairs.vectors, axis=1)
    of_pairs, _ = pair_interaction(distances, EPSILON[kinds], SIGMA[kinds], POTENTIAL)
    halves: Values = np.bincount(pairs.receivers, 0.5 * of_pairs, minlength=len(positions))  # type: ignore[assignment]
    return halves


def kind_alone(sample: Sample, _positions: Values) -> Values:
    """(N, 1) type."""
    return sample.species[:, None].astype(np.float64)


def radial(sample: Sample, positions: Values) -> Values:
    """(N, 161) type and radial descriptors."""
    descriptors = radial_descriptors(Configuration(positions, sample.species, BOX_LENGTH), EDGES)
    return np.column_stack((sample.species, descriptors)).astype(np.float64)


def averaged_radial(sample: Sample, positions: Values) -> Values:
    """(N, 243) type and Gaussian-binned radial descriptors, and two generations of averages."""
    configuration = Configuration(positions, sample.species, BOX_LENGTH)
    descriptors = smooth_descriptors(configuration, COARSE_EDGES, width=0.1)
    own = np.column_stack((sample.species, descriptors)).astype(np.float64)
    return average_generations(own, find_neighbours(positions, BOX_LENGTH, 3.5), count=2, length=2.0)


def local(sample: Sample, positions: Values) -> Values:
    """(N, 24) energy by species, type, way to the minimum, and their averages over several lengths."""
    is_b = (sample.species == 1)[:, None]
    energies = sample.energies[:, None]
    way = np.linalg.norm(minimum_image(sample.inherent - sample.positions, BOX_LENGTH), axis=1)[:, None]
    own = np.concatenate((energies * ~is_b, energies * is_b, is_b.astype(float), way), axis=1)  # (N, 4)
    averages = [
        average_generations(
            own, find_neighbours(positions, BOX_LENGTH, min(4 * length, 7.4)), count=1, length=length
        )[:, 4:]
        for length in LENGTHS
    ]
    return np.concatenate([own, *averages], axis=1)


Features = Callable[[Sample, Values], Values]
"""From a configuration, and positions in it, to (N, F) features."""


class Row(NamedTuple):
    """One line of the table.

    Attributes:
        features: of the particles.
        inherent: computed, and graphs made, in the energy minimum.
        model: the network; None for ridge regression.
        steps: of the network's training, at most.
        graph: of the network.
        augment: whether its training turns and reflects configurations.
    """

    features: Features
    inherent: bool
    model: Model | None = None
    steps: int = 0
    graph: Graph = GRAPH
    augment: bool = False


def kind_of(kind: Any, width: int, n_rec: int = 2, *, shared: bool = False) -> Model:
    return Model(kind=kind, n_rec=n_rec, shared=shared, hidden=(width, width), heads=4)


ROWS: Mapping[str, Row] = {
    "thermal: ridge, radial": Row(radial, inherent=False),
    "thermal: ridge, averaged radial": Row(averaged_radial, inherent=False),
    "thermal: perceptron": Row(radial, False, kind_of("graph_network", 16, 0), 600),
    "thermal: graph_network": Row(radial, False, kind_of("graph_network", 16), 600),
    "thermal: attention": Row(radial, False, kind_of("attention", 16), 600),
    "thermal: radial_filter": Row(radial, False, kind_of("radial_filter", 16), 600),
    "thermal: equivariant": Row(radial, False, kind_of("equivariant", 8), 250),
    "inherent: graph_network of Bapst et al.": Row(
        kind_alone, True, kind_of("graph_network", 64, 7, shared=True), 100, BAPST, augment=True
    ),
    "inherent: ridge, radial": Row(radial, inherent=True),
    "inherent: ridge, averaged radial": Row(averaged_radial, inherent=True),
    "inherent: ridge, averaged energies": Row(local, inherent=True),
    "inherent: perceptron": Row(local, True, kind_of("graph_network", 32, 0), 1000),
    "inherent: graph_network": Row(local, True, kind_of("graph_network", 16), 800),
    "inherent: attention": Row(local, True, kind_of("attention", 16), 800),
    "inherent: radial_filter": Row(local, True, kind_of("radial_filter", 16), 800),
    "inherent: equivariant": Row(local, True, kind_of("equivariant", 8), 250),
}


def predict_by_ridge(row: Row, data: Mapping[int, Sample]) -> dict[int, Values]:
    """Predictions of ridge regression on 1 to 8, its penalty chosen by leaving one of them out at a time."""
    features = {number: row.features(sample, positions_of(row, sample)) for number, sample in data.items()}
    samples = (*LEARN, *CHOOSE)

    def sum_moments(numbers: Iterable[int]) -> linear.RegressionMoments:
        return linear.sum_moments(
            (features[k][data[k].species == 0], data[k].propensity[data[k].species == 0][:, None])
            for k in numbers
        )

    without = {k: sum_moments(number for number in samples if number != k) for k in samples}

    def left_out(penalty: float) -> float:
        rhos = []
        for k, moments in without.items():
            fitted, mobile = linear.fit_ridge(moments, penalty), data[k].species == 0
            predicted = linear.predict(fitted, features[k][mobile])
            rhos.append(pearson(data[k].propensity[mobile], predicted[:, 0]))
        return float(np.mean(rhos))

    fitted = linear.fit_ridge(sum_moments(samples), max(linear.PENALTIES, key=left_out))
    return {k: linear.predict(fitted, features[k])[:, 0] for k in TEST}


def predict_by_network(row: Row, model: Model, data: Mapping[int, Sample]) -> dict[int, Values]:
    """Predictions of a network trained on 1 to 7 and stopped on 8."""
    graphs = {number: make_graph(row, sample) for number, sample in data.items()}
    dataset = make_dataset([graphs[k] for k in LEARN], [graphs[k] for k in CHOOSE], LOSS)
    settings = replace(SETTINGS, max_steps=row.steps, augment=row.augment)
    network = training.initial_network(model, infer_sizes(graphs[1], row.graph.r_threshold), settings.seed)
    optimiser = make_optimiser(network, settings)
    *_, end = training.fit(network, optimiser, dataset, settings, depth=model.n_rec)
    network.load_state_dict(end.best)
    with torch.no_grad():
        return {
            k: network(standardise(graphs[k], dataset.normalisation))[:, 0].double().numpy() for k in TEST
        }


def make_graph(row: Row, sample: Sample) -> Snapshot:
    positions = positions_of(row, sample)
    features = row.features(sample, positions).astype(np.float32)
    graph = build_graph(Configuration(positions, sample.species, BOX_LENGTH), features, row.graph)
    return graph._replace(y=torch.from_numpy(sample.propensity.astype(np.float32)[:, None]))


def positions_of(row: Row, sample: Sample) -> Values:
    return sample.inherent if row.inherent else sample.positions


def measure(name: str, data: Mapping[int, Sample], picture: Path | None = None) -> dict[str, float]:
    """One row: correlations on 9 and 10, seconds, and megabytes at the peak of this process."""
    row, start = ROWS[name], time.perf_counter()
    predictions = (
        predict_by_ridge(row, data) if row.model is None else predict_by_network(row, row.model, data)
    )
    seconds = time.perf_counter() - start
    mobile = {k: data[k].species == 0 for k in TEST}
    rhos = {str(k): pearson(data[k].propensity[mobile[k]], predictions[k][mobile[k]]) for k in TEST}
    if picture:
        draw(data[TEST[-1]], predictions[TEST[-1]], picture)
    return rhos | {
        "mean": float(np.mean(list(rhos.values()))),
        "seconds": seconds,
        "megabytes": 1000 * memory.peak(),
    }


def draw(sample: Sample, predicted: Values, path: Path) -> None:
    """A slab of the configuration, as measured and as predicted."""
    predictions = Predictions(
        sample.species,
        sample.propensity[:, None],
        {"network": predicted[:, None]},
        wrap(sample.positions, BOX_LENGTH),
        BOX_LENGTH,
    )
    figure = slab(plot_tables.tabulate_slab(predictions, ["propensity_1"]), label="propensity_1")
    figure.axes[-1].set_ylabel("rank of the propensity among A particles (B: grey)")
    style.save(figure, path)


def prepare(folder: Path, cache: Path) -> None:
    """Read and minimise once, for all rows."""
    arrays = {
        f"{field}{k}": value for k in range(1, 11) for field, value in read(folder, k)._asdict().items()
    }
    np.savez(cache, **arrays)


def load(cache: Path) -> dict[int, Sample]:
    with np.load(cache, allow_pickle=False) as file:
        return {k: Sample(*(file[f"{field}{k}"] for field in Sample._fields)) for k in range(1, 11)}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("rows", nargs="*", help=f"by default all: {'; '.join(ROWS)}")
    parser.add_argument(
        "--picture", type=Path, help="draw the last configuration as the last row predicts it"
    )
    parser.add_argument("--prepared", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.prepared:
        print(json.dumps(measure(options.rows[0], load(options.prepared), options.picture)))
        return 0
    means = {}
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "prepared.npz"
        prepare(options.folder, cache)
        print(f"{'':40}       9     10   mean  seconds     MB")
        for name in options.rows or ROWS:
            result = measure_in_process(options.folder, name, cache, options.picture)
            rhos = " ".join(f"{result[key]:6.3f}" for key in ("9", "10", "mean"))
            print(f"{name:40}  {rhos}  {result['seconds']:7.1f} {result['megabytes']:6.0f}", flush=True)
            means[name] = result["mean"]
    return verdict(means)


def verdict(means: Mapping[str, float]) -> int:
    """Compare the best row with the one to beat, where that has been measured; the exit status."""
    if BASE not in means:
        return 0
    best = max(means, key=lambda name: means[name])
    improvement = means[best] - means[BASE]
    holds = improvement >= LEAST_IMPROVEMENT
    print(
        f"best: {best}, {improvement:+.3f} over {BASE}, bound >= {LEAST_IMPROVEMENT}  {'ok' if holds else 'MISSED'}"
    )
    return 0 if holds else 1


def measure_in_process(folder: Path, name: str, cache: Path, picture: Path | None) -> dict[str, float]:
    """Measure a row in a process of its own, whose memory is then its own."""
    command = [sys.executable, "-W", "ignore", __file__, str(folder), name, "--prepared", str(cache)]
    command += ["--picture", str(picture)] if picture else []
    threads = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    done = subprocess.run(command, env=os.environ | threads, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


if __name__ == "__main__":
    sys.exit(main())
