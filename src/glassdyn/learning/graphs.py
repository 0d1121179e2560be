"""A snapshot of the liquid as a graph: particles are nodes, near pairs are directed edges.

From here on numbers are float32; they are cast in `build_graph` and nowhere else.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glassdyn.errors import GlassdynError
from glassdyn.liquid.box import wrap
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.neighbours import find_neighbours
from glassdyn.params import Graph

__all__ = [
    "Normalisation",
    "Scaling",
    "Snapshot",
    "build_graph",
    "fit_normalisation",
    "fit_scaling",
    "index_edges",
    "node_rows",
    "standardise",
    "standardise_by_species",
]


class Scaling(NamedTuple):
    """The affine map x -> (x - mean) / scale, one pair of numbers per feature.

    Attributes:
        mean: (F,) float32.
        scale: (F,) float32, above zero.
    """

    mean: Tensor
    scale: Tensor

    def apply(self, values: Tensor) -> Tensor:
        """(..., F) values to (..., F) values of zero mean and unit variance."""
        return (values - self.mean) / self.scale

    def undo(self, values: Tensor) -> Tensor:
        """The inverse of `apply`."""
        return values * self.scale + self.mean


class Normalisation(NamedTuple):
    """Statistics of the training samples, stored with the model.

    Attributes:
        nodes: of the node features, over all particles.
        edges: of the edge features; the components of a vector share one scale and have no mean, so
            that rotations and reflections stay what they are.
        targets: of the labels, over the A particles: the only ones that a network is trained on.
    """

    nodes: Scaling
    edges: Scaling
    targets: Scaling


class Snapshot(NamedTuple):
    """A snapshot of N particles with E directed edges, sorted by receiver.

    Attributes:
        x: node features, (N, F) float32; standardised where a network reads them.
        pos: wrapped positions, (N, 3) float32, units of sigma_AA.
        box_length: L of the whole periodic box, (1,) float32, units of sigma_AA; a part of a snapshot keeps it.
        species: (N,) uint8, 0 for A and 1 for B.
        edge_index: (2, E) int64: row 0 the senders, row 1 the receivers, increasing. Both directions of a
            pair are edges; where there are self edges, each node has one more, from itself.
        edge_attr: edge features, (E, 1) distances or (E, 3) vectors from the receiver to the sender, float32;
            standardised where a network reads them, and zero, before that, on a self edge.
        edge_vectors: (E, 3) float32, from the receiver to the sender, units of sigma_AA: never
            standardised, for models that do their own geometry.
        in_degree: (N,) int64, edges that each node receives.
        out_degree: (N,) int64, edges that each node sends.
        by_sender: (E,) int64, the edges in the order of their senders.
        y: labels in their own units, (N, targets) float32; None where nobody knows them, as in a
            configuration that is to be predicted, or needs them, as in a part of a snapshot.
    """

    x: Tensor
    pos: Tensor
    box_length: Tensor
    species: Tensor
    edge_index: Tensor
    edge_attr: Tensor
    edge_vectors: Tensor
    in_degree: Tensor
    out_degree: Tensor
    by_sender: Tensor
    y: Tensor | None = None

    @property
    def num_nodes(self) -> int:
        """N."""
        return len(self.x)

    @property
    def num_edges(self) -> int:
        """E."""
        return len(self.edge_attr)

    @property
    def labels(self) -> Tensor:
        """(N, targets) y of a labelled snapshot.

        Raises:
            GlassdynError: for a snapshot without labels.
        """
        if self.y is None:
            raise GlassdynError("training needs labelled snapshots: got one whose y is None")
        return self.y

    def to(self, device: torch.device) -> "Snapshot":
        """The same snapshot on another device."""
        tensors = {name: tensor.to(device) for name, tensor in self._asdict().items() if tensor is not None}
        return Snapshot(**tensors)


def build_graph(configuration: Configuration, features: NDArray[np.float32], graph_params: Graph) -> Snapshot:
    """Join every pair closer than r_threshold by two directed edges (thesis 2.4 and 2.5).

    Args:
        configuration: N particles, positions wrapped or not.
        features: (N, F) node features.
        graph_params: r_threshold, kind of edge features, self edges, where node features are standardised.

    Returns:
        The graph without labels, its features not yet standardised.
    """
    positions, species, box_length = configuration
    rows = node_rows(features, species, graph_params)
    pairs = find_neighbours(positions, box_length, graph_params.r_threshold)
    receivers, senders, vectors = pairs.receivers, pairs.senders, pairs.vectors
    if graph_params.self_edges:
        receivers, senders, vectors = _with_self_edges(receivers, senders, vectors, len(positions))
    edge_vectors = torch.from_numpy(vectors.astype(np.float32))  # (E, 3)
    distances = np.linalg.norm(vectors, axis=1, keepdims=True).astype(np.float32)  # (E, 1)
    return Snapshot(
        x=torch.tensor(rows),
        pos=torch.from_numpy(wrap(positions, box_length).astype(np.float32)),
        box_length=torch.tensor([box_length], dtype=torch.float32),
        species=torch.tensor(species),
        edge_attr=edge_vectors.clone() if graph_params.edges == "vector" else torch.from_numpy(distances),
        edge_vectors=edge_vectors,
        **index_edges(torch.from_numpy(senders.copy()), torch.from_numpy(receivers.copy()), len(positions)),
    )


def node_rows(
    features: NDArray[np.float32], species: NDArray[np.uint8], graph_params: Graph
) -> NDArray[np.float32]:
    """(N, F) node features as a graph holds them: within the snapshot and species where `Graph.standardise` says so."""
    if graph_params.standardise == "snapshot":
        return standardise_by_species(features, species).astype(np.float32)
    return np.asarray(features, dtype=np.float32)


def standardise_by_species(features: NDArray[np.floating], species: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(N, F) features of zero mean and unit variance among the particles of each species of this snapshot.

    A feature that does not vary within a species, such as the type, stays what it is there.
    """
    standardised = np.array(features, dtype=np.float64)
    for kind in np.unique(species):
        members = standardised[species == kind]  # (N_X, F)
        spread = members.std(axis=0)
        varies = spread > 1e-6
        scaled = (members - members.mean(axis=0)) / np.where(varies, spread, 1.0)
        standardised[species == kind] = np.where(varies, scaled, members)
    return standardised


