"""A trained model as one safetensors file: weights, and all that is needed to use them on new data.

A model has one member for each seed. Beside the weights it holds the model's parameters, sizes, graph options and
targets; see `glassdyn.storage.tensor_file`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import PositiveInt, TypeAdapter
from torch import Tensor, nn

from glassdyn.features.describe import spec_from_metadata
from glassdyn.features.node_features import feature_count, reads_components
from glassdyn.features.pca import PrincipalComponents
from glassdyn.learning.graphs import Normalisation, Scaling, Snapshot, standardise
from glassdyn.learning.models import Sizes, build
from glassdyn.params import Graph, Model
from glassdyn.storage.tensor_file import TensorFileError, arrays_under, read_arrays, write_arrays

__all__ = [
    "TensorFileError",
    "TrainedModel",
    "average_models",
    "from_arrays",
    "load",
    "predict",
    "predict_labels",
    "save",
    "to_arrays",
]

Arrays = Mapping[str, NDArray[Any]]

FORMAT = "glassdyn model 6"
"""Name and version of the format, the first thing that a reader checks."""


class TrainedModel(NamedTuple):
    """Networks, or regressions, with what they need to read a configuration and to predict in the labels' units.

    Attributes:
        networks: the weights of every member; predictions are the mean of theirs.
        model: kind, recurrences and layers.
        sizes: of features and targets.
        graph: which pairs are joined and what nodes and edges carry.
        structure: what determined the descriptors, see `features.describe.spec_from_metadata`.
        targets: names of the labels.
        labels: target -> what determined it: p_c, scales, the window ...; see `labelled_graphs.label_parameters`.
        normalisation: statistics of the training samples.
        projection: principal components of type and descriptors, where the node features are made of them.
    """

    networks: tuple[nn.Module, ...]
    model: Model
    sizes: Sizes
    graph: Graph
    structure: dict[str, Any]
    targets: tuple[str, ...]
    labels: dict[str, dict[str, Any]]
    normalisation: Normalisation
    projection: PrincipalComponents | None = None


def predict(trained: TrainedModel, graph: Snapshot) -> Tensor:
    """(N, targets) predictions in the labels' units, from a graph that is not yet standardised."""
    standardised = standardise(graph, trained.normalisation)
    with torch.inference_mode():
        members = torch.stack([network.eval()(standardised) for network in trained.networks])
    return trained.normalisation.targets.undo(members.mean(dim=0))


def average_models(models: Sequence[TrainedModel]) -> TrainedModel:
    """The model whose predictions are the mean of those of models that differ in their seeds alone."""
    return models[0]._replace(networks=tuple(network for model in models for network in model.networks))


def predict_labels(trained: TrainedModel, graph: Snapshot) -> dict[str, NDArray[np.float64]]:
    """Label -> (N,) predictions in the label's unit; B particles have them too, but no model is trained on theirs."""
    columns = predict(trained, graph).double().numpy().T
    return dict(zip(trained.targets, columns, strict=True))


def save(path: Path, trained: TrainedModel) -> None:
    """Write a trained model, whole or not at all; the same model gives the same bytes."""
    description, arrays = to_arrays(trained)
    write_arrays(path, {"format": FORMAT, **description}, arrays)


def load(path: Path) -> TrainedModel:
    """Read a trained model.

    Raises:
        TensorFileError: with the reason, for a file that is absent, foreign, damaged or incomplete.
    """
    return from_arrays(path, *read_arrays(path, FORMAT))


def from_arrays(path: Path, description: Mapping[str, Any], arrays: Arrays) -> TrainedModel:
    """Rebuild a model from its parts; the inverse of `to_arrays`.

    Args:
        path: of the file that has them, for errors.
        description: parameters, sizes, targets.
        arrays: weights and statistics.

    Raises:
        TensorFileError: where a part is missing or contradicts another.
    """
    try:
        fields = {
            name: TypeAdapter(kind).validate_json(json.dumps(description[name])) for name, kind in PARTS
        }
        trained = _rebuild(fields, arrays)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise TensorFileError(f"{path} does not hold all of a model: {error}") from None
    _require_consistent(path, trained)
    return trained


