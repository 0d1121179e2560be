"""p_hop equals the recursion of its definition, word by word."""

import numpy as np
import pytest

from glassdyn.labels.p_hop import criteria_in_frames, p_hop_at, p_hop_series
from glassdyn.params import Hops
from references import p_hop as reference
from short_pipeline import section

INTERVAL = 0.1


def tracks(frames=181, seed=0):
    """(n, T, 3) one track of each kind that a liquid has, and some that it has not."""
    rng = np.random.default_rng(seed)
    noise = 0.05 * rng.normal(size=(frames, 3))
    cage = np.zeros((frames, 3))
    for t in range(1, frames):
        cage[t] = 0.9 * cage[t - 1] + noise[t]
    jumps = np.zeros((frames, 3))
    for t in rng.integers(0, frames, 4):
        jumps[t:] += rng.normal(size=3) * 0.6
    middle = (np.arange(frames) > frames // 2)[:, None] * np.array([1.0, 0.0, 0.0])
    slow = np.linspace(0, 2, frames)[:, None] * np.array([0.3, 0.5, 0.1])
    walk = np.cumsum(rng.normal(size=(frames, 3)) * 0.1, axis=0)
    constant = np.full((frames, 3), 17.3)
    return np.stack([cage, cage + jumps, cage + middle, cage + slow, walk, 100 + cage + jumps, constant])


@pytest.mark.parametrize("weight", ["none", "barycentric"])
@pytest.mark.parametrize("hops", [(0.16, 5.0, 50), (0.1, 1.0, 10), (0.05, 0.3, 2), (0.2, 2.0, 5)])
def test_p_hop_equals_the_recursion(hops, weight):
    parameters = Hops(*hops, weight)
    criteria = criteria_in_frames(parameters, INTERVAL)
    positions = tracks()
    columns = np.ascontiguousarray(positions.transpose(0, 2, 1))  # (n, 3, T)
    expected = np.array([reference.p_hop_series(track, parameters, INTERVAL) for track in positions])
    np.testing.assert_allclose(p_hop_series(columns, criteria), expected, atol=1e-9, rtol=0)
    for frame in (0, 60, 89, 90, 91, 180):
        np.testing.assert_allclose(p_hop_at(columns, frame, criteria), expected[:, frame], atol=1e-9, rtol=0)


def test_a_track_that_stands_still_has_no_mobility():
    columns = np.full((1, 3, 300), 12.7)
    assert (
        p_hop_at(
            columns,
            150,
            criteria_in_frames(section("hops", p_c=0.16, t_f=5.0, min_segment=50, weight="none"), INTERVAL),
        )
        == 0.0
    )


def test_an_offset_changes_nothing_and_a_scale_scales():
    columns = tracks().transpose(0, 2, 1).copy()
    plain = p_hop_series(
        columns,
        criteria_in_frames(section("hops", p_c=0.16, t_f=5.0, min_segment=10, weight="none"), INTERVAL),
    )
    moved = p_hop_series(
        columns + 5.0,
        criteria_in_frames(section("hops", p_c=0.16, t_f=5.0, min_segment=10, weight="none"), INTERVAL),
    )
    doubled = p_hop_series(
        2 * columns,
        criteria_in_frames(section("hops", p_c=0.32, t_f=5.0, min_segment=10, weight="none"), INTERVAL),
    )
    np.testing.assert_allclose(moved, plain, atol=1e-9)
    np.testing.assert_allclose(doubled, 2 * plain, atol=1e-9)


def test_a_window_below_two_segments_is_refused():
    with pytest.raises(ValueError, match="99 frames: got 98"):
        p_hop_at(
            np.zeros((1, 3, 98)),
            49,
            criteria_in_frames(section("hops", p_c=0.16, t_f=5.0, min_segment=50, weight="none"), INTERVAL),
        )


def test_times_become_frames():
    assert (
        criteria_in_frames(section("hops", p_c=0.16, t_f=5.0, min_segment=50, weight="none"), 0.1).reach == 50
    )
    assert (
        criteria_in_frames(section("hops", p_c=0.16, t_f=5.0, min_segment=50, weight="none"), 0.3).reach == 16
    )
