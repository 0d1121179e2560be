"""A trained model as one safetensors file: weights, and all that is needed to use them on new data.

The file's metadata has one entry, a JSON text with the model's parameters, sizes, graph options and
targets, and a digest of all of these and the weights. Nothing in it is executable.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pydantic import TypeAdapter
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from glassdyn.errors import GlassdynError
from glassdyn.features import pca
from glassdyn.jobs.atomic import atomic_write
from glassdyn.learning.graphs import Normalisation, Scaling, Snapshot, standardise
from glassdyn.learning.models import Sizes, build
from glassdyn.params import Graph, Model

__all__ = ["ModelFileError", "Projection", "TrainedModel", "load", "load_projection", "predict", "save"]

FORMAT = "glassdyn network 4"
"""Name and version of the format, the first thing that a reader checks."""


class ModelFileError(GlassdynError):
    """A file that is no model of ours, or a damaged one."""


class Projection(NamedTuple):
    """Principal components of type and descriptors: features = (values - mean) @ components^T.

    Attributes:
        mean: (D,) float64.
        components: (F, D) float64.
    """

    mean: Tensor
    components: Tensor


class TrainedModel(NamedTuple):
    """A network with what it needs to read a configuration and to answer in the labels' units.

    Attributes:
        network: the weights.
        model: kind, recurrences and layers.
        sizes: of features and targets.
        graph: which pairs are joined and what nodes and edges carry.
        structure: what determined the node features, see `features.structure.description_of`.
        targets: names of the labels.
        labels: target -> what determined it: p_c, scales, the window ...; see `samples.parameters_of`.
        normalisation: statistics of the training samples.
        projection: of the descriptors, where graph.nodes is `pca`.
    """

    network: nn.Module
    model: Model
    sizes: Sizes
    graph: Graph
    structure: dict[str, Any]
    targets: tuple[str, ...]
    labels: dict[str, dict[str, Any]]
    normalisation: Normalisation
    projection: Projection | None = None


def load_projection(path: Path) -> Projection:
    """The principal components that made the node features, from their file."""
    fitted, _ = pca.load(path)
    return Projection(torch.from_numpy(fitted.mean), torch.from_numpy(fitted.components))


def predict(trained: TrainedModel, graph: Snapshot) -> Tensor:
    """(N, targets) predictions in the labels' units, from a graph that is not yet standardised."""
    trained.network.eval()
    with torch.inference_mode():
        raw = trained.network(standardise(graph, trained.normalisation))
    return trained.normalisation.targets.undo(raw)


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
    description = _described(path, text)
    if description.pop("digest", None) != _digest(description, tensors):
        raise ModelFileError(f"{path} is damaged: its contents do not match their digest; train anew")
    try:
        fields = {
            name: TypeAdapter(kind).validate_json(json.dumps(description[name])) for name, kind in PARTS
        }
        trained = _rebuilt(fields, tensors)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path} does not hold all of a model: {error}") from None
    _require_fitting(path, trained)
    return trained


def _described(path: Path, text: str) -> dict[str, Any]:
    try:
        description = json.loads(text)
    except json.JSONDecodeError as error:
        raise ModelFileError(f"{path} does not describe a model: {error}") from None
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise ModelFileError(f"{path} is no model of this version: {FORMAT} is what can be read; train anew")
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
        tensors |= {f"projection.{part}": value for part, value in trained.projection._asdict().items()}
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


def _rebuilt(fields: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> TrainedModel:
    network = build(fields["model"], fields["sizes"])
    network.load_state_dict(_under("network.", tensors))
    statistics = {
        name: Scaling(**_under(f"normalisation.{name}.", tensors)) for name in Normalisation._fields
    }
    projection = _under("projection.", tensors)
    return TrainedModel(
        network=network.eval(),
        **fields,
        normalisation=Normalisation(**statistics),
        projection=Projection(**projection) if projection else None,
    )


def _require_fitting(path: Path, trained: TrainedModel) -> None:
    """The numbers of features and targets agree wherever the file tells them."""
    sizes, edges = trained.sizes, trained.structure.get("edges")
    if not isinstance(edges, list):
        raise ModelFileError(f"{path} does not tell the bin edges of its node features; train anew")
    described = 2 * len(edges) - 1  # type, and the bins of two species
    if (trained.projection is not None) != (trained.graph.nodes == "pca"):
        raise ModelFileError(
            f"{path} must hold principal components where graph.nodes is pca, and only there"
        )
    nodes = {"type": 1, "full": described, "extended": sizes.nodes, "pca": sizes.nodes}[trained.graph.nodes]
    shapes = {
        "node features": ((nodes,), trained.normalisation.nodes.mean.shape),
        "edge features": ((sizes.edges,), trained.normalisation.edges.mean.shape),
        "targets": ((len(trained.targets),), trained.normalisation.targets.mean.shape),
        "labels": (sorted(trained.targets), sorted(trained.labels)),
        "sizes": (sizes[:3], (nodes, 3 if trained.graph.edges == "vector" else 1, len(trained.targets))),
    }
    if trained.projection is not None:
        shapes["components"] = (sizes.nodes, described), trained.projection.components.shape
    for name, (wanted, found) in shapes.items():
        if tuple(wanted) != tuple(found):
            raise ModelFileError(
                f"{path} contradicts itself in its {name}: {tuple(wanted)} and {tuple(found)}; train anew"
            )


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
