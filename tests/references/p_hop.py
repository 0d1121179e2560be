"""p_hop as thesis 2.15 and the recursion define it."""

import numpy as np

__all__ = ["p_hop_series"]


def p_hop_series(track, hops, interval):
    """(T,) p_hop of a (T, 3) track with a time `interval` between frames."""
    splits, parts = {}, []

    def divide(t1, t2):
        candidates = range(t1 + hops.min_segment - 1, t2 - hops.min_segment + 2)
        if not candidates:
            parts.append((t1, t2, None))
            return
        values = [_p_of(track, t1, t, t2, hops.weight) for t in candidates]
        best = int(np.argmax(values))
        if values[best] < hops.p_c:
            parts.append((t1, t2, values[best]))
            return
        splits[candidates[best]] = values[best]
        divide(t1, candidates[best])
        divide(candidates[best], t2)

    divide(0, len(track) - 1)
    labels = np.empty(len(track))
    for t1, t2, largest in parts:
        for t in range(t1, t2 + 1):
            nearest = min((abs(t - split), -p) for split, p in splits.items()) if splits else (np.inf, 0.0)
            inside = nearest[0] * interval <= hops.t_f + 1e-9
            labels[t] = -nearest[1] if inside or largest is None else largest
    return labels


def _p_of(track, t1, t, t2, weight):
    """p(t) for the window [t1, t2] of a (T, 3) track, from averages over U = [t1, t] and V = [t, t2]."""
    U, V = track[t1 : t + 1], track[t : t2 + 1]
    square_v = ((V - U.mean(axis=0)) ** 2).sum(axis=1).mean()
    square_u = ((U - V.mean(axis=0)) ** 2).sum(axis=1).mean()
    x = (t - t1) / (t2 - t1)
    factor = np.sqrt(x * (1 - x)) if weight == "barycentric" else 1.0
    return np.sqrt(factor * np.sqrt(square_v) * np.sqrt(square_u))
