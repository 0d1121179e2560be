"""The potential as LAMMPS commands: exactly, or as a spline of its energies and forces.

HOOMD's XPLOR switches the energy as CHARMM does, so that three instances of `lj/charmm/coul/charmm`, one
for each pair of species because its cutoffs are global, are the potential exactly. Half of the pairs within
the cutoff lie in the switched tail, which no processor predicts. A spline has no such branch: at 4000
points it is 1.3 times faster, and its forces are within 1e-6 of the largest, their root mean square error
within 3e-7 of theirs. More points cost more cache misses than they gain in accuracy.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from glassdyn.liquid.potential import EPSILON, SIGMA, pair_interaction
from glassdyn.params import Potential

__all__ = ["atom_style", "pair_commands"]

PAIRS = ((0, 0), (0, 1), (1, 1))
"""Species of AA, AB and BB."""

CLOSEST = 0.5
"""Where the spline begins, sigma_XY: particles of a liquid never come so close."""


def atom_style(potential: Potential) -> str:
    """LAMMPS's atom style: CHARMM's pair style needs charges."""
    exact = potential.truncation == "xplor" and potential.spline_points == 0
    return "charge" if exact else "atomic"


@contextmanager
def pair_commands(potential: Potential) -> Iterator[list[str]]:
    """Yield commands that set the pair potential; files that they name exist as long as the context."""
    if potential.truncation == "shift":
        yield _shift_commands(potential)
    elif potential.spline_points == 0:
        yield _xplor_commands(potential)
    else:
        with TemporaryDirectory() as folder:
            yield _spline_commands(potential, Path(folder) / "pairs.table")


def _shift_commands(potential: Potential) -> list[str]:
    longest = float(potential.r_cut * SIGMA.max())
    coefficients = [
        f"pair_coeff {x + 1} {y + 1} {EPSILON[x, y]} {SIGMA[x, y]} {float(potential.r_cut * SIGMA[x, y])!r}"
        for x, y in PAIRS
    ]
    return [f"pair_style lj/cut {longest!r}", *coefficients, "pair_modify shift yes"]


def _xplor_commands(potential: Potential) -> list[str]:
    """All charges are 0: their range, 0.01 to 0.02, is as short as LAMMPS allows."""
    style, styles, coefficients = "lj/charmm/coul/charmm", "", []
    for instance, (x, y) in enumerate(PAIRS, 1):
        on, cut = float(potential.r_on * SIGMA[x, y]), float(potential.r_cut * SIGMA[x, y])
        styles += f" {style} {on!r} {cut!r} 0.01 0.02"
        coefficients.append(f"pair_coeff {x + 1} {y + 1} {style} {instance} {EPSILON[x, y]} {SIGMA[x, y]}")
    return [f"pair_style hybrid{styles}", *coefficients]


def _spline_commands(potential: Potential, path: Path) -> list[str]:
    path.write_text("".join(_spline_table(potential, x, y) for x, y in PAIRS))
    coefficients = [
        f"pair_coeff {x + 1} {y + 1} {path} PAIR{x}{y} {float(potential.r_cut * SIGMA[x, y])!r}"
        for x, y in PAIRS
    ]
    return [f"pair_style table spline {potential.spline_points}", *coefficients]


@cache  # a job of many short runs opens as many instances
def _spline_table(potential: Potential, x: int, y: int) -> str:
    """Energies and forces at points equally spaced in r^2, which LAMMPS then takes as they are."""
    points, sigma = potential.spline_points, float(SIGMA[x, y])
    first, last = CLOSEST * sigma, potential.r_cut * sigma
    distances = np.sqrt(np.linspace(first**2, last**2, points))
    ones = np.ones(points)
    energies, forces = pair_interaction(distances, EPSILON[x, y] * ones, sigma * ones, potential)
    columns = zip(range(1, points + 1), distances.tolist(), energies.tolist(), forces.tolist(), strict=True)
    rows = "\n".join(f"{row} {r!r} {u!r} {f!r}" for row, r, u, f in columns)
    return f"PAIR{x}{y}\nN {points} RSQ {first!r} {last!r}\n\n{rows}\n\n"
