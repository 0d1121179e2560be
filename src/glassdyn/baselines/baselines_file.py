"""All baselines as one model file (`glassdyn.storage.tensor_file`): weights, and what is needed to use them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from glassdyn.baselines.features import FEATURES
from glassdyn.baselines.fit import Baselines, FeatureScale
from glassdyn.learning import model_file
from glassdyn.learning.linear import Linear
from glassdyn.storage.tensor_file import TensorFileError, arrays_under, read_arrays, write_arrays

__all__ = ["FORMAT", "load", "save"]

FORMAT = "glassdyn baselines 2"
"""Name and version of the format, the first thing that a reader checks."""


def save(path: Path, baselines: Baselines) -> None:
    """Write the baselines, whole or not at all; the same baselines give the same bytes."""
    description, weights = model_file.to_arrays(baselines.perceptron)
    arrays = {f"perceptron.{name}": array for name, array in weights.items()}
    arrays |= {f"radial.{field}": array for field, array in baselines.radial._asdict().items()}
    for name, model in baselines.linear.items():
        arrays |= {f"{name}.{field}": array for field, array in model._asdict().items()}
    write_arrays(path, {"format": FORMAT, "perceptron": description}, arrays)


def load(path: Path) -> Baselines:
    """Read the baselines.

    Raises:
        TensorFileError: with the reason, for a file that is absent, foreign, damaged or incomplete.
    """
    description, arrays = read_arrays(path, FORMAT)
    try:
        perceptron = model_file.from_arrays(
            path, description["perceptron"], arrays_under("perceptron.", arrays)
        )
        models = {name: Linear(**arrays_under(f"{name}.", arrays)) for name in FEATURES}
        radial = FeatureScale(**arrays_under("radial.", arrays))
    except (KeyError, TypeError) as error:
        raise TensorFileError(
            f"{path} does not hold all baselines: {error}; run `dvc repro baselines`"
        ) from None
    baselines = Baselines(models, radial, perceptron)
    _require_consistent(path, baselines)
    return baselines


def _require_consistent(path: Path, baselines: Baselines) -> None:
    """The numbers of features and targets agree."""
    features, targets = len(baselines.radial.mean), len(baselines.perceptron.targets)
    described = 2 * len(baselines.perceptron.structure["edges"]) - 1
    shapes: Mapping[str, tuple[tuple[int, ...], NDArray[Any]]] = {
        "radial mean": ((described,), baselines.radial.mean),
        "radial scale": ((described,), baselines.radial.scale),
        "weights of constant": ((features, targets), baselines.linear["constant"].weights),
        "weights of radial_ridge": ((features, targets), baselines.linear["radial_ridge"].weights),
        "weights of ridge": ((baselines.perceptron.sizes.nodes, targets), baselines.linear["ridge"].weights),
        "weights of averaged_ridge": ((3 * features, targets), baselines.linear["averaged_ridge"].weights),
        **{f"intercept of {name}": ((targets,), model.intercept) for name, model in baselines.linear.items()},
    }
    for name, (expected, array) in shapes.items():
        if array.shape != expected:
            raise TensorFileError(
                f"{path} contradicts itself in its {name}: {expected} and {array.shape}; run `dvc repro baselines`"
            )
