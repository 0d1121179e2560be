"""HOOMD-blue as an engine, 4.8 or later: processors or a GPU, double precision, XPLOR of its own.

HOOMD is not on PyPI: conda-forge has it (see `environments/` in the repository). The environment variable
GLASSDYN_DEVICE is auto (a GPU where there is one), cpu or gpu. On a processor a run repeats to the bit; on a
GPU neighbours are sorted to that end, but other sums may be taken in no fixed order.

HOOMD holds Python's lock while it runs: other threads advance only where they need no Python, or in a callback.

Source: Anderson, Glaser, Glotzer, Comput. Mater. Sci. 173, 109363 (2020).
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from glassdyn.liquid.box import wrap
from glassdyn.liquid.potential import EPSILON, SIGMA
from glassdyn.params import Potential
from glassdyn.simulation.engine import (
    FORCE_TOLERANCE,
    Bussi,
    EngineError,
    Ensemble,
    Integrator,
    NoseHoover,
    Thermodynamics,
    quench_error,
)
from glassdyn.simulation.state import State

__all__ = ["HoomdEngine", "device", "quench", "remove_overlaps", "start", "uses_gpu", "version"]

TYPES = ("A", "B")

BUFFER = 0.3
"""Range of the neighbour lists beyond the cutoff, sigma_AA."""

SOFT_FORCE = 100.0
"""Force between soft spheres at distance 0, eps_AA / sigma_AA."""

QUENCH_ROUNDS, QUENCH_STEPS = 500, 200
"""Rounds of a quench at most, and steps of FIRE in each; the forces are checked between rounds."""

BLOWN_UP = ("has NaN", "no longer in the simulation box")
"""Parts of HOOMD's messages where the timestep is too long."""


