"""How far a configuration lies from the liquid of the training samples, beyond what chance makes of so few particles.

With <x_f> the mean of feature f over the N particles of a configuration, m_f and s_f its mean and standard deviation
over the training particles,

    shift^2 = mean over f of ((<x_f> - m_f) / s_f)^2,    excess = sqrt(max(shift^2 - 1.6 / N, 0)).

Chance alone makes <shift^2> = C / N (1 + 1/n), with n training samples as large and C = N Var(<x_f>) / s_f^2, averaged
over f. C is not 1, as it would be for particles that do not know of each other, because a pair counts for both of its
particles. For counts of neighbours in narrow bins, of pairs at random, with a fraction c_X of species X: the neighbours
of species X that particles have in a bin are 2 P_XX + P_XY in all, of variance 4 <P_XX> + <P_XY> = N lambda (1 + c_X),
where one particle has the variance lambda; so C = 1 + c_X, and 3/2 in the mean over both species, whatever the
composition and however many bins there are. In the liquid it is 1.3 to 1.5 for 40 bins and more, at T = 0.44 to 2 and
N = 1000 to 4096, less in bins so wide that the liquid is incompressible in them (0.9 for 10), and 1.6 = 3/2 (1 + 1/15).
The number of features does not enter the mean. It narrows the spread: at N = 1000 samples of the training liquid reach
excesses of 0.03 for 21 features, 0.013 for 161.

A model file does not state n, and 15 is taken for it. With fewer training samples chance is more than that: of one, as
large as the configuration, 3 / N, an excess of sqrt(1.4 / N), which is 0.08 at N = 200 and 0.05 at N = 560.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CHANCE", "MAX_EXCESS", "measure_excess", "measure_shift"]

CHANCE = 1.6
"""N <shift^2> of a sample of the training liquid, after 15 training samples of its size."""

MAX_EXCESS = 0.05
"""Beyond which a configuration is of another liquid: trained at T = 0.6, samples at T = 1 have 0.065, at T = 2 0.14, a
partly crystalline one 0.09; 20 % more density make 0.5, other proportions of A and B as much."""


def measure_shift(features: NDArray[np.floating], mean: NDArray[Any], scale: NDArray[Any]) -> float:
    """Root mean square, over features, of what their means over particles differ by, in standard deviations.

    Features are type, radial descriptors and fields of the particles themselves. Averages over neighbours are left out:
    their own deviations are so small that every sample would differ. Of features that are standardised within the snapshot
    the type is compared alone, which is left as it is: no temperature is noticed then.

    Args:
        features: (N, F) of the configuration.
        mean: (F,) over the training particles.
        scale: (F,) their standard deviation.
    """
    shifts = (features.mean(axis=0, dtype=np.float64) - mean) / scale  # (F,)
    return float(np.sqrt(np.mean(shifts**2)))


def measure_excess(features: NDArray[np.floating], mean: NDArray[Any], scale: NDArray[Any]) -> float:
    """The shift beyond chance: 0 where chance explains it, or nothing is compared; arguments as `measure_shift`."""
    if not features.shape[1]:
        return 0.0
    shift = measure_shift(features, mean, scale)
    return float(np.sqrt(max(shift**2 - CHANCE / len(features), 0.0)))
