"""Sets in the format of Bapst et al.: one pickled map of arrays a configuration."""

import pickle

import numpy as np

from liquids import liquid

TIMES, RUNS, PARTICLES = 10, 4, 200
VALUES = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, np.exp(-1))
"""Of the self-intermediate scattering function at the times of the targets."""


def contents(seed, *, runs=RUNS):
    """What a file holds; with targets where there are no runs."""
    generator = np.random.default_rng(seed)
    positions, species, box_length = liquid(seed, PARTICLES)
    steps = generator.normal(scale=0.3, size=(TIMES, max(runs, 1), PARTICLES, 3))
    ends = positions + steps
    file = {
        "positions": positions,
        "types": species.astype(np.int32),
        "box": np.full(3, box_length),
        "time": [0.003 * 2**k for k in range(TIMES)],
        "time_indices": list(range(TIMES)),
        "is_values": np.array(VALUES),
        "metadata": {"temperature": 0.44, "pressure": 2.93, "fluid": "Kob Andersen"},
    }
    if runs:
        return file | {"trajectory_target_positions": [list(of_time) for of_time in ends]}
    return file | {"targets": list(np.linalg.norm(ends - positions, axis=3).mean(axis=1))}


def dump(path, value, protocol=3):
    """Write it as their program did."""
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path
