"""The hop indicator p_hop: how far the mean positions before and after a moment lie apart.

p(t) = sqrt( <(r - <r>_U)^2>_V^(1/2) <(r - <r>_V)^2>_U^(1/2) ), U = [t1, t], V = [t, t2] (thesis 2.15)

The window is split at t* = argmax p(t), and each part in turn, as long as p(t*) >= p_c and both sides hold
`min_segment` frames. Frames within t_f of a split have the value of the nearest one, the larger of two equally
near. Any other frame has the largest p of its own final part; in a part too short to be tested it has the
value of the nearest split.

With the means m and variances s^2 of both sides, <(r - m_U)^2>_V = s_V^2 + (m_U - m_V)^2.

Source: Candelier, Dauchot, Biroli, Phys. Rev. Lett. 102, 088001 (2009), whose factor sqrt(x (1 - x)), x the
place in the window, is the weight `barycentric`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.labels.label import Kernel, Label, Window
from glassdyn.liquid.compiled import compiled
from glassdyn.params import Hops

__all__ = ["P_HOP", "HopCriteria", "criteria_in_frames", "p_hop_at", "p_hop_series"]


class HopCriteria(NamedTuple):
    """The parameters of p_hop in units of frames.

    Attributes:
        p_c: the least p of a split, sigma_AA.
        reach: frames within this distance of a split have its value.
        shortest: frames that each side of a split holds at least.
        barycentric: whether sqrt(x (1 - x)) stands inside the outer square root.
    """

    p_c: float
    reach: int
    shortest: int
    barycentric: bool


class Workspace(NamedTuple):
    """Memory that is used again for each particle; T frames.

    Attributes:
        sums: (4, T + 1) running sums of x, y, z and x^2 + y^2 + z^2, the first of them 0.
        values: (T,) p^4 of every split that is possible.
        inverse: (T + 1,) 1 / n; the first is not used.
        backward: (T + 1,) the same from n = T down.
    """

    sums: NDArray[np.float64]
    values: NDArray[np.float64]
    inverse: NDArray[np.float64]
    backward: NDArray[np.float64]


def criteria_in_frames(hops: Hops, interval: float) -> HopCriteria:
    """Parameters in frames, for a time `interval` between them, units of tau."""
    reach = int(np.floor(hops.t_f / interval + 1e-6))  # t_f / interval is 50 - 7e-15 for 5 and 0.1
    return HopCriteria(hops.p_c, reach, hops.min_segment, hops.weight == "barycentric")


def p_hop_at(tracks: NDArray[np.float64], frame: int, criteria: HopCriteria) -> NDArray[np.float64]:
    """(n,) p_hop at one frame: only the parts that hold it are split.

    A split outside of a part that holds the frame is never nearer than the ends of that part, which are
    splits themselves; so no further part has to be split.

    Each part costs a pass over its frames. For a caged particle that is one pass over the track; the more a track
    splits, the more passes. Means over walkers with D = 2.8e-5 in a cage (the liquid at T = 0.45; frames every 0.1,
    p_c = 0.16, min_segment = 50): 2, 7, 13 and 20 passes for T = 2001, 6001, 20001 and 60001. The worst is steady
    drift, whose best splits lie min_segment from the ends: T / min_segment parts.

    Args:
        tracks: (n, 3, T) positions, unwrapped, units of sigma_AA.
        frame: at least 0, below T.
        criteria: see `criteria_in_frames`.

    Raises:
        GlassdynError: where the window holds no two segments.
    """
    _check_window(tracks.shape[2], criteria)
    labels = np.empty(len(tracks))
    _hop_at(tracks, frame, criteria, labels)
    return labels


def p_hop_series(tracks: NDArray[np.float64], criteria: HopCriteria) -> NDArray[np.float64]:
    """(n, T) p_hop at every frame; arguments and errors as in `p_hop_at`."""
    _check_window(tracks.shape[2], criteria)
    labels = np.empty((tracks.shape[0], tracks.shape[2]))
    _hop_series(tracks, criteria, labels)
    return labels


def _check_window(frames: int, criteria: HopCriteria) -> None:
    if frames < 2 * criteria.shortest - 1:
        raise GlassdynError(
            f"p_hop needs a window of two segments, 2 min_segment - 1 = {2 * criteria.shortest - 1} frames: "
            f"got {frames} (params.yaml: hops.min_segment, record.duration)"
        )


@compiled
def _allocate(frames: int) -> Workspace:
    inverse = np.ones(frames + 1)
    for n in range(1, frames + 1):
        inverse[n] = 1.0 / n
    return Workspace(np.zeros((4, frames + 1)), np.empty(frames), inverse, inverse[::-1].copy())


@compiled
def _split(
    track: NDArray[np.float64], first: int, last: int, criteria: HopCriteria, workspace: Workspace
) -> tuple[int, float]:
    """Frame and p of the best split of the frames first ... last; the earliest of equals."""
    frames = last - first + 1
    _sum_up(track, first, last, workspace.sums)
    low, count = criteria.shortest - 1, frames - 2 * criteria.shortest + 2
    values = workspace.values[:count]
    _fill_values(workspace, low, frames, values)
    if criteria.barycentric:
        weight = 1.0 / (frames - 1) ** 2
        for k in range(count):
            values[k] *= weight * (low + k) * (frames - 1 - low - k)
    # numbers that are not negative are ordered as their bits, which the processor compares several at a time
    bits = values.view(np.int64)
    largest, best = bits[0], 0
    for k in range(count):
        largest = max(largest, bits[k])
    while bits[best] != largest:
        best += 1
    return first + low + best, np.sqrt(np.sqrt(values[best]))


@compiled
def _sum_up(track: NDArray[np.float64], first: int, last: int, sums: NDArray[np.float64]) -> None:
    """Fill the running sums of the frames first ... last.

    Of positions relative to the first: the sums stay small, and variances are differences of them.
    """
    sum_x, sum_y, sum_z, sum_square = sums[0], sums[1], sums[2], sums[3]
    start_x, start_y, start_z = track[0, first], track[1, first], track[2, first]
    all_x = all_y = all_z = all_square = 0.0
    for k in range(last - first + 1):
        x, y, z = track[0, first + k] - start_x, track[1, first + k] - start_y, track[2, first + k] - start_z
        all_x += x
        all_y += y
        all_z += z
        all_square += x * x + y * y + z * z
        sum_x[k + 1], sum_y[k + 1], sum_z[k + 1], sum_square[k + 1] = all_x, all_y, all_z, all_square


@compiled
def _fill_values(workspace: Workspace, low: int, frames: int, values: NDArray[np.float64]) -> None:
    """Fill p^4, without weight, of the splits at low, low + 1, ...: U has low + k + 1 frames, V has frames - low - k.

    Arrays are cut so that all have the same index: only then are several splits computed at a time.
    """
    count = len(values)
    u, v = slice(low + 1, low + 1 + count), slice(low, low + count)
    sums, start = workspace.sums, len(workspace.backward) - 1 - frames + low
    inverse_u, inverse_v = workspace.inverse[u], workspace.backward[start : start + count]
    sum_u_x, sum_u_y, sum_u_z, sum_u_square = sums[0, u], sums[1, u], sums[2, u], sums[3, u]
    sum_v_x, sum_v_y, sum_v_z, sum_v_square = sums[0, v], sums[1, v], sums[2, v], sums[3, v]
    all_x, all_y, all_z, all_square = sums[0, frames], sums[1, frames], sums[2, frames], sums[3, frames]
    for k in range(count):
        u_x, v_x = sum_u_x[k] * inverse_u[k], (all_x - sum_v_x[k]) * inverse_v[k]
        u_y, v_y = sum_u_y[k] * inverse_u[k], (all_y - sum_v_y[k]) * inverse_v[k]
        u_z, v_z = sum_u_z[k] * inverse_u[k], (all_z - sum_v_z[k]) * inverse_v[k]
        square = (u_x - v_x) ** 2 + (u_y - v_y) ** 2 + (u_z - v_z) ** 2
        variance_u = sum_u_square[k] * inverse_u[k] - (u_x * u_x + u_y * u_y + u_z * u_z)
        variance_v = (all_square - sum_v_square[k]) * inverse_v[k] - (v_x * v_x + v_y * v_y + v_z * v_z)
        values[k] = max(variance_u + square, 0.0) * max(variance_v + square, 0.0)


@compiled
def _nearest(frame: int, first: int, last: int, left: float, right: float) -> tuple[int, float]:
    """Distance and p of the nearer end of a part that is a split (p >= 0); the larger p of equals."""
    before = frame - first if left >= 0 else 1 << 60
    after = last - frame if right >= 0 else 1 << 60
    if before == after:
        return before, max(left, right)
    return (before, left) if before < after else (after, right)


@compiled
def _hop_at(
    tracks: NDArray[np.float64],
    frame: int,
    criteria: HopCriteria,
    labels: NDArray[np.float64],
) -> None:
    workspace = _allocate(tracks.shape[2])
    for particle in range(len(tracks)):
        first, last = 0, tracks.shape[2] - 1
        left = right = -1.0  # p of the splits at both ends; the window's own ends are none
        while True:
            distance, p = _nearest(frame, first, last, left, right)
            if distance == 0 or last - first + 1 < 2 * criteria.shortest - 1:
                break
            split, largest = _split(tracks[particle], first, last, criteria, workspace)
            if largest < criteria.p_c:
                p = p if distance <= criteria.reach else largest
                break
            if frame < split:
                last, right = split, largest
            else:
                first, left = split, largest
        labels[particle] = p


@compiled
def _hop_series(tracks: NDArray[np.float64], criteria: HopCriteria, labels: NDArray[np.float64]) -> None:
    frames = tracks.shape[2]
    workspace = _allocate(frames)
    ends = np.empty((frames + 1, 2), np.int64)  # parts still to be split, the earliest on top
    values = np.empty((frames + 1, 2))  # p at their ends
    for particle in range(len(tracks)):
        ends[0, 0], ends[0, 1] = 0, frames - 1
        values[0, 0] = values[0, 1] = -1.0
        waiting = 1
        while waiting > 0:
            waiting -= 1
            first, last = ends[waiting]
            left, right = values[waiting]
            split, largest = first, -1.0
            if last - first + 1 >= 2 * criteria.shortest - 1:
                split, largest = _split(tracks[particle], first, last, criteria, workspace)
            if largest >= criteria.p_c:
                ends[waiting, 0], ends[waiting, 1] = split, last
                values[waiting, 0], values[waiting, 1] = largest, right
                ends[waiting + 1, 0], ends[waiting + 1, 1] = first, split
                values[waiting + 1, 0], values[waiting + 1, 1] = left, largest
                waiting += 2
                continue
            for frame in range(first, last + 1):
                distance, p = _nearest(frame, first, last, left, right)
                labels[particle, frame] = p if distance <= criteria.reach or largest < 0 else largest


def _prepare(hops: Hops, window: Window) -> Kernel:
    criteria = criteria_in_frames(hops, window.interval)
    _check_window(window.frames, criteria)
    return lambda tracks: p_hop_at(tracks, window.frame, criteria)[:, None]


P_HOP = Label(
    name="p_hop",
    section="hops",
    parameters=Hops,
    columns=lambda _hops: ["p_hop"],
    prepare=_prepare,
    symbol=lambda _column: r"$p_\mathrm{hop}$",
    unit=r"$\sigma_{AA}$",
    density_unit=r"$\sigma_{AA}^{-1}$",
    scale="linear",
    threshold="p_c",
)
