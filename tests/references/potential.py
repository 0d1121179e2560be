"""The Lennard-Jones potential with the numbers of the thesis, one pair at a time."""

EPSILON = {"AA": 1.0, "AB": 1.5, "BB": 0.5}
SIGMA = {"AA": 1.0, "AB": 0.8, "BB": 0.88}


def lennard_jones(r, pair):
    """V(r) of thesis 2.1, neither cut nor smoothed, with the depths of 2.2 and the diameters of 2.3; pair: AA, AB or BB."""
    return 4 * EPSILON[pair] * ((SIGMA[pair] / r) ** 12 - (SIGMA[pair] / r) ** 6)
