"""Weights of a graph network given as plain arrays, layer by layer: those that others have trained."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glassdyn.learning.models.graph_network import Block, GraphNetwork

__all__ = ["ArrayLayer", "fill", "layer_shapes", "named_perceptrons"]

ArrayLayer = tuple[NDArray[np.floating], NDArray[np.floating]]
"""Weight (in, out), applied from the right as x @ weight, and bias (out,) of one linear layer."""


def fill(network: GraphNetwork, layers: Mapping[str, Sequence[ArrayLayer]]) -> None:
    """Give a graph network these weights.

    A network of Bapst et al. (2020) is `GraphNetwork(Sizes(1, 3, 1, reach=2.0), (64, 64), n_rec=7,
    shared=True)` on graphs with `edges: vector`, `self_edges: true`, `nodes: type`, not standardised. Its
    edge vectors point from the sender to the receiver, ours from the receiver to the sender: give the
    first weight of `encoder.edges` with the opposite sign.

    Args:
        network: changed in place.
        layers: the linear layers of each perceptron, first to last. Names: `encoder.nodes`,
            `encoder.edges` (where there are blocks), `decoder` (with the last layer, which has no ReLU), and for every block
            `blocks.<k>.edges` and `blocks.<k>.nodes`, k = 0 alone where blocks share their weights.
            Rows of the first weight of `blocks.<k>.edges` belong to e, e0, v_r, v0_r, v_s, v0_s, in this
            order, those of `blocks.<k>.nodes` to the summed edges, v, v0.

    Raises:
        ValueError: for a perceptron that is missing or unknown, or an array of another shape.
    """
    perceptrons = dict(named_perceptrons(network))
    if set(layers) != set(perceptrons):
        raise ValueError(f"needs the perceptrons {sorted(perceptrons)}: got {sorted(layers)}")
    for name, linears in perceptrons.items():
        expected = [tuple(linear.weight.T.shape) for linear in linears]
        shapes = [weight.shape for weight, _ in layers[name]]
        if shapes != expected or any(bias.shape != weight.shape[1:] for weight, bias in layers[name]):
            raise ValueError(
                f"{name} has layers of shapes (in, out) {expected}, and biases (out,): got {shapes}"
            )
    with torch.no_grad():
        for name, linears in perceptrons.items():
            for linear, (weight, bias) in zip(linears, layers[name], strict=True):
                linear.weight.copy_(_tensor(weight).T)
                linear.bias.copy_(_tensor(bias))


def layer_shapes(network: GraphNetwork) -> dict[str, list[tuple[int, int]]]:
    """Shapes (in, out) of the layers that `fill` takes, by the names of their perceptrons."""
    return {
        name: [(linear.in_features, linear.out_features) for linear in linears]
        for name, linears in named_perceptrons(network)
    }


def named_perceptrons(network: GraphNetwork) -> Iterator[tuple[str, list[nn.Linear]]]:
    """The linear layers of every perceptron, by the names that `fill` uses."""
    yield "encoder.nodes", _linear_layers(network.encode_nodes)
    if network.encode_edges is not None:
        yield "encoder.edges", _linear_layers(network.encode_edges)
    yield "decoder", _linear_layers(network.decode)
    for number, block in enumerate(network.blocks):
        if isinstance(block, Block):
            yield f"blocks.{number}.edges", _linear_layers(block.edges)
            yield f"blocks.{number}.nodes", _linear_layers(block.nodes)


def _linear_layers(module: nn.Module) -> list[nn.Linear]:
    return [layer for layer in module.modules() if isinstance(layer, nn.Linear)]


def _tensor(values: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
