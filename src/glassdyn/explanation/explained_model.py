"""A trained model as a function of the node features of a sample, whatever its kind."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from glassdyn.baselines.features import FEATURES, GENERATIONS, inputs_from_tables
from glassdyn.baselines.fit import Baselines
from glassdyn.errors import GlassdynError
from glassdyn.explanation.feature_names import Feature, name_averages, name_features
from glassdyn.features.spec import spec_from_metadata
from glassdyn.learning import linear, model_file
from glassdyn.learning.graphs import Snapshot
from glassdyn.learning.labelled_graphs import TableFolders, load_graph
from glassdyn.learning.model_file import TrainedModel
from glassdyn.prediction.predictors import LinearPredictor, NetworkPredictor, load_predictor

__all__ = [
    "ExplainedModel",
    "LinearBaseline",
    "ModelInputs",
    "Network",
    "load_explained",
    "load_refits",
    "permute_edges",
    "permute_within",
]

Values = NDArray[np.float64]


class ModelInputs(NamedTuple):
    """What a model reads of a sample.

    Attributes:
        features: (N, F) node features, not yet standardised by the training samples.
        species: (N,) uint8, 0 for A and 1 for B.
        graph: the sample's graph, of a model that reads one.
    """

    features: Values
    species: NDArray[np.uint8]
    graph: Snapshot | None = None


class ExplainedModel(Protocol):
    """A model whose input features can be changed."""

    @property
    def label(self) -> str:
        """The label that is explained."""

    @property
    def features(self) -> tuple[Feature, ...]:
        """(F,) names and groups of the node features."""

    @property
    def reads_edges(self) -> bool:
        """Whether the model reads distances or vectors between neighbours."""

    def load(self, sample: str, folders: TableFolders) -> ModelInputs:
        """Read the inputs of a recorded sample from its tables."""

    def predict(self, inputs: ModelInputs) -> Values:
        """(N,) predictions in the label's unit."""


class Network(NamedTuple):
    """A model of a network's file: networks, or a regression on node features.

    Attributes:
        trained: the model.
        label: one of its targets.
    """

    trained: TrainedModel
    label: str

    @property
    def features(self) -> tuple[Feature, ...]:
        """See `ExplainedModel`."""
        projection = self.trained.projection
        components = 0 if projection is None else len(projection.components)
        return name_features(self.trained.graph.nodes, spec_from_metadata(self.trained.structure), components)

    @property
    def reads_edges(self) -> bool:
        """See `ExplainedModel`."""
        return self.trained.model.is_network and self.trained.model.n_rec > 0

    def load(self, sample: str, folders: TableFolders) -> ModelInputs:
        """See `ExplainedModel`."""
        graph = load_graph(sample, folders, self.trained.graph)
        return ModelInputs(graph.x.double().numpy(), graph.species.numpy(), graph)

    def predict(self, inputs: ModelInputs) -> Values:
        """See `ExplainedModel`."""
        if inputs.graph is None:
            raise GlassdynError("a network reads a graph: got inputs without")
        graph = inputs.graph._replace(x=torch.from_numpy(inputs.features.astype(np.float32)))
        return model_file.predict_labels(self.trained, graph)[self.label]


class LinearBaseline(NamedTuple):
    """A linear baseline.

    Attributes:
        baselines: all of a file.
        model: which of them.
        label: one of its targets.
    """

    baselines: Baselines
    model: str
    label: str

    @property
    def features(self) -> tuple[Feature, ...]:
        """See `ExplainedModel`."""
        perceptron = self.baselines.perceptron
        spec = spec_from_metadata(perceptron.structure)
        if self.model == "ridge":
            return Network(perceptron, self.label).features
        radial = name_features("full", spec)
        return name_averages(radial, GENERATIONS) if self.model == "averaged_ridge" else radial

    @property
    def reads_edges(self) -> bool:
        """See `ExplainedModel`."""
        return False

    def load(self, sample: str, folders: TableFolders) -> ModelInputs:
        """See `ExplainedModel`."""
        inputs = inputs_from_tables(sample, folders, self.baselines.perceptron.graph)
        return ModelInputs(FEATURES[self.model](inputs), inputs.configuration.species)

    def predict(self, inputs: ModelInputs) -> Values:
        """See `ExplainedModel`."""
        column = self.baselines.perceptron.targets.index(self.label)
        predicted: Values = linear.predict(self.baselines.linear[self.model], inputs.features)[:, column]
        return predicted


def load_explained(
    path: Path, model: str | None = None, label: str | None = None
) -> Network | LinearBaseline:
    """Read the model that is to be explained.

    Args:
        path: of the file of a network or of the baselines.
        model: which of the baselines.
        label: which of its labels; the first by default.

    Raises:
        TensorFileError: for a file that is absent, foreign, damaged or incomplete.
        GlassdynError: where the file has no such model, or the model no such label.
    """
    predictor = load_predictor(path, model)
    explained_label = _require_label(label, predictor.labels, path)
    if isinstance(predictor, NetworkPredictor):
        return Network(predictor.trained, explained_label)
    if isinstance(predictor, LinearPredictor):
        return LinearBaseline(predictor.baselines, predictor.model, explained_label)
    raise GlassdynError(f"networks, regressions and linear baselines are explained: got {path}")


def load_refits(paths: Sequence[Path], model: Network | LinearBaseline) -> tuple[TrainedModel, ...]:
    """Read models that are shown beside the one that is explained.

    Args:
        paths: of their files.
        model: what is explained.

    Raises:
        TensorFileError: for a file that is absent, foreign, damaged or incomplete.
        GlassdynError: for a model of another kind, or of other features, edges or labels.
    """
    refits = tuple(model_file.load(path) for path in paths)
    for path, refit in zip(paths, refits, strict=True):
        if not isinstance(model, Network) or _compared(refit) != _compared(model.trained):
            raise GlassdynError(
                "refits are of the same kind as the model, with the same features, edges and labels: got "
                f"{path} (--refits); train them with the same sections model, graph and loss"
            )
    return refits


def _compared(trained: TrainedModel) -> tuple[object, ...]:
    return trained.model.kind, trained.graph, trained.sizes, trained.targets


def _require_label(label: str | None, labels: Mapping[str, object], path: Path) -> str:
    if label is None:
        return next(iter(labels))
    if label not in labels:
        raise GlassdynError(
            f"a model is explained in a label that it predicts, {', '.join(labels)}: got --label {label} for {path}"
        )
    return label


def permute_edges(graph: Snapshot, generator: np.random.Generator) -> Snapshot:
    """The same graph, its edge features and vectors permuted among edges between the same two species.

    Who is a neighbour of whom stays; the distances and directions say nothing any more.

    Args:
        graph: of a sample.
        generator: draws the permutation.
    """
    senders, receivers = graph.edge_index.numpy()
    species = graph.species.numpy().astype(np.int64)
    order = permute_within(2 * species[receivers] + species[senders], generator)
    rows = torch.from_numpy(order)
    return graph._replace(edge_attr=graph.edge_attr[rows], edge_vectors=graph.edge_vectors[rows])


def permute_within(classes: NDArray[np.integer], generator: np.random.Generator) -> NDArray[np.int64]:
    """(n,) a permutation that brings every row to the place of a row of its own class.

    Args:
        classes: (n,) of the rows.
        generator: draws the permutation.
    """
    order = np.arange(len(classes))
    for kind in np.unique(classes):
        members = np.flatnonzero(classes == kind)
        order[members] = generator.permutation(members)
    return order