PARTS: tuple[tuple[str, Any], ...] = (
    ("model", Model),
    ("sizes", Sizes),
    ("graph", Graph),
    ("structure", dict[str, Any]),
    ("targets", tuple[str, ...]),
    ("labels", dict[str, dict[str, Any]]),
    ("members", PositiveInt),
)
"""What the metadata hold, and its types: fields of `TrainedModel`, and how many members there are."""


def to_arrays(trained: TrainedModel) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """A model's description, as JSON holds it, and its weights and statistics by name."""
    description = {
        "model": asdict(trained.model),
        "sizes": list(trained.sizes),
        "graph": asdict(trained.graph),
        "structure": trained.structure,
        "targets": trained.targets,
        "labels": trained.labels,
        "members": len(trained.networks),
    }
    tensors = {
        f"network.{member}.{name}": value
        for member, network in enumerate(trained.networks)
        for name, value in network.state_dict().items()
    }
    for name, scaling in trained.normalisation._asdict().items():
        tensors |= {f"normalisation.{name}.{part}": value for part, value in scaling._asdict().items()}
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
    if trained.projection is not None:
        arrays |= {f"projection.{part}": values for part, values in trained.projection._asdict().items()}
    return description, arrays


def _rebuild(fields: dict[str, Any], arrays: Arrays) -> TrainedModel:
    networks = [build(fields["model"], fields["sizes"]) for _ in range(fields.pop("members"))]
    for member, network in enumerate(networks):
        network.load_state_dict(_tensors_under(f"network.{member}.", arrays))
    statistics = {
        name: Scaling(**_tensors_under(f"normalisation.{name}.", arrays)) for name in Normalisation._fields
    }
    return TrainedModel(
        networks=tuple(network.eval() for network in networks),
        **fields,
        normalisation=Normalisation(**statistics),
        projection=_read_projection(arrays_under("projection.", arrays)),
    )


def _read_projection(arrays: Arrays) -> PrincipalComponents | None:
    if not arrays:
        return None
    projection = PrincipalComponents(**arrays)
    shapes = {name: part.shape for name, part in projection._asdict().items()}
    if (
        projection.components.ndim != 2
        or not shapes["mean"] == shapes["variances"] == shapes["components"][1:]
    ):
        raise ValueError(f"components are (K, F), their mean and variances (F,): got {shapes}")
    return projection


def _tensors_under(prefix: str, arrays: Arrays) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays_under(prefix, arrays).items()}


def _require_consistent(path: Path, trained: TrainedModel) -> None:
    """Refuse a model whose numbers of features and targets differ from part to part."""
    if (trained.projection is not None) != reads_components(trained.graph.nodes):
        raise TensorFileError(
            f"{path} must hold principal components where graph.nodes is made of them, and only there; train anew"
        )
    for name, (expected, actual) in _shapes(path, trained).items():
        if tuple(expected) != tuple(actual):
            raise TensorFileError(
                f"{path} contradicts itself in its {name}: {tuple(expected)} and {tuple(actual)}; train anew"
            )


def _shapes(path: Path, trained: TrainedModel) -> dict[str, tuple[Sequence[Any], Sequence[Any]]]:
    """Pairs that are equal in a consistent model, by what they count."""
    try:
        spec = spec_from_metadata(trained.structure)
    except ValueError as error:
        raise TensorFileError(
            f"a model file says how its node features are computed: {path} does not: {error}; train anew"
        ) from None
    normalisation, kind, projection = trained.normalisation, trained.graph.nodes, trained.projection
    components = np.empty((0, feature_count("full", spec))) if projection is None else projection.components
    nodes = feature_count(kind, spec, len(components))
    edges = 3 if trained.graph.edges == "vector" else 1
    return {
        "node features": ((nodes,), normalisation.nodes.mean.shape),
        "edge features": ((trained.sizes.edges,), normalisation.edges.mean.shape),
        "targets": ((len(trained.targets),), normalisation.targets.mean.shape),
        "labels": (sorted(trained.targets), sorted(trained.labels)),
        "sizes": (trained.sizes[:3], (nodes, edges, len(trained.targets))),
        "components": ((feature_count("full", spec),), components.shape[1:]),
    }