class HoomdEngine:
    """A running simulation; see `engine.Engine`."""

    def __init__(self, state: State, integrator: Integrator, ensemble: Ensemble) -> None:
        md = _library().md
        self._start = state
        self._shift = state.box_length * state.images
        self._simulation = _create_simulation(state, ensemble.seed if isinstance(ensemble, Bussi) else 0)
        self._pair = _pair_force(integrator.potential, state.box_length)
        self._thermostat = _thermostat(state, ensemble)
        all_particles = _library().filter.All()
        method = md.methods.ConstantVolume(filter=all_particles, thermostat=self._thermostat)
        self._simulation.operations.integrator = md.Integrator(
            dt=integrator.timestep, methods=[method], forces=[self._pair]
        )
        self._thermo = md.compute.ThermodynamicQuantities(filter=all_particles)
        self._simulation.operations.computes.append(self._thermo)
        self._in_callback = False
        _run(self._simulation, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del self._thermo, self._pair, self._thermostat, self._simulation

    @property
    def step(self) -> int:
        """The present step, counted from the random positions."""
        return int(self._simulation.timestep)

    def advance(self, steps: int, interval: int = 0, callback: Callable[[], None] | None = None) -> None:
        """Integrate, with a callback after every interval, without leaving HOOMD's own loop."""
        if interval and callback:
            self._advance_with_callback(steps, interval, callback)
        else:
            _run(self._simulation, steps)

    def unwrapped(self) -> NDArray[np.float64]:
        """(N, 3) positions + L images, units of sigma_AA."""
        with (
            self._simulation.state.cpu_local_snapshot as data
        ):  # its arrays are safe in NumPy's functions only
            particles = data.particles
            shifts = np.multiply(self._start.box_length, particles.image)
            unwrapped: NDArray[np.float64] = np.take(shifts + particles.position, particles.rtag, axis=0)
        unwrapped += self._shift
        return unwrapped

    def forces(self) -> NDArray[np.float64]:
        """(N, 3), units of eps_AA / sigma_AA."""
        forces: NDArray[np.float64] = np.array(self._pair.forces)
        return forces

    def thermodynamics(self) -> Thermodynamics:
        """Energies and pressure at the present step."""
        if not self._in_callback:
            self._simulation.always_compute_pressure = True
            self._simulation.run(0)
            self._simulation.always_compute_pressure = False
        quantities = self._thermo.potential_energy, self._thermo.kinetic_energy, self._thermo.pressure
        return Thermodynamics(*map(float, quantities))

    def state(self) -> State:
        """The present state, in full precision."""
        present = _read_state(self._simulation, self._start)
        xi, eta = getattr(self._thermostat, "translational_dof", (0, 0))
        return replace(present, step=self.step, thermostat=(float(xi), float(eta)))

    def _advance_with_callback(self, steps: int, interval: int, callback: Callable[[], None]) -> None:
        writer = _callback_writer(callback, interval, self.step)
        self._simulation.operations.writers.append(writer)
        self._in_callback = True
        try:
            _run(self._simulation, steps)
        finally:
            self._in_callback = False
            self._simulation.operations.writers.remove(writer)


def start(state: State, integrator: Integrator, ensemble: Ensemble) -> HoomdEngine:
    """Open HOOMD on a state."""
    return HoomdEngine(state, integrator, ensemble)


def remove_overlaps(state: State, potential: Potential) -> State:
    """Minimise the energy of a random state by FIRE: of soft spheres first, whose forces are bounded.

    Source: Bitzek, Koskinen, Gaehler, Moseler, Gumbsch, Phys. Rev. Lett. 97, 170201 (2006).
    """
    simulation = _create_simulation(state, 0)
    for pair in (_soft_sphere_force(), _pair_force(potential, state.box_length)):
        fire = _fire_minimiser(pair, timestep=0.005, tolerance=0.1)
        simulation.operations.integrator = fire
        for _ in range(200):
            _run(simulation, 50)
            if fire.converged:
                break
    return _read_state_at_rest(simulation, state)


def quench(state: State, potential: Potential) -> State:
    """Minimise the exact potential energy by FIRE."""
    simulation, pair = _create_simulation(state, 0), _pair_force(potential, state.box_length)
    simulation.operations.integrator = _fire_minimiser(pair, timestep=0.02, tolerance=0.0)
    _run(simulation, 0)
    for _ in range(QUENCH_ROUNDS):
        if _largest_force(pair) <= FORCE_TOLERANCE:
            return _read_state_at_rest(simulation, state)
        _run(simulation, QUENCH_STEPS)
    raise quench_error(_largest_force(pair))


def uses_gpu() -> bool:
    """Whether a run takes a GPU: GLASSDYN_DEVICE is gpu, or auto and there is one here."""
    setting = os.environ.get("GLASSDYN_DEVICE", "auto")
    if setting not in {"auto", "cpu", "gpu"}:
        raise EngineError(f"GLASSDYN_DEVICE is auto, cpu or gpu: got {setting!r}")
    return setting == "gpu" or (setting == "auto" and bool(_available_gpus()))


def device() -> str:
    """HOOMD's description of the device that runs are computed on."""
    return str(_device().device)


def version() -> str:
    """Version of the library."""
    return str(_library().version.version)


@cache
def _library() -> Any:
    try:
        return import_module("hoomd")
    except ImportError as error:
        raise EngineError(
            "simulation.engine is hoomd, and HOOMD-blue is not installed here "
            f"({error}). It is not on PyPI: `conda env create -f environments/hoomd-gpu.yml`, or hoomd-cpu.yml, "
            "gets it from conda-forge; or take the other engine (params.yaml: simulation.engine: lammps)"
        ) from None


@cache
def _device() -> Any:
    """The device of this process: making one takes long on a GPU."""
    devices = _library().device
    if not uses_gpu():
        return devices.CPU()
    if not _available_gpus():
        reasons = "; ".join(devices.GPU.get_unavailable_device_reasons()) or "no device"
        raise EngineError(
            f"GLASSDYN_DEVICE is gpu, and HOOMD finds none here ({reasons}): install its build for GPUs "
            "(environments/hoomd-gpu.yml), run where there is one, or set GLASSDYN_DEVICE=cpu"
        )
    return devices.GPU(gpu_id=0)


def _available_gpus() -> list[str]:
    """The GPUs of this machine; `GPU.is_available()` says what HOOMD was built for."""
    return list(_library().device.GPU.get_available_devices())


def _create_simulation(state: State, seed: int) -> Any:
    """A simulation with the particles of a state, without an integrator; HOOMD's box is centred at 0."""
    hoomd = _library()
    box_length = state.box_length
    snapshot = hoomd.Snapshot()
    snapshot.configuration.box = [box_length] * 3 + [0] * 3
    particles = snapshot.particles
    particles.N, particles.types = state.particles, list(TYPES)
    beyond = state.positions >= box_length / 2
    particles.position[:] = np.where(beyond, state.positions - box_length, state.positions)
    particles.image[:] = beyond
    particles.velocity[:] = state.velocities
    particles.typeid[:] = state.species
    simulation = hoomd.Simulation(device=_device(), seed=seed)
    simulation.timestep = state.step
    simulation.create_state_from_snapshot(snapshot)
    return simulation


def _read_state(simulation: Any, origin: State) -> State:
    """The present state of a simulation, its images added to those of its origin."""
    particles = simulation.state.get_snapshot().particles
    inside = wrap(particles.position, origin.box_length)
    crossed = np.rint((particles.position - inside) / origin.box_length)
    images = origin.images + particles.image + crossed.astype(np.int64)
    return replace(origin, positions=inside, images=images, velocities=np.array(particles.velocity))


def _read_state_at_rest(simulation: Any, origin: State) -> State:
    return replace(_read_state(simulation, origin), velocities=np.zeros_like(origin.velocities))


def _fire_minimiser(pair: Any, *, timestep: float, tolerance: float) -> Any:
    """FIRE until the root mean square force is below the tolerance; a tolerance of 0 is never reached."""
    md = _library().md
    return md.minimize.FIRE(
        dt=timestep,
        force_tol=tolerance,
        angmom_tol=tolerance,
        energy_tol=1e-4,
        methods=[md.methods.ConstantVolume(filter=_library().filter.All())],
        forces=[pair],
    )


def _largest_force(pair: Any) -> float:
    return float(np.abs(pair.forces).max())


def _soft_sphere_force() -> Any:
    """Repulsion that falls linearly to 0 at sigma_XY."""
    md = _library().md
    pair = md.pair.DPDConservative(nlist=_neighbour_list())
    for types, _, sigma in _pair_parameters():
        pair.params[types] = {"A": SOFT_FORCE}
        pair.r_cut[types] = sigma
    return pair


def _pair_parameters() -> Iterator[tuple[tuple[str, str], float, float]]:
    """Types, epsilon and sigma of AA, AB and BB."""
    for x, y in ((0, 0), (0, 1), (1, 1)):
        yield (TYPES[x], TYPES[y]), float(EPSILON[x, y]), float(SIGMA[x, y])


def _neighbour_list() -> Any:
    return _library().md.nlist.Cell(buffer=BUFFER, deterministic=True)


def _pair_force(potential: Potential, box_length: float) -> Any:
    md, reach = _library().md, potential.r_cut * float(SIGMA.max()) + BUFFER
    if box_length <= 2 * reach:
        raise EngineError(
            f"HOOMD needs a box wider than 2 (r_cut + {BUFFER}) = {2 * reach:g}: got {box_length:.4g}; take more "
            "particles (params.yaml: liquid.particles), or the other engine (simulation.engine: lammps)"
        )
    pair = md.pair.LJ(nlist=_neighbour_list(), mode=potential.truncation)
    for types, epsilon, sigma in _pair_parameters():
        pair.params[types] = {"epsilon": epsilon, "sigma": sigma}
        pair.r_cut[types] = potential.r_cut * sigma
        pair.r_on[types] = potential.r_on * sigma
    return pair


def _thermostat(state: State, ensemble: Ensemble) -> Any:
    thermostats = _library().md.methods.thermostats
    if isinstance(ensemble, NoseHoover):
        thermostat = thermostats.MTTK(kT=ensemble.temperature, tau=ensemble.time)
        thermostat.translational_dof = state.thermostat
        return thermostat
    if isinstance(ensemble, Bussi):
        return thermostats.Bussi(kT=ensemble.temperature, tau=ensemble.time)
    return None


def _callback_writer(callback: Callable[[], None], interval: int, first: int) -> Any:
    """An operation of HOOMD's loop that calls back, and asks for the pressure at the steps when it does."""
    hoomd = _library()

    class Callback(hoomd.custom.Action):  # type: ignore[misc, name-defined]
        flags = (hoomd.custom.Action.Flags.PRESSURE_TENSOR,)

        def act(self, timestep: int) -> None:  # noqa: ARG002
            callback()

    trigger = hoomd.trigger.Periodic(interval, first % interval)
    return hoomd.write.CustomWriter(action=Callback(), trigger=trigger)


def _run(simulation: Any, steps: int) -> None:
    try:
        simulation.run(steps)
    except RuntimeError as error:
        advice = "; take a shorter timestep (params.yaml: simulation.timestep)"
        blown_up = any(message in str(error) for message in BLOWN_UP)
        raise EngineError(
            f"HOOMD stopped after step {simulation.timestep}: {error}{advice if blown_up else ''}"
        ) from error
