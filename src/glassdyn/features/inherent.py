"""The inherent structure: a configuration moved downhill to its minimum of the potential energy.

Source: Stillinger, Weber, Phys. Rev. A 25, 978 (1982).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glassdyn.liquid.box import wrap
from glassdyn.params import Potential
from glassdyn.simulation import engines
from glassdyn.simulation.state import State

__all__ = ["Quench"]


@dataclass(frozen=True)
class Quench:
    """The way downhill; call it on a configuration.

    Attributes:
        engine: lammps | hoomd.
        potential: that of the simulation.
    """

    engine: str
    potential: Potential

    def __call__(
        self, positions: NDArray[np.float64], species: NDArray[np.uint8], box_length: float
    ) -> NDArray[np.float64]:
        """(N, 3) positions at the minimum below (N, 3) positions, units of sigma_AA.

        Raises:
            EngineError: where no minimum is reached.
        """
        still = np.zeros_like(positions)
        state = State(wrap(positions, box_length), still.astype(np.int64), still, species, box_length)
        return engines.engine_by_name(self.engine).quench(state, self.potential).positions
