"""The inherent structure: a configuration moved downhill to its minimum of the potential energy.

Source: Stillinger, Weber, Phys. Rev. A 25, 978 (1982).
"""

from dataclasses import dataclass

import numpy as np

from glassdyn.liquid.box import wrap
from glassdyn.liquid.configuration import Configuration
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

    def __call__(self, configuration: Configuration) -> Configuration:
        """Move a configuration to the minimum below it; its positions are wrapped.

        Raises:
            EngineError: where no minimum is reached.
        """
        positions, species, box_length = configuration
        at_rest = np.zeros_like(positions)
        state = State(wrap(positions, box_length), at_rest.astype(np.int64), at_rest, species, box_length)
        quenched = engines.engine_by_name(self.engine).quench(state, self.potential)
        return configuration._replace(positions=quenched.positions)
