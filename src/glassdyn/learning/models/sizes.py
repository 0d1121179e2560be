"""What the data impose on a model."""

from typing import NamedTuple

from glassdyn.learning.graphs import Snapshot

__all__ = ["Sizes", "infer_sizes"]


class Sizes(NamedTuple):
    """Numbers of features that go in and of numbers that come out, and how far a particle sees.

    Attributes:
        nodes: F, features of a node.
        edges: features of an edge: 1 for a distance, 3 for a vector.
        targets: labels predicted for each node.
        reach: r_threshold, the longest edge, units of sigma_AA; for models that do their own geometry.
    """

    nodes: int
    edges: int
    targets: int
    reach: float


def infer_sizes(graph: Snapshot, reach: float) -> Sizes:
    """The sizes that fit a labelled graph whose edges are shorter than `reach`."""
    return Sizes(graph.x.shape[1], graph.edge_attr.shape[1], graph.labels.shape[1], reach)
