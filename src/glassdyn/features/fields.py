"""Local fields: a number for every particle that says how it sits among its neighbours.

A field is a function of the structures of a configuration, and a line in `FIELDS`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.features.debye_waller import log_debye_waller
from glassdyn.features.energies import ParticleEnergies, particle_energies
from glassdyn.features.minima import Minima, average_minima
from glassdyn.features.short_runs import Cage, ShortRuns, cage_displacements
from glassdyn.features.spec import DescriptorSpec
from glassdyn.liquid.box import minimum_image
from glassdyn.liquid.configuration import Configuration
from glassdyn.params import INHERENT_FIELDS

__all__ = ["FIELDS", "Structures", "compute_fields", "needs_engine", "needs_minimum"]

Values = NDArray[np.float64]

CAGE_FIELDS = ("cage_displacement", "cage_fluctuation", "cage_energy")


class Structures:
    """A configuration and what is derived from it, each computed when it is first asked for, and once.

    Attributes:
        configuration: as it is.
        spec: what determines the rest.
    """

    def __init__(self, configuration: Configuration, spec: DescriptorSpec) -> None:
        self.configuration = configuration
        self.spec = spec

    @cached_property
    def minimum(self) -> Configuration:
        """The nearest minimum of the potential energy; its positions are wrapped."""
        return self.spec.quench(self.configuration)

    @cached_property
    def thermal(self) -> ParticleEnergies:
        """Energies and forces of the configuration."""
        return particle_energies(self.configuration, self.spec.quench.potential)

    @cached_property
    def minima(self) -> Minima:
        """Means over the minima around the configuration."""
        extras = self.spec.extras
        return average_minima(
            self.configuration,
            self.minimum,
            self.spec.quench,
            self.runs,
            count=extras.minima,
            duration=extras.minima_time,
        )

    @cached_property
    def cage(self) -> Cage:
        """Mean positions over short runs, and fluctuations about them."""
        extras = self.spec.extras
        return cage_displacements(
            self.runs, self.configuration, count=extras.cage_runs, duration=extras.cage_time
        )

    @property
    def runs(self) -> ShortRuns:
        """How to run from the configuration."""
        if self.spec.short_runs is None:
            raise GlassdynError(
                "short runs need a temperature and a timestep: got none; leave the fields of minima and cages out "
                "(params.yaml: describe.fields)"
            )
        return self.spec.short_runs

    @cached_property
    def surroundings(self) -> Configuration:
        """Where neighbours are looked for: the minimum if a field needs it, the configuration itself otherwise."""
        return self.minimum if needs_minimum(self.spec.extras.fields) else self.configuration


def _inherent_energy(structures: Structures) -> Values:
    """Energy in the inherent structure, units of eps_AA."""
    return particle_energies(structures.minimum, structures.spec.quench.potential).energies


def _inherent_displacement(structures: Structures) -> Values:
    """Distance to the particle's place in the inherent structure, units of sigma_AA."""
    configuration, minimum = structures.configuration, structures.minimum
    return _norms(minimum_image(minimum.positions - configuration.positions, minimum.box_length))


def _cage_energy(structures: Structures) -> Values:
    """Energy where every particle is at its mean position over the short runs, units of eps_AA."""
    configuration = structures.configuration
    centres = configuration._replace(positions=configuration.positions + structures.cage.displacements)
    return particle_energies(centres, structures.spec.quench.potential).energies


def _norms(vectors: Values) -> Values:
    norms: Values = np.linalg.norm(vectors, axis=1)
    return norms


FIELDS: Mapping[str, Callable[[Structures], Values]] = {
    "energy": lambda structures: structures.thermal.energies,
    "force": lambda structures: _norms(structures.thermal.forces),
    "inherent_energy": _inherent_energy,
    "inherent_displacement": _inherent_displacement,
    "debye_waller": lambda structures: log_debye_waller(structures.minimum, structures.spec.quench.potential),
    "minima_energy": lambda structures: structures.minima.energies,
    "minima_displacement": lambda structures: _norms(structures.minima.displacements),
    "minima_fluctuation": lambda structures: structures.minima.fluctuations,
    "cage_displacement": lambda structures: _norms(structures.cage.displacements),
    "cage_fluctuation": lambda structures: structures.cage.fluctuations,
    "cage_energy": _cage_energy,
}
"""Each (N,) float64: energies in eps_AA, forces in eps_AA / sigma_AA, lengths in sigma_AA,
and the logarithm of the Debye-Waller factor, of sigma_AA^2."""


def needs_minimum(fields: Sequence[str]) -> bool:
    """Whether one of the fields is of the inherent structure."""
    return any(field in INHERENT_FIELDS for field in fields)


def needs_engine(fields: Sequence[str]) -> bool:
    """Whether one of the fields needs a quench or a run."""
    return needs_minimum(fields) or any(field in CAGE_FIELDS for field in fields)


def compute_fields(structures: Structures) -> Values:
    """(N, f) the fields that the specification asks for, in its order."""
    return np.column_stack([FIELDS[field](structures) for field in structures.spec.extras.fields])
