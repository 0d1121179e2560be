"""The wavelet transform of a trajectory: displacement on a scale, odd in time about a frame.

C^d(a, t) = integral of r^d(s) a^(-1/2) psi((s - t) / a) ds, psi(u) = -C u exp(-u^2) (thesis 2.16)
m(a) = sqrt( sum_d C^d(a, t)^2 ) (thesis 2.17)

C = 2 (2/pi)^(1/4) gives psi the norm 1. psi is odd, so the sum over frames is one over differences
r(t + k) - r(t - k): no constant offset enters, and reversed time changes the sign only.
"""

from collections.abc import Sequence

import numpy as np
import pywt
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.labels.label import Kernel, Label, Window
from glassdyn.liquid.compiled import compiled
from glassdyn.params import Wavelets

__all__ = ["CWT", "NORM", "SIDE", "check_scales", "difference_weights", "scalogram", "wavelet_at"]

NORM = 2 * (2 / np.pi) ** 0.25
"""C = 1.78648768."""

SIDE = 4
"""Scales of trajectory that a wavelet needs on both sides of the frame."""

SUPPORT = 6.5
"""Scales beyond which u exp(-u^2) is below 3e-18: nothing in float64."""


def check_scales(scales: Sequence[int], half: int) -> None:
    """Refuse scales, in frames, too long for `half` frames on each side of the middle.

    Raises:
        GlassdynError: naming the longest that fits.
    """
    if SIDE * max(scales) > half:
        raise GlassdynError(
            f"a scale needs {SIDE} scales of trajectory on both sides of the middle frame: got "
            f"{max(scales)} frames with {half} on each side; the longest that fits is {half // SIDE} "
            "(params.yaml: wavelets.scales, record.duration)"
        )


def difference_weights(scales: Sequence[int], half: int, interval: float) -> list[NDArray[np.float64]]:
    """Weights of the differences r(t + k) - r(t - k), k = 1, 2, ...: dt a^(-1/2) psi(k / a).

    Args:
        scales: in frames.
        half: frames on each side.
        interval: dt, time between frames, units of tau.

    Returns:
        For each scale an array as long as its wavelet, or as `half`; units of tau^(1/2).
    """
    check_scales(scales, half)
    weights = []
    for scale in scales:
        u = np.arange(1, min(half, int(np.ceil(SUPPORT * scale))) + 1) / scale
        weights.append(-interval / np.sqrt(scale * interval) * NORM * u * np.exp(-(u**2)))
    return weights


def wavelet_at(
    positions: NDArray[np.float64], frame: int, weights: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Labels m(a) at one frame, by direct summation over as many frames on either side.

    Args:
        positions: (n, 3, T) unwrapped, units of sigma_AA.
        frame: at least as far from both ends as the weights are long.
        weights: see `difference_weights`.

    Returns:
        (n, K) for K scales, units of sigma_AA tau^(1/2).
    """
    labels = np.empty((len(positions), len(weights)))
    for column, weight in enumerate(weights):
        _wavelet_at(positions, frame, weight, labels[:, column])
    return labels


def scalogram(positions: NDArray[np.float64], scales: Sequence[int], interval: float) -> NDArray[np.float64]:
    """Transform of one particle at every frame, through PyWavelets (wavelet gaus1).

    Within four scales of the ends the window is too short for the scale; the trajectory is taken to stand
    still before its first and after its last frame there.

    Args:
        positions: (3, T), units of sigma_AA.
        scales: in frames.
        interval: time between frames, units of tau.

    Returns:
        (K, 3, T) coefficients C^d(a, t), units of sigma_AA tau^(1/2).
    """
    margin = int(np.ceil(SUPPORT * max(scales)))
    padded = np.pad(positions - positions[:, :1], ((0, 0), (margin, margin)), mode="edge")
    coefficients, _ = pywt.cwt(padded, scales, "gaus1", method="fft", axis=-1)
    inside: NDArray[np.float64] = coefficients[..., margin : margin + positions.shape[1]] * np.sqrt(interval)
    return inside


@compiled
def _wavelet_at(
    positions: NDArray[np.float64],
    frame: int,
    weight: NDArray[np.float64],
    labels: NDArray[np.float64],
) -> None:
    for particle in range(len(positions)):
        x, y, z = positions[particle, 0], positions[particle, 1], positions[particle, 2]
        c_x = c_y = c_z = 0.0
        for k in range(1, len(weight) + 1):
            c_x += weight[k - 1] * (x[frame + k] - x[frame - k])
            c_y += weight[k - 1] * (y[frame + k] - y[frame - k])
            c_z += weight[k - 1] * (z[frame + k] - z[frame - k])
        labels[particle] = np.sqrt(c_x * c_x + c_y * c_y + c_z * c_z)


def _prepare(wavelets: Wavelets, window: Window) -> Kernel:
    half = min(window.frame, window.frames - 1 - window.frame)
    weights = difference_weights(wavelets.scales, half, window.interval)
    return lambda tracks: wavelet_at(tracks, window.frame, weights)


def _symbol(column: str) -> str:
    return f"$m(a)$, $a$ = {column.removeprefix('cwt_')} frames"


CWT = Label(
    name="cwt",
    section="wavelets",
    parameters=Wavelets,
    columns=lambda wavelets: [f"cwt_{scale}" for scale in wavelets.scales],
    prepare=_prepare,
    symbol=_symbol,
    unit=r"$\sigma_{AA}\,\tau^{1/2}$",
    density_unit=r"$\sigma_{AA}^{-1}\,\tau^{-1/2}$",
    scale="log",
)
