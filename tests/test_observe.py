"""From trajectories to numbers, tables and warnings: what was planted is reported, and nothing besides."""

import json

import h5py
import numpy as np
import polars as pl
import pytest

from glassdyn.liquid.box import wrap
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.potential import assign_species
from glassdyn.observables import energy
from glassdyn.observables.measure import measure_all
from glassdyn.observables.sample import box_wave_vectors, measure_structure
from glassdyn.observables.summary import Expected, ageing, peak_and_minimum, summarise
from glassdyn.observables.tabulate import tabulate
from glassdyn.observables.warnings import list_warnings
from glassdyn.stages import observe
from walkers import BOX_LENGTH, FRAMES, PARTICLES, TEMPERATURE, brownian

STEP = 0.03


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLASSDYN_SCRATCH", str(tmp_path_factory.mktemp("store")))
        yield


@pytest.fixture(scope="module")
def measured(tmp_path_factory, store):
    folder = tmp_path_factory.mktemp("run") / "trajectories"
    brownian(folder, step=STEP)
    return measure_all(folder, structure_particles=500)


def expected_tau(wave_number):
    """1 / (q^2 D) with D = step^2 / 2 in a frame of 0.1 tau."""
    return 0.1 / (wave_number**2 * STEP**2 / 2)


def numbers(folder, **changes):
    measurements = measure_all(folder, structure_particles=500)
    expected = Expected(TEMPERATURE, expected_tau(measurements.wave_number), 0.16)
    return summarise(measurements, expected._replace(**changes))


def warned(metrics):
    """Names of the checks that warn, but for that of the plateau, which walkers do not have."""
    return {name for name, line in list_warnings(metrics).items() if line} - {"p_c_is_off"}


def test_brownian_liquid_is_measured(measured):
    metrics = summarise(measured, Expected(TEMPERATURE, 5.0, 0.16))
    tau = expected_tau(measured.wave_number)
    assert metrics["samples"] == {
        "number": 4, "copies": 2, "particles": PARTICLES, "frames": FRAMES, "duration": pytest.approx(16.0)
    }  # fmt: skip
    assert metrics["tau_alpha"]["A"] == pytest.approx(
        tau, rel=0.1
    )  # four errors of 400 walks, 3 tau_alpha each
    assert metrics["tau_alpha"]["B"] == pytest.approx(tau, rel=0.2)
    assert metrics["tau_alpha"]["ratio"] == pytest.approx(metrics["tau_alpha"]["A"] / 5.0)
    assert metrics["temperature"]["measured"] == pytest.approx(TEMPERATURE)
    assert metrics["energy"]["potential"] == pytest.approx(-7.0)
    assert metrics["energy"]["largest_drift"] < 1e-12
    assert metrics["energy"]["largest_shift"] < 1e-6
    assert metrics["ageing"]["factor_A"] == pytest.approx(1, abs=3 * metrics["ageing"]["error_A"])


def test_tables_agree_with_each_other(measured):
    made = tabulate(measured)
    assert all(0 < len(table) < 3000 for table in made.values())
    squares = made["rmsd"].filter(pl.col("time") < 2)
    walked = np.sqrt(3 * STEP**2 * squares["time"] / 0.1)
    assert np.allclose(squares["A"], walked, rtol=0.05)
    weights = made["displacements"].group_by("time").agg(pl.col("A", "B").sum() * 0.02)
    assert weights["A"].to_numpy() == pytest.approx(1, abs=0.05)  # short of what lies beyond the last bin
    assert made["radial_distribution"]["distance"][-1] < BOX_LENGTH / 2
    waited = made["tau_alpha"]["waiting_time"]
    assert waited.min() < FRAMES * 0.1 < waited.max()


def test_a_sound_run_meets_no_warning(tmp_path):
    brownian(tmp_path / "data")
    assert warned(numbers(tmp_path / "data")) == set()


@pytest.mark.parametrize(
    ("planted", "expected", "warnings"),
    [
        ({"heating": 2e-4}, {}, {"energy_drifts"}),
        ({}, {"temperature": 0.58}, {"temperature_is_off"}),
        ({"pushed": 0.05}, {}, {"centre_of_mass_moves"}),
        ({}, {"tau_alpha": 1.0}, {"tau_alpha_is_off"}),
        ({"step": 0.001}, {}, {"tau_alpha_is_unknown"}),
        ({"slowing": 1.4}, {"tau_alpha": 7.0}, {"ages"}),
    ],
)
def test_what_was_planted_is_warned_of(tmp_path, planted, expected, warnings):
    brownian(tmp_path / "data", **planted)
    assert warned(numbers(tmp_path / "data", **expected)) == warnings


def test_a_crystal_and_a_p_c_off_the_plateau_are_warned_of(measured):
    metrics = summarise(measured, Expected(TEMPERATURE, 5.0, 0.16))
    sound = metrics | {"plateau": {"p_c": 0.16, "p_c_over_plateau": 0.9, "all": 0.178}}
    solid = sound | {"solid_fraction": {"start": 0.0, "end": 0.1, "largest": 0.4}}
    wide = sound | {"plateau": {"p_c": 0.3, "p_c_over_plateau": 1.7, "all": 0.178}}
    assert "40.0% of its particles in crystalline order" in list_warnings(solid)["crystallises"]
    assert "got 0.300 for a plateau at 0.178" in list_warnings(wide)["p_c_is_off"]
    assert list_warnings(sound)["p_c_is_off"] == ""


