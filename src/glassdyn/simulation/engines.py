"""The engines by name."""

from glassdyn.simulation import hoomd, lammps
from glassdyn.simulation.engine import EngineModule

__all__ = ["named"]

ENGINES: dict[str, EngineModule] = {"lammps": lammps, "hoomd": hoomd}


def named(name: str) -> EngineModule:
    """The engine `lammps` or `hoomd`."""
    return ENGINES[name]
