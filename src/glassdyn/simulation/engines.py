"""The engines by name."""

from glassdyn.simulation import hoomd, lammps
from glassdyn.simulation.engine import EngineModule

__all__ = ["engine_by_name", "uses_gpu"]

ENGINES: dict[str, EngineModule] = {"lammps": lammps, "hoomd": hoomd}


def engine_by_name(name: str) -> EngineModule:
    """The engine `lammps` or `hoomd`."""
    return ENGINES[name]


def uses_gpu(name: str) -> bool:
    """Whether runs of an engine take a GPU each, on this machine."""
    return name == "hoomd" and hoomd.uses_gpu()
