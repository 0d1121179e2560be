"""A trained network's predictions of recorded samples, as tables."""

from collections.abc import Sequence
from pathlib import Path

from glassdyn.learning.labelled_graphs import TableFolders, load_graph
from glassdyn.learning.model_file import TrainedModel, predict_labels
from glassdyn.storage.predictions import write_predictions

__all__ = ["predict_samples"]


def predict_samples(
    folder: Path,
    model: str,
    trained: TrainedModel,
    samples: Sequence[str],
    folders: TableFolders,
    *,
    selected_on: str,
    fold: int,
) -> None:
    """Write a table of predictions for every sample; no label of theirs is read.

    Args:
        folder: of all predictions.
        model: its name, such as "network".
        trained: the model.
        samples: their names.
        folders: of the tables.
        selected_on: the part of the split that the model was selected on.
        fold: the rotation of the split whose test copies these samples are from.

    Raises:
        TableError: as `load_graph`.
    """
    for sample in samples:
        graph = load_graph(sample, folders, trained.graph)
        write_predictions(
            folder,
            sample,
            model,
            species=graph.species.numpy(),
            predictions=predict_labels(trained, graph),
            metadata={"labels": trained.labels, "selected_on": selected_on, "fold": fold},
        )
