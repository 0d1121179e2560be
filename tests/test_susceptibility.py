"""Laws of the susceptibility: independent particles have Q (1 - Q), particles that move together have N times that."""

import numpy as np
import pytest

from glassdyn.evaluation.predictions import Predictions
from glassdyn.evaluation.susceptibility import measure_susceptibility, tabulate_susceptibilities

N, SHARE = 400, 0.3


def snapshots(fields, label="propensity_1"):
    """Snapshots of (S, N) fields; B particles have numbers that would show."""
    positions = np.zeros((N + 50, 3))
    species = np.repeat([0, 1], [N, 50]).astype(np.uint8)
    return [
        Predictions(species, {label: np.append(field, np.zeros(50))}, {label: {}}, positions, 9.0)
        for field in fields
    ]


def test_independent_particles_have_the_variance_of_one():
    fields = np.random.default_rng(1).random((4000, N))
    table = tabulate_susceptibilities(snapshots(fields), SHARE)
    (row,) = table.rows(named=True)
    assert row["overlap"] == pytest.approx(SHARE, abs=0.002)
    assert row["susceptibility"] == pytest.approx(SHARE * (1 - SHARE), abs=4 * row["susceptibility_error"])
    assert row["susceptibility_error"] == pytest.approx(SHARE * (1 - SHARE) * (2 / 4000) ** 0.5, rel=0.1)


def test_particles_that_move_together_count_as_one():
    moves = np.random.default_rng(2).random((500, 1)) * np.ones(N)
    (row,) = tabulate_susceptibilities(snapshots(moves), SHARE).rows(named=True)
    assert row["susceptibility"] == pytest.approx(
        N * SHARE * (1 - SHARE), abs=4 * row["susceptibility_error"]
    )


def test_it_is_numpys_variance():
    overlaps = np.random.default_rng(3).random(12)
    chi, error = measure_susceptibility(overlaps, 50.0)
    assert chi == pytest.approx(50.0 * overlaps.var(ddof=1))
    left_out = [50.0 * np.delete(overlaps, k).var(ddof=1) for k in range(12)]
    assert error == pytest.approx(np.sqrt(11 / 12 * np.sum((left_out - np.mean(left_out)) ** 2)))


@pytest.mark.parametrize(("count", "label"), [(2, "propensity_1"), (5, "p_hop")])
def test_there_is_none_of_two_configurations_or_of_labels_that_are_no_propensities(count, label):
    fields = np.random.default_rng(4).random((count, N))
    assert tabulate_susceptibilities(snapshots(fields, label), SHARE).is_empty()
