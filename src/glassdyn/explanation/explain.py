"""All explanations of a model, as tables."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.explanation.collinearity import vif_table
from glassdyn.explanation.distillation import Distillate, Tree, distil_linear, fit_tree, score_distillates
from glassdyn.explanation.examples import Part, Sample, make_part
from glassdyn.explanation.explained_model import ExplainedModel, Network
from glassdyn.explanation.feature_names import group_members, merge_by_place
from glassdyn.explanation.filters import attention_table, filter_table
from glassdyn.explanation.formulas import (
    Formula,
    FormulaSearch,
    search_formulas,
    select_shortest,
    select_variables,
)
from glassdyn.explanation.hidden_units import correlate, hidden_units
from glassdyn.explanation.importance import permutation_importance
from glassdyn.explanation.pair_table import explain_by_pairs
from glassdyn.explanation.standardised import r_squared
from glassdyn.learning.model_file import TrainedModel

__all__ = ["Explanation", "Parts", "Settings", "explain"]

Values = NDArray[np.float64]

SINGLE_FEATURES = 64
"""Features up to which each is permuted by itself, too."""

SINGLE_REPEATS = 2
"""Permutations of every sample for each single feature: there are many, and groups are what is read."""


class Settings(NamedTuple):
    """How much is computed.

    Attributes:
        repeats: permutations of every sample for each group.
        formulas: how formulas are looked for; None leaves them out.
        seed: of the permutations.
        refits: models of the same kind fitted to other copies, whose filters and attention are shown beside.
    """

    repeats: int = 5
    formulas: FormulaSearch | None = FormulaSearch()
    seed: int = 1
    refits: tuple[TrainedModel, ...] = ()


class Parts(NamedTuple):
    """The samples: explanations are fitted on the first, selected on the second and scored on the third."""

    train: Sequence[Sample]
    validation: Sequence[Sample]
    test: Sequence[Sample]


class Explanation(NamedTuple):
    """What is known of a model.

    Attributes:
        tables: name -> table.
        tree: the decision tree.
        names: of the columns that the tree may ask for.
    """

    tables: dict[str, pl.DataFrame]
    tree: Tree
    names: tuple[str, ...]


class Candidates(NamedTuple):
    """Named columns that trees and formulas may use: hand-made quantities, then the model's features.

    Attributes:
        names: (C,).
        train: (n, C) of the training particles.
        validation: of the validation particles.
        test: of the test particles.
    """

    names: tuple[str, ...]
    train: Values
    validation: Values
    test: Values


def explain(model: ExplainedModel, parts: Parts, settings: Settings) -> Explanation:
    """Explain a model.

    Args:
        model: what is explained.
        parts: samples with predictions, truth and quantities.
        settings: how much is computed.

    Raises:
        GlassdynError: for a model that predicts the same of all particles.
    """
    train, _, test = rows = (
        make_part(parts.train),
        make_part(parts.validation),
        make_part(parts.test),
    )
    _require_varying(train.prediction)
    candidates = _candidates(model, parts.train[0], rows)
    tree = fit_tree(candidates.names, candidates.train, candidates.test, train.prediction)
    pairs = explain_by_pairs(*parts)
    distillates = [*_linear(rows), pairs.distillate, tree.distillate]
    tables = {"pair_functions": pairs.table, **_importances(model, parts.test, settings)}
    if settings.formulas is not None:
        distillate, tables["formulas"] = _formula(candidates, rows, settings.formulas)
        distillates.append(distillate)
    tables["distillation"] = score_distillates(distillates, train, test)
    tables["correlations"] = _correlations(model, parts.test, test)
    tables |= _neighbour_tables(model, parts.test, pairs.table, settings.refits)
    tables["vif"] = vif_table([feature.name for feature in model.features], train.features)
    return Explanation(tables, tree, candidates.names)


def _require_varying(predictions: Values) -> None:
    if np.ptp(predictions) == 0:
        raise GlassdynError(
            f"a model is explained by what its predictions vary with: got {predictions[0]:g} for every A particle of "
            "the training copies; explain another model"
        )


def _candidates(model: ExplainedModel, sample: Sample, rows: Sequence[Part]) -> Candidates:
    names = (*sample.quantities, *(feature.name for feature in model.features))
    return Candidates(names, *(np.hstack((part.quantities, part.features)) for part in rows))


def _linear(rows: tuple[Part, Part, Part]) -> list[Distillate]:
    """Linear functions of what the model reads, and of what a physicist would look at."""
    train, held_out, test = rows
    columns = {
        "linear in the model's features": (train.features, held_out.features, test.features),
        "linear in hand-made quantities": (train.quantities, held_out.quantities, test.quantities),
    }
    return [distil_linear(name, values, rows) for name, values in columns.items()]


def _importances(
    model: ExplainedModel, samples: Sequence[Sample], settings: Settings
) -> dict[str, pl.DataFrame]:
    """Tables of groups, of what is a particle's own and its neighbourhood's, and of single features where few."""
    scored = [sample.scored for sample in samples]
    members, repeats = group_members(model.features), settings.repeats
    result = {
        name: permutation_importance(model, scored, groups, repeats=repeats, seed=settings.seed)
        for name, groups in (("importance", members), ("importance_by_place", merge_by_place(members)))
        if groups
    }
    if len(model.features) <= SINGLE_FEATURES:
        single = {feature.name: [k] for k, feature in enumerate(model.features) if feature.group != "type"}
        result["importance_of_features"] = permutation_importance(
            model, scored, single, repeats=min(repeats, SINGLE_REPEATS), seed=settings.seed
        )
    return result


def _formula(
    candidates: Candidates, rows: tuple[Part, Part, Part], search: FormulaSearch
) -> tuple[Distillate, pl.DataFrame]:
    """The selected formula, and the table of all."""
    train, held_out, _ = rows
    numbers = select_variables(candidates.train, train.prediction, search.variables)
    names = [candidates.names[k] for k in numbers]
    columns = [part[:, numbers] for part in candidates[1:]]
    formulas = search_formulas(names, columns[0], train.prediction, columns[1:], search)
    selected = select_shortest(formulas, 1, held_out.prediction)
    best = formulas[selected]
    distillate = Distillate("formula", best.length, best.predictions[0], best.predictions[2])
    return distillate, _formula_table(formulas, selected, rows)


def _formula_table(formulas: Sequence[Formula], selected: int, rows: tuple[Part, Part, Part]) -> pl.DataFrame:
    """Columns length, r2_train, r2_validation, r2_test, selected, formula."""
    names = ("r2_train", "r2_validation", "r2_test")
    return pl.DataFrame(
        [
            {
                "length": formula.length,
                **{
                    name: r_squared(part.prediction, said)
                    for name, part, said in zip(names, rows, formula.predictions, strict=True)
                },
                "selected": number == selected,
                "formula": formula.text,
            }
            for number, formula in enumerate(formulas)
        ]
    )


def _neighbour_tables(
    model: ExplainedModel, samples: Sequence[Sample], pairs: pl.DataFrame, refits: Sequence[TrainedModel]
) -> dict[str, pl.DataFrame]:
    """Radial filters with g(r) at their distances, and attention, of the kinds of networks that have them."""
    if not isinstance(model, Network):
        return {}
    graphs = [sample.scored.inputs.graph for sample in samples]
    filters = filter_table([model.trained, *refits])
    attention = attention_table([model.trained, *refits], [graph for graph in graphs if graph is not None])
    if not filters.is_empty():
        filters = filters.with_columns(
            _distribution(pairs, name, filters["distance"].to_numpy()) for name in ("AA", "AB")
        )
    return {name: table for name, table in (("filters", filters), ("attention", attention)) if len(table)}


def _distribution(pairs: pl.DataFrame, name: str, distances: Values) -> pl.Series:
    """g(r) of a pair of species at these distances, as column g_<name>."""
    rows = pairs.filter(pl.col("pair") == name)
    return pl.Series(f"g_{name}", np.interp(distances, rows["distance"], rows["g"]))


def _correlations(model: ExplainedModel, samples: Sequence[Sample], test: Part) -> pl.DataFrame:
    """Prediction, truth and hidden units against hand-made quantities and the model's own fields."""
    a_particles = [sample.scored.inputs.species == 0 for sample in samples]
    units = [hidden_units(model, sample.scored.inputs.graph) for sample in samples]
    outputs = {"prediction": test.prediction, "truth": test.truth} | {
        name: np.concatenate([unit[name][rows] for unit, rows in zip(units, a_particles, strict=True)])
        for name in units[0]
    }
    quantities = dict(zip(samples[0].quantities, test.quantities.T, strict=True)) | {
        feature.name: column
        for feature, column in zip(model.features, test.features.T, strict=True)
        if feature.group.startswith("own ")
    }
    return correlate(outputs, quantities, test.units)
