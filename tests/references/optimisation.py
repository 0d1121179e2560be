"""Averages of weights, from their definition."""

import numpy as np


def exponential_average(path, decay):
    """(T, P) weights -> (P,): sum_n c_n w_n, where c_n = (1 - d_n) d_(n+1) ... d_(T-1), d_0 = 0.

    d_n = min(decay, (1 + n) / (10 + n)): the updates before the weights w_n.
    """
    steps = np.arange(len(path))
    decays = np.minimum(decay, (1 + steps) / (10 + steps))
    decays[0] = 0.0
    shares = [(1 - decays[step]) * np.prod(decays[step + 1 :]) for step in steps]
    return np.array(shares) @ path
