"""A model that has learnt elsewhere, applied to the test copies of a run, beside the run's own models."""

import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from glassdyn.folds import tested_in
from glassdyn.params import Params
from glassdyn.prediction.frames import ConfigurationError
from glassdyn.prediction.predictors import LinearPredictor, NetworkPredictor, Predictor
from glassdyn.storage.predictions import write_predictions
from glassdyn.storage.snapshots import read_snapshot
from glassdyn.storage.trajectory import copy_of, sample_names

__all__ = ["Transfer", "at_temperature", "list_test_samples", "transfer_model"]

NAME = re.compile(r"\w[\w.-]*", re.ASCII)


class Transfer(NamedTuple):
    """What was predicted.

    Attributes:
        labels: targets of the run that the model predicts.
        distribution_shift: the largest; see `distribution_shift.measure_excess`.
    """

    labels: tuple[str, ...]
    distribution_shift: float


def list_test_samples(params: Params, snapshots: Path) -> list[str]:
    """Names of the samples that a run evaluates.

    Raises:
        ConfigurationError: where there are no snapshots of the test copies.
        TrajectoryError: where there are none at all.
    """
    tested = tested_in(params.split, params.evaluate.folds)
    samples = [name for name in sample_names(snapshots) if copy_of(name) in tested]
    if not samples:
        raise ConfigurationError(
            f"the test copies have at least one sample: {snapshots} has none of copies {list(tested)} (params.yaml: "
            "split.test)"
        )
    return samples


def at_temperature(predictor: Predictor, temperature: float) -> Predictor:
    """The same model, whose node features take velocities of short runs from another temperature.

    Args:
        predictor: a network, a regression or a baseline.
        temperature: of the liquid that it is applied to, units of eps_AA / k_B.
    """
    if isinstance(predictor, NetworkPredictor):
        trained = predictor.trained
        return NetworkPredictor(trained._replace(structure=_set_temperature(trained.structure, temperature)))
    if isinstance(predictor, LinearPredictor):
        perceptron = predictor.baselines.perceptron
        changed = perceptron._replace(structure=_set_temperature(perceptron.structure, temperature))
        return predictor._replace(baselines=predictor.baselines._replace(perceptron=changed))
    raise TypeError(f"a model of this project: got {type(predictor)}")


def _set_temperature(structure: dict[str, Any], temperature: float) -> dict[str, Any]:
    runs = structure.get("short_runs")
    return structure | {"short_runs": runs | {"temperature": temperature}} if runs else structure


def transfer_model(
    predictor: Predictor,
    name: str,
    params: Params,
    samples: Sequence[str],
    *,
    data: Path = Path("data"),
    advance: Callable[[float], None] = lambda _samples: None,
) -> Transfer:
    """Predict the targets of a run for some samples; tables are all there in the end, or none.

    Node features are computed from the snapshots, as the model's file says, so that those of the run may be others.

    Args:
        predictor: the model.
        name: that it has among the run's models.
        params: of the run.
        samples: those that the run evaluates, see `list_test_samples`.
        data: the run's folder of tables.
        advance: called with 1 after each sample.

    Raises:
        ConfigurationError: for a name that is taken or is none of a folder, or a model that predicts no target.
        GlassdynError: as `Predictor.predict`.
    """
    folder = data / "predictions"
    _require_new(folder, name)
    labels, model = (
        _shared_labels(predictor, params.loss.targets),
        at_temperature(predictor, params.liquid.temperature),
    )
    shifts = []
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as scratch:
        for sample in samples:
            configuration = read_snapshot(data / "snapshots" / f"{sample}.parquet")
            predicted = model.predict(configuration)
            columns = {label: predicted.labels[label] for label in labels}
            species = configuration.species
            write_predictions(Path(scratch), sample, name, species=species, predictions=columns, metadata={})
            shifts.append(predicted.distribution_shift)
            advance(1)
        (Path(scratch) / name).rename(folder / name)
    return Transfer(labels, max(shifts))


def _require_new(folder: Path, name: str) -> None:
    if not NAME.fullmatch(name) or (folder / name).exists():
        raise ConfigurationError(
            f"a model has a name of its own, of letters, digits, _, - and .: got {name!r} beside {folder}/*; take "
            "another, such as network_T0.50, or remove that folder"
        )


def _shared_labels(predictor: Predictor, targets: Sequence[str]) -> tuple[str, ...]:
    """Targets of the run that a model predicts."""
    labels = tuple(label for label in targets if label in predictor.labels)
    if not labels:
        raise ConfigurationError(
            f"a model predicts one of the targets at least, {', '.join(targets)} (params.yaml: loss.targets): got "
            f"{', '.join(predictor.labels)}; take a model of these, or change the targets"
        )
    return labels
