"""What the structure of the published configurations tells about their propensities."""

import importlib

import numpy as np
import pytest


@pytest.fixture(scope="module")
def benchmark(root):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root / "benchmarks")
        return importlib.import_module("propensity")


@pytest.fixture
def configurations(reference_data):
    folder = reference_data / "botan"
    if not folder.is_dir():
        pytest.skip(f"no published configurations in {folder}")
    return folder


def test_a_ridge_sees_something_in_configurations_as_they_are(benchmark, configurations):
    """0.44; the two test configurations differ by 0.02."""
    data = {}
    for number in range(1, 11):
        positions, species, propensity = benchmark.published(configurations, number)
        data[number] = benchmark.Sample(positions, positions, species, np.zeros(len(species)), propensity)
    assert benchmark.measure("thermal: ridge, radial", data)["mean"] == pytest.approx(0.44, abs=0.05)


@pytest.mark.endurance
def test_ridges_see_what_they_see_elsewhere(benchmark, configurations):
    """In the energy minima: about 0.55 with radial descriptors, clearly more with averages over neighbours."""
    data = {number: benchmark.read(configurations, number) for number in range(1, 11)}
    plain = benchmark.measure(benchmark.BASE, data)
    averaged = benchmark.measure("inherent: ridge, averaged radial", data)
    assert 0.45 < plain["mean"] < 0.65
    assert averaged["mean"] > plain["mean"] + 0.05
    assert min(averaged["9"] - plain["9"], averaged["10"] - plain["10"]) > 0.03


def test_the_best_row_must_beat_the_ridge_on_radial_descriptors(benchmark, capsys):
    assert benchmark.verdict({benchmark.BASE: 0.5, "other": 0.65}) == 0
    assert "best: other, +0.150" in capsys.readouterr().out
    assert benchmark.verdict({benchmark.BASE: 0.5, "other": 0.55}) == 1
    assert benchmark.verdict({"other": 0.1}) == 0
