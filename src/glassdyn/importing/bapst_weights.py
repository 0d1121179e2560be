"""The published network of Bapst et al. (2020), from its checkpoint, as a model file of this project.

It joins particles closer than 2 sigma_AA, each with itself too, and shares one block among 7 recurrences; nodes know
their type, edges the vector from sender to receiver. The published checkpoint t044_s09 predicts the propensity, in
units of sigma_AA, of the liquid at T = 0.44 at the time when F_s = 0.9, 0.13 tau.

Source: Bapst et al., Nat. Phys. 16, 448 (2020); https://github.com/google-deepmind/deepmind-research, glassy_dynamics.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from glassdyn.features.inherent import Quench
from glassdyn.features.spec import DescriptorSpec
from glassdyn.importing.deepmind_set import name_label
from glassdyn.importing.source import ImportingError
from glassdyn.importing.tensor_bundle import read_tensors
from glassdyn.learning import model_file
from glassdyn.learning.graphs import Normalisation, Scaling
from glassdyn.learning.model_file import TrainedModel
from glassdyn.learning.models import Sizes
from glassdyn.learning.models.graph_network import GraphNetwork
from glassdyn.learning.models.weights import ArrayLayer, fill
from glassdyn.params import Describe, Graph, Model, Potential

__all__ = ["LABEL", "MAX_RECURRENCES", "RECURRENCES", "import_weights", "layers_from_tensors", "read_network"]

RECURRENCES = 7
"""Of the published network. The block is shared among them, so that a checkpoint does not tell."""

MAX_RECURRENCES = 100
"""That `params.yaml` admits, too."""

LABEL = name_label(0.9)
"""That the published network predicts; see `deepmind_set`."""

REACH = 2.0
"""Longest edge, units of sigma_AA."""

TYPE = Scaling(torch.tensor([0.2]), torch.tensor([0.4]))
"""Mean and standard deviation of the type over particles, every fifth of which is B."""

PERCEPTRONS: Mapping[str, str] = {
    "encoder.nodes": "graph_independent/node_model",
    "encoder.edges": "graph_independent/edge_model",
    "decoder": "graph_independent_1/node_model",
    "blocks.0.edges": "graph_network/edge_block",
    "blocks.0.nodes": "graph_network/node_block",
}
"""Names of `weights.fill` -> those of the checkpoint. Its decoder of edges is read by nobody."""

GRAPH = Graph(
    r_threshold=REACH,
    edges="vector",
    self_edges=True,
    nodes="type",
    positions="thermal",
    standardise="training_set",
)
UNREAD = DescriptorSpec(
    edges=(0.7, 2.0),
    extras=Describe(
        smooth=0.0,
        generations=0,
        r_average=2.0,
        inherent=False,
        fields=(),
        shells=0.0,
        shell_width=0.25,
        minima=1,
        minima_time=1.0,
        cage_runs=1,
        cage_time=1.0,
        r_local=0.0,
        lengths=(),
    ),
    quench=Quench("lammps", Potential(truncation="shift", r_on=2.0, r_cut=2.5, spline_points=0)),
)
"""Descriptors, which a model file states and this network does not read."""


def import_weights(
    checkpoint: Path, output: Path, *, recurrences: int = RECURRENCES, label: str = LABEL
) -> TrainedModel:
    """Write the network of a checkpoint as a model file, which `glassdyn predict` reads.

    Args:
        checkpoint: its name, or its index (.index).
        output: the model file.
        recurrences: of the block.
        label: that it predicts.

    Raises:
        ImportingError: as `tensor_bundle.read_tensors`, or for tensors of another network.
    """
    trained = read_network(checkpoint, recurrences=recurrences, label=label)
    model_file.save(output, trained)
    return trained


def read_network(checkpoint: Path, *, recurrences: int = RECURRENCES, label: str = LABEL) -> TrainedModel:
    """Read the network of a checkpoint; arguments and errors as `import_weights`."""
    index = checkpoint if checkpoint.suffix == ".index" else checkpoint.parent / f"{checkpoint.name}.index"
    layers = layers_from_tensors(read_tensors(index), index)
    adapted, hidden = _adapt(layers), tuple(weight.shape[1] for weight, _ in layers["encoder.nodes"])
    model = Model(kind="graph_network", n_rec=recurrences, shared=True, hidden=hidden, heads=1, linear=False)
    sizes = Sizes(nodes=1, edges=3, targets=1, reach=REACH)
    try:
        for device in ("meta", "cpu"):  # shapes are compared before memory is taken for what they claim
            with torch.device(device):
                network = GraphNetwork(sizes, hidden, n_rec=recurrences, shared=True)
            fill(network, adapted)
    except ValueError as error:
        raise ImportingError(
            f"the checkpoint is of a network as Bapst et al. published it: {error} ({index})"
        ) from None
    neutral = [Scaling(torch.zeros(width), torch.ones(width)) for width in (3, 1)]
    return TrainedModel(
        networks=(network.eval(),),
        model=model,
        sizes=sizes,
        graph=GRAPH,
        structure=json.loads(json.dumps(asdict(UNREAD))),
        targets=(label,),
        labels={label: {}},
        normalisation=Normalisation(TYPE, *neutral),
    )


def layers_from_tensors(
    tensors: Mapping[str, NDArray[np.generic]], where: Path
) -> dict[str, list[ArrayLayer]]:
    """The linear layers of each perceptron, by the names of `weights.fill`.

    Raises:
        ImportingError: where one is absent, or is no weight (in, out) with its bias (out,).
    """
    layers = {}
    for name, origin in PERCEPTRONS.items():
        prefix = f"Graph/{origin}/mlp/linear_"
        count = sum(key.startswith(prefix) and key.endswith("/w") for key in tensors)
        layers[name] = [_layer(tensors, f"{prefix}{number}", where) for number in range(count)]
        if not layers[name]:
            raise ImportingError(
                f"the checkpoint is of a network as Bapst et al. published it: got none of {prefix}0/w ({where})"
            )
    return layers


def _layer(tensors: Mapping[str, NDArray[np.generic]], name: str, where: Path) -> ArrayLayer:
    weight, bias = (tensors.get(f"{name}/{part}", np.empty(0)).astype(np.float64) for part in "wb")
    if (
        weight.ndim != 2
        or not weight.size
        or bias.shape != weight.shape[1:]
        or not (np.isfinite(weight).all() and np.isfinite(bias).all())
    ):
        raise ImportingError(
            f"a layer has a weight (in, out) and a bias (out,) of finite numbers: got {weight.shape} and {bias.shape} "
            f"of {name} ({where})"
        )
    return weight, bias


def _adapt(layers: Mapping[str, list[ArrayLayer]]) -> dict[str, list[ArrayLayer]]:
    """The same functions of our features: types standardised, vectors from the receiver to the sender."""
    (types, bias), *of_nodes = layers["encoder.nodes"]
    (vectors, bias_of_edges), *of_edges = layers["encoder.edges"]
    mean, scale = float(TYPE.mean), float(TYPE.scale)
    return {
        **layers,
        "encoder.nodes": [(scale * types, bias + mean * types.sum(axis=0)), *of_nodes],
        "encoder.edges": [(-vectors, bias_of_edges), *of_edges],
    }