def index_edges(senders: Tensor, receivers: Tensor, nodes: int) -> dict[str, Tensor]:
    """The edges of a `Snapshot` in the forms that models need: edge_index, in_degree, out_degree, by_sender.

    Args:
        senders: (E,) int64.
        receivers: (E,) int64, increasing.
        nodes: N.
    """
    return {
        "edge_index": torch.stack((senders, receivers)),
        "in_degree": torch.bincount(receivers, minlength=nodes),
        "out_degree": torch.bincount(senders, minlength=nodes),
        "by_sender": torch.argsort(senders, stable=True),
    }


def _with_self_edges(
    receivers: NDArray[Any], senders: NDArray[Any], vectors: NDArray[np.float64], particles: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
    """One edge i -> i more for each particle, of zero vector (Bapst et al. 2020), still sorted."""
    own = np.arange(particles)
    receivers, senders = np.concatenate((own, receivers)), np.concatenate((own, senders))
    vectors = np.concatenate((np.zeros((particles, 3)), vectors))
    order = np.argsort(receivers, kind="stable")
    return receivers[order], senders[order], vectors[order]


def fit_normalisation(snapshots: Sequence[Snapshot]) -> Normalisation:
    """Means and standard deviations over the training snapshots; a constant feature keeps its scale."""
    edges = fit_scaling([graph.edge_attr for graph in snapshots])
    if edges.mean.numel() == 3:
        length = torch.sqrt((edges.scale**2 + edges.mean**2).mean())
        edges = Scaling(torch.zeros(3), length.expand(3).clone())
    return Normalisation(
        nodes=fit_scaling([graph.x for graph in snapshots]),
        edges=edges,
        targets=fit_scaling([graph.labels[graph.species == 0] for graph in snapshots]),
    )


def fit_scaling(parts: Sequence[Tensor]) -> Scaling:
    """Mean and standard deviation in float64, one snapshot at a time."""
    rows = sum(len(part) for part in parts)
    mean = _total(part.double().sum(dim=0) for part in parts) / rows
    scale = torch.sqrt(_total(((part.double() - mean) ** 2).sum(dim=0) for part in parts) / rows)
    return Scaling(mean.float(), torch.where(scale > 1e-6, scale, 1.0).float())


def _total(parts: Iterable[Tensor]) -> Tensor:
    return reduce(torch.add, parts)


def standardise(graph: Snapshot, normalisation: Normalisation) -> Snapshot:
    """The same graph with node and edge features on the scale that the network was trained on.

    Labels stay in their own units: a file or a plot never meets standardised ones.
    """
    return graph._replace(
        x=normalisation.nodes.apply(graph.x), edge_attr=normalisation.edges.apply(graph.edge_attr)
    )
