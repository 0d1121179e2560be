"""Variance inflation factors: whether the weights of a linear model mean anything by themselves."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from glassdyn.explanation.standardised import standardise_varying

__all__ = ["TOO_LARGE", "variance_inflation", "vif_table"]

Values = NDArray[np.float64]

TOO_LARGE = 10.0
"""Factor above which a weight is not read: nine tenths of the feature's variance lie in the others."""

LARGEST = 1e8
"""Factors are cut off here: beyond it a feature is a linear function of others, to rounding."""


def variance_inflation(features: Values) -> Values:
    """(F,) variance inflation factors, NaN for a feature that does not vary.

    VIF_f = 1 / (1 - R_f^2) = [C^-1]_ff, at most `LARGEST`

    R_f^2: share of the feature's variance that a linear function of the others has; C: matrix of correlations. The
    variance of a fitted weight is so many times that among independent features.

    Args:
        features: (n, F) of n particles.

    Source: Belsley, Kuh & Welsch, Regression Diagnostics (1980), chapter 3.
    """
    varying, standardised = standardise_varying(features)
    correlation = standardised.T @ standardised / len(features)
    correlation[np.diag_indices_from(correlation)] += 1 / LARGEST
    factors = np.full(features.shape[1], np.nan)
    factors[varying] = np.clip(np.diag(np.linalg.inv(correlation)), 1.0, LARGEST)
    return factors


def vif_table(names: Sequence[str], features: Values) -> pl.DataFrame:
    """Columns feature, vif and readable, whether the factor is at most `TOO_LARGE`; null where a feature does not vary.

    Args:
        names: (F,) of the features.
        features: (n, F) of the A particles of the training samples.
    """
    factors = pl.Series("vif", variance_inflation(features)).fill_nan(None)
    return pl.DataFrame({"feature": list(names), "vif": factors}).with_columns(
        readable=pl.col("vif") <= TOO_LARGE
    )
