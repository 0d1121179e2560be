"""Models that predict labels from a configuration alone: a network, or a baseline."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from glassdyn.baselines import baselines_file
from glassdyn.baselines.features import inputs_from_configuration
from glassdyn.baselines.fit import Baselines
from glassdyn.baselines.predict_samples import predict_linear
from glassdyn.features.describe import DescriptorSpec, column_widths, spec_from_metadata
from glassdyn.features.node_features import NODE_FEATURES, averaged_features, columns_of_configuration
from glassdyn.learning import model_file
from glassdyn.learning.graphs import build_graph
from glassdyn.learning.model_file import TrainedModel
from glassdyn.liquid.configuration import Configuration
from glassdyn.params import Graph
from glassdyn.prediction.distribution_shift import measure_excess
from glassdyn.prediction.frames import ConfigurationError
from glassdyn.storage.tensor_file import read_format

__all__ = [
    "LabelPredictions",
    "LinearPredictor",
    "NetworkPredictor",
    "Predictor",
    "load_predictor",
]


class LabelPredictions(NamedTuple):
    """What a model predicts for one configuration.

    Attributes:
        labels: label -> (N,) float64, in the label's unit; B particles have a number too, but no model is trained
            on theirs.
        distribution_shift: beyond chance; see `distribution_shift.measure_excess`.
    """

    labels: Mapping[str, NDArray[np.float64]]
    distribution_shift: float


class Predictor(Protocol):
    """A model that predicts labels from a configuration alone."""

    @property
    def labels(self) -> Mapping[str, Mapping[str, Any]]:
        """What determined the labels that it was trained on, by label, in the order of its predictions."""

    def predict(self, configuration: Configuration) -> LabelPredictions:
        """Predict every label of every particle.

        Raises:
            GlassdynError: where the box is too small for the descriptors, or a position is not finite.
        """


class NetworkPredictor(NamedTuple):
    """A trained model: networks, or a regression on node features."""

    trained: TrainedModel

    @property
    def labels(self) -> Mapping[str, Mapping[str, Any]]:
        """See `Predictor`."""
        return {label: self.trained.labels[label] for label in self.trained.targets}

    def predict(self, configuration: Configuration) -> LabelPredictions:
        """See `Predictor`."""
        trained, spec = self.trained, spec_from_metadata(self.trained.structure)
        columns = columns_of_configuration(configuration, spec, trained.projection)
        features = NODE_FEATURES[trained.graph.nodes](columns)
        if trained.graph.positions == "inherent":
            configuration = configuration._replace(positions=columns["inherent_positions"])
        graph = build_graph(configuration, features, trained.graph)
        compared = _compared_features(trained.graph, spec, features.shape[1])
        mean, scale = (part.numpy()[compared] for part in trained.normalisation.nodes)
        return LabelPredictions(
            model_file.predict_labels(trained, graph),
            measure_excess(graph.x.numpy()[:, compared], mean, scale),
        )


def _compared_features(graph: Graph, spec: DescriptorSpec, features: int) -> NDArray[np.bool_]:
    """(F,) features by whose means liquids are told apart: a particle's own; within snapshots the type alone."""
    if graph.standardise == "training_set":
        return ~averaged_features(graph.nodes, spec, features)
    marks = {name: np.zeros((1, width), np.float32) for name, width in column_widths(spec).items()}
    marks |= {"type": np.ones((1, 1), np.float32), "components": np.zeros((1, features), np.float32)}
    is_type: NDArray[np.bool_] = NODE_FEATURES[graph.nodes](marks)[0] > 0
    return is_type


class LinearPredictor(NamedTuple):
    """A linear baseline.

    Attributes:
        baselines: all of a file.
        model: which of them.
    """

    baselines: Baselines
    model: str

    @property
    def labels(self) -> Mapping[str, Mapping[str, Any]]:
        """See `Predictor`."""
        perceptron = self.baselines.perceptron
        return {label: perceptron.labels[label] for label in perceptron.targets}

    def predict(self, configuration: Configuration) -> LabelPredictions:
        """See `Predictor`."""
        perceptron = self.baselines.perceptron
        spec = spec_from_metadata(perceptron.structure)
        inputs = inputs_from_configuration(configuration, spec, perceptron.graph, perceptron.projection)
        return LabelPredictions(
            predict_linear(self.baselines, self.model, inputs),
            measure_excess(inputs.columns["radial"], *self.baselines.radial),
        )


def load_predictor(path: Path, model: str | None = None) -> Predictor:
    """Read a model from the file of a network or of the baselines.

    Args:
        path: of the file.
        model: which of the baselines.

    Raises:
        TensorFileError: for a file that is absent, foreign, damaged or incomplete.
        ConfigurationError: where the file has no such model.
    """
    if read_format(path) == baselines_file.FORMAT:
        baselines = baselines_file.load(path)
        names = [*baselines.linear, "perceptron"]
        if model not in names:
            raise ConfigurationError(
                f"{path} holds several models: choose one of {', '.join(names)}, as in --model ridge: got {model}"
            )
        return (
            NetworkPredictor(baselines.perceptron)
            if model == "perceptron"
            else LinearPredictor(baselines, model)
        )
    trained = model_file.load(path)
    if model is not None:
        raise ConfigurationError(f"{path} holds one model: leave --model {model} out")
    return NetworkPredictor(trained)
