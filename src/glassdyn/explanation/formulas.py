"""A prediction as a short formula, by symbolic regression.

Formulas are evolved by multi-objective genetic programming, their error against their length, their constants fitted
by least squares. Variables are standardised, z = (x - <x>) / std x, and so is the target: constants can be compared.

Source: Burlacu, Kronberger & Kommenda, "Operon C++", GECCO 2020; the library pyoperon.
"""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import sympy
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import OrthogonalMatchingPursuit

from glassdyn.explanation.standardised import standardise_varying

__all__ = ["Formula", "FormulaSearch", "search_formulas", "select_shortest", "select_variables"]

Values = NDArray[np.float64]

SYMBOLS = "add,sub,mul,div,exp,square,constant,variable"
"""What formulas are made of."""

ROWS = 2000
"""Particles that formulas are fitted to, taken at random."""

TOLERANCE = 0.05
"""Share of the variance that a shorter formula may have less than the best."""

DIGITS = 3
"""Significant digits of the constants that are printed; evaluation has all of them."""


class FormulaSearch(NamedTuple):
    """How formulas are looked for.

    Attributes:
        variables: number of variables, those of `select_variables`.
        length: most symbols of a formula.
        population: formulas of a generation.
        evaluations: formulas and gradients evaluated at the most.
        seed: of the choice of particles, and of the evolution.
    """

    variables: int = 8
    length: int = 20
    population: int = 300
    evaluations: int = 50_000
    seed: int = 1


class Formula(NamedTuple):
    """A formula of the front: no shorter one has a smaller error on the training rows.

    Attributes:
        length: number of its symbols.
        text: with names of variables, z(name), for the standardised target.
        predictions: (parts) of (n,) values in the target's unit, for the training rows and each further part.
    """

    length: int
    text: str
    predictions: tuple[Values, ...]


def select_variables(candidates: Values, targets: Values, count: int) -> list[int]:
    """Numbers of the columns that a linear function needs first, by orthogonal matching pursuit.

    A variable that counts only in a product with another is not seen.

    Args:
        candidates: (n, C) columns; one that does not vary is not taken.
        targets: (n,).
        count: how many.

    Source: Pati, Rezaiifar & Krishnaprasad, Asilomar 1993.
    """
    varying, standardised = standardise_varying(candidates)
    pursuit = OrthogonalMatchingPursuit(n_nonzero_coefs=min(count, len(varying)))
    with warnings.catch_warnings():
        # a target that fewer columns explain entirely
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        pursuit.fit(standardised, targets)
    order = np.argsort(-np.abs(pursuit.coef_), kind="stable")[: min(count, len(varying))]
    return [int(varying[k]) for k in order]


def search_formulas(
    names: Sequence[str], train: Values, targets: Values, others: Sequence[Values], search: FormulaSearch
) -> list[Formula]:
    """Formulas of the targets, short and bad ones to long and good ones.

    Args:
        names: (V,) of the variables.
        train: (n, V) variables of the training rows.
        targets: (n,) what the formulas are to give.
        others: (m, V) variables of further parts, on which formulas are evaluated.
        search: how to look for them.

    Returns:
        One formula of each length of the front; the same on every call.
    """
    generator = np.random.default_rng(search.seed)
    rows = generator.permutation(len(train))[:ROWS]
    mean, scale = train.mean(axis=0), train.std(axis=0)
    centre, spread = targets.mean(), targets.std()
    regressor = _make_regressor(search)
    regressor.fit((train[rows] - mean) / scale, (targets[rows] - centre) / spread)
    parts = [(part - mean) / scale for part in (train, *others)]
    return [
        Formula(
            solution["length"],
            _write(regressor.get_model_string(solution["tree"], 8), names),
            tuple(
                centre + spread * regressor.evaluate_model(solution["tree"], part).astype(np.float64)
                for part in parts
            ),
        )
        for solution in _first_of_each_length(regressor.pareto_front_)
    ]


def _make_regressor(search: FormulaSearch) -> Any:
    from pyoperon.sklearn import SymbolicRegressor  # noqa: PLC0415 (seconds, which other explanations need not wait)

    return SymbolicRegressor(
        allowed_symbols=SYMBOLS,
        objectives=["r2", "length"],
        population_size=search.population,
        generations=10**6,
        max_evaluations=search.evaluations,
        max_length=search.length,
        optimizer_iterations=5,
        n_threads=1,
        random_state=search.seed,
    )


def _first_of_each_length(front: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The best formula of each length, the shortest first."""
    ordered = sorted(front, key=lambda each: (each["length"], each["mean_squared_error"]))
    best = {each["length"]: each for each in reversed(ordered)}
    return [best[length] for length in sorted(best)]


def _write(infix: str, names: Sequence[str]) -> str:
    """The formula with names, its constants put together and rounded."""
    symbols = {f"X{number + 1}": sympy.Symbol(f"z({name})") for number, name in enumerate(names)}
    expression = sympy.sympify(infix.replace("^", "**"), locals=symbols)
    rounded = {number: sympy.Float(number, DIGITS) for number in expression.atoms(sympy.Float)}
    return str(expression.xreplace(rounded))


def select_shortest(formulas: Sequence[Formula], part: int, targets: Values) -> int:
    """Number of the shortest formula whose R^2 is at most `TOLERANCE` below the best.

    A formula that is not finite for a particle of any part, such as a quotient or an exponential, is passed over.

    Args:
        formulas: by length.
        part: index of the predictions that are scored.
        targets: (n,) of that part.
    """
    errors = np.array([np.mean((targets - formula.predictions[part]) ** 2) for formula in formulas])
    finite = [all(np.isfinite(values).all() for values in formula.predictions) for formula in formulas]
    errors[~np.array(finite)] = np.inf
    return int(np.flatnonzero(errors <= errors.min() + TOLERANCE * targets.var())[0])
