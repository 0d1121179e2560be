"""What a unit of work costs: `benchmarks/rates.json`, which `make thesis-scale` writes."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from glassdyn.constraints import STRICT
from glassdyn.costs.work import KINDS, STAGES
from glassdyn.errors import GlassdynError

__all__ = ["RATES", "GpuRate", "Machine", "Memory", "Rates", "load_rates"]

RATES = Path("benchmarks/rates.json")

Fraction = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True, config=STRICT)
class Machine:
    """A machine.

    Attributes:
        processor: its model.
        cores: that a program may use.
        memory: GB.
    """

    processor: str
    cores: PositiveInt
    memory: PositiveFloat


@dataclass(frozen=True, config=STRICT)
class Memory:
    """Peak memory of one job of a stage: start + per_size x size, see `work.Work`.

    Attributes:
        start: GB.
        per_size: bytes.
    """

    start: NonNegativeFloat
    per_size: NonNegativeFloat


@dataclass(frozen=True, config=STRICT)
class GpuRate:
    """Molecular dynamics on a GPU.

    Attributes:
        device: its model.
        particle_steps: per second.
        source: who has measured it, on what.
    """

    device: str
    particle_steps: PositiveFloat
    source: str


@dataclass(frozen=True, config=STRICT)
class Rates:
    """What work costs.

    Attributes:
        machine: on which it was measured.
        source: how it was measured, on what.
        seconds: of processor time for a unit of each kind of work.
        start: seconds of processor time of every stage that do not depend on the size.
        memory: of every stage.
        compression: bytes of a trajectory over bytes of its positions as float32.
        gpu: molecular dynamics there, of the engine hoomd.
    """

    machine: Machine
    source: str
    seconds: dict[str, NonNegativeFloat]
    start: dict[str, NonNegativeFloat]
    memory: dict[str, Memory]
    compression: Fraction
    gpu: GpuRate | None = None


def load_rates(path: Path = RATES) -> Rates | None:
    """Read the rates; None where there are none.

    Raises:
        GlassdynError: for a file that states something else.
    """
    try:
        rates: Rates = TypeAdapter(Rates).validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise GlassdynError(f"{path} has the rates that `make thesis-scale` measures: {error}") from None
    missing = ({*KINDS} - rates.seconds.keys()) | ({*STAGES} - (rates.start.keys() & rates.memory.keys()))
    if missing:
        raise GlassdynError(
            f"{path} has the seconds of every kind of work, and the start and the memory of every stage: "
            f"{sorted(missing)} are missing; measure them by `make thesis-scale`"
        )
    return rates
