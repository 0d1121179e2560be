"""Durations of the simulation protocol, given in units of the declared tau_alpha, as steps and frames."""

from glassdyn.params import Simulation

__all__ = ["compute_frame_time", "count_frame_intervals", "count_steps"]


def compute_frame_time(simulation: Simulation) -> float:
    """Time from one frame to the next, units of tau."""
    return simulation.frame_steps * simulation.timestep


def count_steps(simulation: Simulation, duration: float) -> int:
    """Steps in a duration in units of tau_alpha."""
    return round(duration * simulation.tau_alpha / simulation.timestep)


def count_frame_intervals(simulation: Simulation, duration: float) -> int:
    """Frame intervals in a duration in units of tau_alpha: an even number, so that one frame is the middle."""
    return 2 * round(duration * simulation.tau_alpha / (2 * compute_frame_time(simulation)))
