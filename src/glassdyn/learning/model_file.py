"""A trained model as one safetensors file: weights, and all that is needed to use them on new data.

The file's metadata has one entry, a JSON text with the model's parameters, sizes, graph options and
targets, and a digest of all of these and the weights. Nothing in it is executable.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from glassdyn.errors import GlassdynError
from glassdyn.features.describe import spec_from_metadata
from glassdyn.features.node_features import feature_count, reads_components
from glassdyn.features.pca import PrincipalComponents
from glassdyn.jobs.atomic import atomic_write
from glassdyn.learning.graphs import Normalisation, Scaling, Snapshot, standardise
from glassdyn.learning.models import Sizes, build
from glassdyn.params import Graph, Model

__all__ = ["ModelFileError", "TrainedModel", "load", "predict", "predict_labels", "save"]

FORMAT = "glassdyn network 5"
"""Name and version of the format, the first thing that a reader checks."""


class ModelFileError(GlassdynError):
    """A file that is no model of ours, or a damaged one."""


class TrainedModel(NamedTuple):
    """A network with what it needs to read a configuration and to predict in the labels' units.

    Attributes:
        network: the weights.
        model: kind, recurrences and layers.
        sizes: of features and targets.
        graph: which pairs are joined and what nodes and edges carry.
        structure: what determined the descriptors, see `features.describe.spec_from_metadata`.
        targets: names of the labels.
        labels: target -> what determined it: p_c, scales, the window ...; see `labelled_graphs.label_parameters`.
        normalisation: statistics of the training samples.
        projection: principal components of type and descriptors, where the node features are made of them.
    """

    network: nn.Module
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
    trained.network.eval()
    with torch.inference_mode():
        raw = trained.network(standardise(graph, trained.normalisation))
    return trained.normalisation.targets.undo(raw)


def predict_labels(trained: TrainedModel, graph: Snapshot) -> dict[str, NDArray[np.float64]]:
    """Label -> (N,) predictions in the label's unit; B particles have them too, but no model is trained on theirs."""
    columns = predict(trained, graph).double().numpy().T
    return dict(zip(trained.targets, columns, strict=True))


def save(path: Path, trained: TrainedModel) -> None:
    """Write a trained model, whole or not at all; the same model gives the same bytes."""
    tensors, description = _tensors(trained), _description(trained)
    text = json.dumps(description | {"digest": _digest(description, tensors)}, sort_keys=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as beside:
        # One entry only: the library writes several in no fixed order.
        save_file(tensors, beside, metadata={"glassdyn": text})


def load(path: Path) -> TrainedModel:
    """Read a trained model.

    Raises:
        ModelFileError: with the reason, for a file that is absent, foreign, damaged or incomplete.
    """
    text, tensors = _read(path)
    description = _parse(path, text)
    if description.pop("digest", None) != _digest(description, tensors):
        raise ModelFileError(f"{path} is damaged: its contents do not match their digest; train anew")
    try:
        fields = {
            name: TypeAdapter(kind).validate_json(json.dumps(description[name])) for name, kind in PARTS
        }
        trained = _rebuild(fields, tensors)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path} does not hold all of a model: {error}") from None
    _require_consistent(path, trained)
    return trained


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        description = json.loads(text)
    except json.JSONDecodeError as error:
        raise ModelFileError(f"{path} does not describe a model: {error}") from None
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise ModelFileError(f"{path} is no model of this version: only {FORMAT!r} can be read; train anew")
    return description


PARTS: tuple[tuple[str, Any], ...] = (
    ("model", Model),
    ("sizes", Sizes),
    ("graph", Graph),
    ("structure", dict[str, Any]),
    ("targets", tuple[str, ...]),
    ("labels", dict[str, dict[str, Any]]),
)
"""Fields of `TrainedModel` that the metadata hold, and their types."""


def _description(trained: TrainedModel) -> dict[str, object]:
    return {
        "format": FORMAT,
        "model": asdict(trained.model),
        "sizes": list(trained.sizes),
        "graph": asdict(trained.graph),
        "structure": trained.structure,
        "targets": trained.targets,
        "labels": trained.labels,
    }


def _tensors(trained: TrainedModel) -> dict[str, Tensor]:
    tensors = {f"network.{name}": value for name, value in trained.network.state_dict().items()}
    for name, scaling in trained.normalisation._asdict().items():
        tensors |= {f"normalisation.{name}.{part}": value for part, value in scaling._asdict().items()}
    if trained.projection is not None:
        arrays = trained.projection._asdict().items()
        tensors |= {f"projection.{part}": torch.from_numpy(values) for part, values in arrays}
    return {name: value.detach().cpu().contiguous() for name, value in sorted(tensors.items())}


def _digest(description: Mapping[str, object], tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def _read(path: Path) -> tuple[str, dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("glassdyn")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelFileError(f"{path} is not a readable safetensors file: {error}") from None
    if text is None:
        raise ModelFileError(f"{path} holds tensors, but was not written by glassdyn")
    return text, tensors


def _rebuild(fields: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> TrainedModel:
    network = build(fields["model"], fields["sizes"])
    network.load_state_dict(_under("network.", tensors))
    statistics = {
        name: Scaling(**_under(f"normalisation.{name}.", tensors)) for name in Normalisation._fields
    }
    projection = {part: tensor.numpy() for part, tensor in _under("projection.", tensors).items()}
    return TrainedModel(
        network=network.eval(),
        **fields,
        normalisation=Normalisation(**statistics),
        projection=PrincipalComponents(**projection) if projection else None,
    )


def _require_consistent(path: Path, trained: TrainedModel) -> None:
    """Refuse a model whose numbers of features and targets differ from part to part."""
    if (trained.projection is not None) != reads_components(trained.graph.nodes):
        raise ModelFileError(
            f"{path} must hold principal components where graph.nodes is made of them, and only there; train anew"
        )
    for name, (expected, actual) in _shapes(path, trained).items():
        if tuple(expected) != tuple(actual):
            raise ModelFileError(
                f"{path} contradicts itself in its {name}: {tuple(expected)} and {tuple(actual)}; train anew"
            )


def _shapes(path: Path, trained: TrainedModel) -> dict[str, tuple[Sequence[Any], Sequence[Any]]]:
    """Pairs that are equal in a consistent model, by what they count."""
    try:
        spec = spec_from_metadata(trained.structure)
    except ValueError as error:
        raise ModelFileError(
            f"a model file says how its node features are computed: {path} does not: {error}; train anew"
        ) from None
    normalisation, kind, projection = trained.normalisation, trained.graph.nodes, trained.projection
    components = np.empty((0, feature_count("full", spec))) if projection is None else projection.components
    nodes = feature_count(kind, spec, len(components))
    edges = 3 if trained.graph.edges == "vector" else 1
    return {
        "node features": ((nodes,), normalisation.nodes.mean.shape),
        "edge features": ((edges,), normalisation.edges.mean.shape),
        "targets": ((len(trained.targets),), normalisation.targets.mean.shape),
        "labels": (sorted(trained.targets), sorted(trained.labels)),
        "sizes": (trained.sizes[:3], (nodes, edges, len(trained.targets))),
        "components": ((feature_count("full", spec),), components.shape[1:]),
    }


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
