"""The inherent structure: a configuration moved downhill to its minimum of the potential energy.

Source: Stillinger, Weber, Phys. Rev. A 25, 978 (1982).
"""

from dataclasses import dataclass

from glassdyn.liquid.configuration import Configuration
from glassdyn.params import Potential
from glassdyn.simulation import engines
from glassdyn.simulation.state import state_at_rest

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
        quenched = engines.engine_by_name(self.engine).quench(state_at_rest(configuration), self.potential)
        return configuration._replace(positions=quenched.positions)
