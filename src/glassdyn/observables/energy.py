"""Conservation laws along a run at constant energy: energy, temperature, centre of mass."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.storage.trajectory_writer import THERMODYNAMICS

__all__ = ["Energies", "drift", "energies_per_particle"]


class Energies(NamedTuple):
    """Thermodynamics of one recorded window, frame by frame; NaN where a file of another program does not hold them.

    Attributes:
        potential: (T,) U / N, units of eps_AA.
        kinetic: (T,) K / N, units of eps_AA.
        temperature: (T,) 2 K / (3 N - 3): the centre of mass is at rest, units of eps_AA / k_B.
        pressure: (T,) units of eps_AA / sigma_AA^3.
    """

    potential: NDArray[np.float64]
    kinetic: NDArray[np.float64]
    temperature: NDArray[np.float64]
    pressure: NDArray[np.float64]

    @property
    def total(self) -> NDArray[np.float64]:
        """(T,) energy per particle, units of eps_AA."""
        return self.potential + self.kinetic


def energies_per_particle(series: Mapping[str, NDArray[np.float64]], frames: int, particles: int) -> Energies:
    """Divide the recorded totals by the number of particles.

    Args:
        series: (T,) each of the THERMODYNAMICS, those of them that there are.
        frames: T.
        particles: N.
    """
    absent = np.full(frames, np.nan)
    potential, kinetic, pressure = (series.get(name, absent) for name in THERMODYNAMICS)
    return Energies(
        potential=potential / particles,
        kinetic=kinetic / particles,
        temperature=2 * kinetic / (3 * particles - 3),
        pressure=pressure,
    )


def drift(values: NDArray[np.float64]) -> float:
    """Change from the first to the last of evenly spaced values (T,) along the straight line through them."""
    if len(values) < 2:
        return 0.0
    x = np.linspace(-0.5, 0.5, len(values))
    return float(x @ values / (x @ x))
