"""What simple models keep of a trained one: fitted to its predictions, scored on copies that they have not seen."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeRegressor, export_text

from glassdyn.correlation import pearson
from glassdyn.explanation.examples import Part
from glassdyn.explanation.intervals import mean_and_error
from glassdyn.explanation.standardised import r_squared
from glassdyn.learning import linear
from glassdyn.learning.linear import select_ridge, sum_moments

__all__ = ["Distillate", "Tree", "distil_linear", "fit_tree", "score_distillates"]

Values = NDArray[np.float64]

DEPTH = 3
"""Questions of the tree on the way to a leaf: as many as a person can hold at once."""

PER_LEAF = 50
"""Training particles of a leaf at least."""


class Distillate(NamedTuple):
    """A simple model of a model.

    Attributes:
        name: what it is.
        parameters: how many numbers it has.
        train: (n,) what it says of the training particles, in the label's unit.
        test: (m,) what it says of the test particles.
    """

    name: str
    parameters: int
    train: Values
    test: Values


class Tree(NamedTuple):
    """A shallow decision tree.

    Attributes:
        distillate: what it says.
        text: its questions, indented.
        regressor: the tree of scikit-learn, for its picture.
    """

    distillate: Distillate
    text: str
    regressor: Any


def distil_linear(
    name: str, columns: tuple[Values, Values, Values], parts: tuple[Part, Part, Part]
) -> Distillate:
    """Ridge regression of the model's predictions, its penalty selected on the validation samples.

    Args:
        name: of the distillate.
        columns: (n, F) of the training, the validation and the test particles.
        parts: training, validation, test.
    """
    train, held_out = (
        sum_moments([(values, part.prediction[:, None])])
        for values, part in zip(columns[:2], parts[:2], strict=True)
    )
    fitted, _ = select_ridge(train, held_out)
    said = [linear.predict(fitted, columns[k])[:, 0] for k in (0, 2)]
    return Distillate(name, columns[0].shape[1] + 1, said[0], said[1])


def fit_tree(names: Sequence[str], train: Values, test: Values, predictions: Values) -> Tree:
    """A decision tree of `DEPTH` questions.

    Args:
        names: (C,) of the candidates.
        train: (n, C) candidates of the training particles.
        test: (m, C) of the test particles.
        predictions: (n,) of the model for the training particles.

    Source: Breiman, Friedman, Olshen & Stone, Classification and Regression Trees (1984).
    """
    regressor = DecisionTreeRegressor(max_depth=DEPTH, min_samples_leaf=PER_LEAF, random_state=0)
    regressor.fit(train, predictions)
    said = [regressor.predict(rows) for rows in (train, test)]
    text = export_text(regressor, feature_names=list(names), decimals=4)
    # a threshold for each question and a number for each leaf
    return Tree(Distillate("decision tree", int(regressor.tree_.node_count), *said), text, regressor)


def score_distillates(distillates: Sequence[Distillate], train: Part, test: Part) -> pl.DataFrame:
    """How much each keeps of the model's variance, and how well it does by itself.

    R^2 = 1 - sum (m - d)^2 / sum (m - <m>)^2 over the particles of each copy, or sample where there is one copy, m the
    model's predictions and d the distillate's; Pearson's coefficient with the truth likewise; means and standard errors
    over these.

    Args:
        distillates: to score.
        train: that they were fitted on.
        test: that they have not seen.

    Returns:
        Columns explanation, parameters, r2_train, r2, r2_error, pearson, pearson_error; the model itself comes first.
    """
    model = Distillate("the model", 0, train.prediction, test.prediction)
    return pl.DataFrame([_score(each, train, test) for each in (model, *distillates)])


def _score(distillate: Distillate, train: Part, test: Part) -> dict[str, Any]:
    units = [test.units == unit for unit in np.unique(test.units)]
    fractions = [r_squared(test.prediction[rows], distillate.test[rows]) for rows in units]
    rhos = [pearson(test.truth[rows], distillate.test[rows]) for rows in units]
    return {
        "explanation": distillate.name,
        "parameters": distillate.parameters or None,
        "r2_train": r_squared(train.prediction, distillate.train),
        **mean_and_error("r2", fractions),
        **mean_and_error("pearson", rhos),
    }
