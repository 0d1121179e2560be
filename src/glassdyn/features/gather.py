"""The columns that gather fields: `local`, averages over neighbourhoods, and `shells`, sums by distance."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glassdyn.features.fields import Structures
from glassdyn.features.neighbourhoods import average_neighbourhoods
from glassdyn.features.shells import centre_by_species, count_shells, sum_shells
from glassdyn.params import Describe

__all__ = ["local_features", "local_width", "own_width", "shell_features", "shells_width", "split_species"]

ENERGIES = ("energy", "inherent_energy", "minima_energy", "cage_energy")
"""Fields whose values for A and B lie so far apart that they count as two."""

Values = NDArray[np.float64]


def local_features(structures: Structures, fields: Values) -> Values:
    """A particle's own fields, then composition and fields averaged over neighbourhoods of each length.

    Args:
        structures: neighbours are looked for in their `surroundings`, as far as `r_local`, or the last bin edge.
        fields: (N, f) as `compute_fields`.

    Returns:
        (N, F), F = `local_width`: own values; then for each length the share of B and the averages of own values.
    """
    spec, surroundings = structures.spec, structures.surroundings
    own = split_species(fields, spec.extras.fields, surroundings.species)
    values = np.column_stack((surroundings.species == 1, own))
    reach = spec.extras.r_local or spec.edges[-1]
    averages = average_neighbourhoods(surroundings, values, spec.extras.lengths, reach)
    return np.concatenate((own, averages), axis=1)


def split_species(fields: Values, names: Sequence[str], species: NDArray[np.uint8]) -> Values:
    """Put energies into a column of each species, 0 for the other species' particles.

    Args:
        fields: (N, f).
        names: of the fields.
        species: (N,).

    Returns:
        (N, C) float64: two columns for an energy, one for any other field.
    """
    columns = []
    for name, field in zip(names, fields.T, strict=True):
        if name in ENERGIES:
            columns += [field * (species == 0), field * (species == 1)]
        else:
            columns.append(field)
    return np.column_stack(columns)


def local_width(names: Sequence[str], lengths: Sequence[float]) -> int:
    """F of `local_features`."""
    own = own_width(names)
    return own + len(lengths) * (own + 1)


def own_width(names: Sequence[str]) -> int:
    """C of `split_species`."""
    return sum(2 if name in ENERGIES else 1 for name in names)


def shell_features(structures: Structures, fields: Values) -> Values:
    """Neighbours and their fields in triangular shells, by species; the particle's own are the column `fields`.

    Args:
        structures: neighbours are looked for in their `surroundings`.
        fields: (N, f) as `compute_fields`; taken less the mean of their species in the configuration.

    Returns:
        (N, F), F = `shells_width`.
    """
    extras, surroundings = structures.spec.extras, structures.surroundings
    ones = np.ones((len(fields), 1))
    values = np.concatenate((ones, centre_by_species(fields, surroundings.species)), axis=1)
    return sum_shells(surroundings, values, radius=extras.shells, width=extras.shell_width)


def shells_width(extras: Describe) -> int:
    """F of `shell_features`."""
    return 2 * (1 + len(extras.fields)) * count_shells(extras.shells, extras.shell_width)
