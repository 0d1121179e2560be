"""Structure tables are those of their snapshots, column by column, and are made by jobs."""

from dataclasses import asdict

import numpy as np
import pytest

from glassdyn.features.describe import DescriptorSpec, compute_descriptors, describe_job, spec_from_metadata
from glassdyn.features.inherent import Quench
from glassdyn.features.neighbour_averages import average_generations
from glassdyn.features.radial import radial_descriptors, smooth_descriptors
from glassdyn.jobs import JobError, run_jobs
from glassdyn.liquid.configuration import Configuration
from glassdyn.liquid.neighbours import find_neighbours
from glassdyn.liquid.potential import energy_and_forces
from glassdyn.storage import tables
from glassdyn.storage.snapshots import read_snapshot, write_snapshot
from liquids import liquid
from short_pipeline import section

EDGES = np.array([0.5, 1.0, 1.5, 2.0])
POTENTIAL = section("potential", truncation="xplor", r_on=2.0, r_cut=2.5, spline_points=0)


NO_EXTRAS = section("describe", smooth=0.0, generations=0, r_average=2.0, inherent=False, fields=())


def specify(edges=EDGES, extras=NO_EXTRAS):
    return DescriptorSpec(tuple(edges.tolist()), extras, Quench("lammps", POTENTIAL))


def unwrapped():
    positions, species, box_length = liquid(0)
    return Configuration(positions + 3 * box_length, species, box_length)


@pytest.fixture
def snapshot(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSDYN_SCRATCH", str(tmp_path / ".scratch"))
    path = tmp_path / "snapshots" / "copy00-sample00.parquet"
    write_snapshot(path, unwrapped(), {"frames": 5, "frame": 2, "temperature": 0.6})
    return path


def describe(snapshot, spec):
    (path,) = run_jobs(
        [describe_job(snapshot, snapshot.parents[1] / "features" / snapshot.name, spec)],
        label="describe",
        unit="samples",
    )
    return path


def test_a_table_holds_the_snapshot_and_what_determines_it(snapshot):
    path, configuration = describe(snapshot, specify()), read_snapshot(snapshot)
    table = tables.read(path)
    np.testing.assert_array_equal(table["descriptors"].to_numpy(), radial_descriptors(unwrapped(), EDGES))
    np.testing.assert_array_equal(table.select("x", "y", "z").to_numpy(), configuration.positions)
    np.testing.assert_array_equal(table["type"].to_numpy(), configuration.species)
    stored = tables.read_parameters(path)
    assert spec_from_metadata(stored) == specify()
    assert {name: stored[name] for name in stored.keys() - asdict(specify()).keys()} == {
        "frames": 5,
        "frame": 2,
        "box_length": configuration.box_length,
    }


def test_a_box_too_small_is_refused_with_the_file_s_name(snapshot):
    with pytest.raises(JobError, match=r"(?s)two cutoffs.*copy00-sample00.parquet"):
        describe(snapshot, specify(np.array([0.5, 3.0])))


def test_columns_beside_the_descriptors(snapshot):
    extras = section("describe", smooth=0.1, generations=2, r_average=1.5, inherent=False, fields=())
    table = tables.read(describe(snapshot, specify(extras=extras)), parameters={"extras": asdict(extras)})
    assert table.columns[5:] == ["descriptors", "smooth", "averaged_1", "averaged_2"]
    configuration = read_snapshot(snapshot)
    expected = smooth_descriptors(configuration, EDGES, 0.1)
    np.testing.assert_array_equal(table["smooth"].to_numpy(), expected)
    pairs = find_neighbours(configuration.positions, configuration.box_length, 1.5)
    generations = average_generations(
        table["descriptors"].to_numpy().astype(np.float64), pairs, count=2, length=1.5
    )
    np.testing.assert_array_equal(table["averaged_2"].to_numpy(), generations[:, 12:].astype(np.float32))


def test_the_inherent_structure_has_no_forces():
    """The quench of a jittered lattice ends where no force is left; its descriptors are those of the minimum."""
    lattice = np.stack(np.meshgrid(*[np.arange(5.0)] * 3), -1).reshape(-1, 3) * 1.05
    positions = lattice + np.random.default_rng(0).normal(size=lattice.shape) * 0.05
    configuration = Configuration(positions, np.zeros(125, np.uint8), 5.25)
    spec = specify(
        extras=section("describe", smooth=0.0, generations=0, r_average=2.0, inherent=True, fields=())
    )
    quenched = spec.quench(configuration)
    before, after = energy_and_forces(configuration, POTENTIAL), energy_and_forces(quenched, POTENTIAL)
    assert after.energy < before.energy
    assert np.abs(after.forces).max() < 1.01e-6
    np.testing.assert_array_equal(
        compute_descriptors(configuration, spec)["inherent"], radial_descriptors(quenched, EDGES)
    )
