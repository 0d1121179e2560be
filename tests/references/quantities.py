"""Hand-made quantities by double loops over particles."""

import math

import numpy as np


def shortest(difference, box_length):
    return difference - box_length * np.round(difference / box_length)


def distances_from(i, positions, box_length):
    return [math.dist((0, 0, 0), shortest(r - positions[i], box_length)) for r in positions]


def coarse_density_by_loop(i, positions, box_length, length):
    norm = (2 * math.pi * length**2) ** 1.5
    reach = min(4 * length, box_length / 2)
    return sum(
        math.exp(-(r**2) / (2 * length**2)) / norm
        for j, r in enumerate(distances_from(i, positions, box_length))
        if j != i and r < reach
    )


def coordination_by_loop(i, positions, species, box_length, kind, reach):
    distances = distances_from(i, positions, box_length)
    return sum(1 for j, r in enumerate(distances) if j != i and r < reach and species[j] == kind)


def two_body_entropy_by_loop(i, positions, species, box_length, *, reach, width, step):
    """The integral as a sum of rectangles, g ln g by the limit 0 where g is 0."""
    distances, total = distances_from(i, positions, box_length), 0.0
    for kind in sorted(set(species)):
        members = [j for j in range(len(species)) if species[j] == kind]
        density = len(members) / box_length**3
        for k in range(1, round(reach / step) + 1):
            r, g = k * step, 0.0
            for j in members:
                if j != i and distances[j] < reach + 4 * width:
                    gaussian = math.exp(-((r - distances[j]) ** 2) / (2 * width**2)) / (
                        math.sqrt(2 * math.pi) * width
                    )
                    g += gaussian / (4 * math.pi * r**2 * density)
            total += density * step * r**2 * ((g * math.log(g) if g > 0 else 0.0) - g + 1)
    return -2 * math.pi * total


def vif_by_regressions(features):
    """1 / (1 - R^2) of each column on the others."""
    centred = features - features.mean(axis=0)
    factors = []
    for column in range(features.shape[1]):
        others = np.delete(centred, column, axis=1)
        weights, *_ = np.linalg.lstsq(others, centred[:, column], rcond=None)
        residual = centred[:, column] - others @ weights
        factors.append(centred[:, column].var() / residual.var())
    return np.array(factors)
