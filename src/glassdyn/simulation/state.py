"""The exact microstate of the liquid: what a run starts from and ends in.

Everything is kept in double precision, so that a run that is resumed from a file takes, to the bit, the steps
of an undisturbed run.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.liquid.box import wrap
from glassdyn.liquid.configuration import Configuration
from glassdyn.storage.hdf5 import StorageError, open_file, require_stored, small_file

__all__ = [
    "State",
    "StateError",
    "kinetic_energy",
    "load",
    "maxwell_boltzmann",
    "random_state",
    "remove_drift",
    "save",
    "state_at_rest",
    "with_kinetic_energy",
]

ARRAYS = {"positions": np.float64, "images": np.int64, "velocities": np.float64, "species": np.uint8}


class StateError(GlassdynError):
    """A state or a file of a state that breaks a rule."""


@dataclass(frozen=True)
class State:
    """A microstate; particles in the order of their identity.

    Attributes:
        positions: (N, 3) in the box, or slightly beside it, units of sigma_AA.
        images: (N, 3) boxes that each particle has crossed.
        velocities: (N, 3), units of sigma_AA / tau.
        species: (N,) 0 for A, 1 for B.
        box_length: L, units of sigma_AA.
        step: steps since the random positions.
        thermostat: (xi, eta) of a Nose-Hoover thermostat: its friction, units of 1 / tau, and the
            integral of it; zeros for other ensembles.
    """

    positions: NDArray[np.float64]
    images: NDArray[np.int64]
    velocities: NDArray[np.float64]
    species: NDArray[np.uint8]
    box_length: float
    step: int = 0
    thermostat: tuple[float, float] = (0.0, 0.0)

    @property
    def particles(self) -> int:
        """N."""
        return len(self.species)

    @property
    def degrees_of_freedom(self) -> int:
        """3 N - 3: the centre of mass is at rest."""
        return 3 * len(self.species) - 3

    @property
    def unwrapped(self) -> NDArray[np.float64]:
        """(N, 3) positions + L images, units of sigma_AA."""
        unwrapped: NDArray[np.float64] = self.positions + self.box_length * self.images
        return unwrapped


def random_state(species: NDArray[np.uint8], box_length: float, generator: np.random.Generator) -> State:
    """Draw uniformly random positions of particles at rest; they overlap until the energy is minimised."""
    shape = (len(species), 3)
    return State(
        positions=generator.uniform(0, box_length, shape),
        images=np.zeros(shape, np.int64),
        velocities=np.zeros(shape),
        species=species,
        box_length=box_length,
    )


def state_at_rest(configuration: Configuration) -> State:
    """The state of a configuration whose particles are at rest, its positions wrapped, images 0."""
    positions, species, box_length = configuration
    zeros = np.zeros_like(positions)
    return State(wrap(positions, box_length), zeros.astype(np.int64), zeros, species, box_length)


def maxwell_boltzmann(
    particles: int, temperature: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw velocities from the Maxwell-Boltzmann distribution, with the centre of mass at rest.

    Each component is normal with variance kT before the mean over particles is subtracted, so that
    <2 K> = (3 N - 3) kT.

    Returns:
        (N, 3), units of sigma_AA / tau.
    """
    return remove_drift(generator.normal(scale=float(np.sqrt(temperature)), size=(particles, 3)))


def remove_drift(velocities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Subtract the velocity of the centre of mass from (N, 3) velocities; all masses are 1."""
    peculiar: NDArray[np.float64] = velocities - velocities.mean(axis=0)
    return peculiar


def kinetic_energy(velocities: NDArray[np.float64]) -> float:
    """K = sum_i v_i^2 / 2, units of eps_AA."""
    return float(0.5 * np.einsum("ij,ij->", velocities, velocities))


def with_kinetic_energy(state: State, kinetic: float) -> State:
    """Bring the centre of mass to rest, then scale all velocities by one constant to the kinetic energy.

    Raises:
        StateError: for an energy that is not positive.
    """
    if not kinetic > 0:
        raise StateError(
            "the mean energy of the run must lie above the potential energy of its last configuration: "
            f"got K = {kinetic} left for the velocities; equilibrate longer (params.yaml: equilibrate)"
        )
    velocities = remove_drift(state.velocities)
    return replace(state, velocities=np.sqrt(kinetic / kinetic_energy(velocities)) * velocities)


def save(state: State, path: Path, **metadata: float | str) -> None:
    """Write a state atomically, with numbers that belong to it and strings about its origin.

    The same state and the same metadata give the same bytes.
    """
    with small_file(path) as file:
        for name in ARRAYS:
            file.create_dataset(
                name, data=getattr(state, name), track_times=False, fletcher32=True, chunks=True
            )
        file.attrs["box_length"], file.attrs["step"] = state.box_length, state.step
        file.attrs["thermostat"] = state.thermostat
        for name in sorted(metadata):
            file.attrs[name] = metadata[name]


def load(path: Path) -> tuple[State, dict[str, float]]:
    """Read a state and the numbers that were saved with it, without the strings.

    Raises:
        StateError: for a file that is missing, damaged, or holds no state.
    """
    try:
        with open_file(path) as file:
            arrays = {name: _read_array(file, name) for name in ARRAYS}
            attributes = dict(file.attrs)
        xi, eta = map(float, attributes.pop("thermostat"))
        box_length, step = float(attributes.pop("box_length")), int(attributes.pop("step"))
        numbers = {name: float(entry) for name, entry in attributes.items() if not isinstance(entry, str)}
    except (OSError, KeyError, RuntimeError, TypeError, ValueError, StorageError) as error:
        raise StateError(f"{path} holds no state that can be read: {error}; make it anew") from None
    state = State(**arrays, box_length=box_length, step=step, thermostat=(xi, eta))
    _require_consistent(path, state)
    return state, numbers


def _read_array(file: h5py.File, name: str) -> NDArray[Any]:
    require_stored(file[name])
    values: NDArray[Any] = file[name][()].astype(ARRAYS[name])
    return values


def _require_consistent(path: Path, state: State) -> None:
    shape = (state.particles, 3) if state.species.ndim == 1 else None
    shapes = {name: getattr(state, name).shape for name in ("positions", "images", "velocities")}
    if set(shapes.values()) != {shape} or not state.particles or (state.species > 1).any():
        raise StateError(
            "a state has (N, 3) positions, images and velocities, and (N,) species, 0 for A and 1 for B: got "
            f"{shapes} and species {state.species.shape} in {path}; make it anew"
        )
    numbers = [state.box_length, *state.thermostat]
    finite = all(np.isfinite(values).all() for values in (numbers, state.positions, state.velocities))
    if not finite or state.box_length <= 0 or state.step < 0:
        raise StateError(
            f"a state is finite, in a box of positive length, after 0 steps or more: got the box length "
            f"{state.box_length} and the step {state.step} in {path}; make it anew"
        )