def test_trajectories_of_different_lengths_are_refused(tmp_path):
    brownian(tmp_path / "data")
    brownian(tmp_path / "other", copies=1, samples=1)
    target = tmp_path / "data" / "copy01-sample01.h5"

    with h5py.File(target, "r+") as file:
        for name in ("value", "step", "time"):
            shorter = file[f"particles/all/position/{name}"][:-3]
            del file[f"particles/all/position/{name}"]
            file[f"particles/all/position/{name}"] = shorter
    with pytest.raises(ValueError, match=r"same frames, particles, box length and interval: got \(158, 125"):
        measure_all(tmp_path / "data")


def test_a_wrapped_trajectory_is_refused_as_such(tmp_path):
    brownian(tmp_path / "data", copies=1, samples=1)

    with h5py.File(tmp_path / "data" / "copy00-sample00.h5", "r+") as file:
        value = file["particles/all/position/value"]
        value[:] = wrap(value[:].astype(float), BOX_LENGTH)
    with pytest.raises(
        ValueError, match="a trajectory is unwrapped, no step as long as half the box: particle"
    ):
        measure_all(tmp_path / "data", structure_particles=500)


@pytest.mark.parametrize("particles", [150, 1000, 1200, 2000])
def test_distances_fit_in_the_box(particles):
    """Also where L / 2 is a whole number of bins but for rounding, as with 150 particles."""
    box_length = (particles / 1.2) ** (1 / 3)
    positions = np.random.default_rng(0).random((particles, 3)) * box_length
    configuration = Configuration(positions, assign_species(particles), box_length)
    longest = measure_structure(configuration, box_wave_vectors(box_length)).distances[-1]
    assert box_length / 2 - 0.03 <= longest <= box_length / 2 or longest == pytest.approx(4.99)


def test_energies_that_a_file_does_not_hold_are_no_numbers():
    energies = energy.energies_per_particle({"kinetic_energy": np.full(3, 27.0)}, 3, 10)
    np.testing.assert_array_equal(energies.temperature, 2.0)
    assert np.isnan([energies.potential, energies.total, energies.pressure]).all()


def test_a_trajectory_without_energies_is_measured_but_for_these(tmp_path):
    """As those of other programs are: displacements and structure are the same to the last bit."""
    for name in ("with", "without"):
        brownian(tmp_path / name)
    for path in (tmp_path / "without").iterdir():
        with h5py.File(path, "r+") as file:
            del file["observables"]
    measured = [measure_all(tmp_path / name, structure_particles=500) for name in ("with", "without")]
    complete, lacking = (summarise(each, Expected(0.6, 10.0, 0.2)) for each in measured)
    assert {"potential", "total", "pressure", "largest_drift"} & set(lacking["energy"]) == set()
    assert set(lacking["temperature"]) == {"declared"}
    topics = complete.keys() - {"energy", "temperature"}
    assert {topic: lacking[topic] for topic in topics} == {topic: complete[topic] for topic in topics}
    warnings = list_warnings(lacking)
    assert warnings["energy_drifts"] == warnings["temperature_is_off"] == ""
    tables = [tabulate(each) for each in measured]
    assert tables[0].keys() - tables[1].keys() == {"energy"}
    assert tables[1]["rmsd"].equals(tables[0]["rmsd"])


def test_drift_is_that_of_the_line():
    noise = np.random.default_rng(0).normal(0, 1e-6, 1000)
    assert energy.drift(3.0 + np.linspace(0, 1e-3, 1000) + noise) == pytest.approx(1e-3, rel=1e-3)
    assert energy.drift(np.array([1.0])) == 0


def test_ageing_is_measured_in_spite_of_different_copies():
    waited = np.tile([0.0, 10, 20, 30], 3)
    copies = np.repeat([0, 1, 2], 4)
    taus = np.exp(np.array([1.0, 1.5, 2.0])[copies] + 0.02 * waited)
    table = pl.DataFrame({"copy": copies, "waiting_time": waited, "tau_alpha": taus})
    factor, error = ageing(table)
    assert factor == pytest.approx(np.exp(0.6))
    assert error < 1e-9
    assert np.isnan(ageing(table.filter(pl.col("waiting_time") == 0))).all()


def test_peak_and_minimum_of_a_known_curve():
    x = np.arange(0.01, 3, 0.02)
    y = 3 * np.exp(-(((x - 1.07) / 0.1) ** 2)) + 1 - 0.6 * np.exp(-(((x - 1.42) / 0.2) ** 2))
    peak, minimum = peak_and_minimum(x, y)
    assert peak == pytest.approx(1.07, abs=0.01)
    assert minimum == pytest.approx(1.43, abs=0.02)


def test_the_same_trajectories_give_the_same_numbers(tmp_path, measured):
    brownian(tmp_path / "data", step=STEP)
    again, expected = (
        measure_all(tmp_path / "data", structure_particles=500),
        Expected(TEMPERATURE, 5.0, 0.16),
    )
    assert summarise(again, expected) == summarise(measured, expected)
    for name, table in tabulate(again).items():
        assert table.equals(tabulate(measured)[name])


def test_stage_writes_strict_metrics_tables_and_warnings(tmp_path, monkeypatch, root):
    brownian(tmp_path / "data" / "trajectories", copies=1)
    (tmp_path / "params.yaml").write_bytes((root / "params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    observe.main()
    metrics = json.loads((tmp_path / "metrics" / "physics.json").read_text(), parse_constant=pytest.fail)
    for topic in metrics.values():
        assert all(isinstance(number, int | float) for number in topic.values())
    assert set(metrics["warnings"].values()) <= {0, 1}
    plots = tmp_path / "plots" / "physics"
    assert pl.read_csv(plots / "warnings.csv").height == sum(metrics["warnings"].values())
    assert {path.suffix for path in plots.iterdir()} == {".csv"}
