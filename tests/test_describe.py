"""Structure tables and their reduction."""

import tracemalloc
from dataclasses import asdict

import numpy as np
import pytest

from caged_walkers import write_caged
from glassdyn.features.describe import DescriptorSpec, describe_midframe, parameters, schema
from glassdyn.features.inherent import Quench
from glassdyn.features.neighbour_averages import average_generations
from glassdyn.features.pca import PcaError
from glassdyn.features.radial import radial_descriptors, smooth_descriptors
from glassdyn.features.reduction import explained_variance, fit, project_table, rows_of
from glassdyn.figures import features as figures
from glassdyn.liquid.neighbours import find_neighbours
from glassdyn.liquid.potential import energy_and_forces
from glassdyn.params import Describe, Potential
from glassdyn.storage import tables
from glassdyn.storage.trajectory import TrajectoryError, open_trajectory

EDGES = np.array([0.5, 1.0, 1.5, 2.0])
POTENTIAL = Potential("xplor", 2.0, 2.5, 0)


def description(edges=EDGES, extras=Describe(0.0, 0, 2.0, inherent=False)):  # noqa: B008
    return DescriptorSpec(tuple(edges.tolist()), extras, Quench("lammps", POTENTIAL))


def write(trajectory, path, wanted):
    with open_trajectory(trajectory) as opened:
        columns, stored = describe_midframe(opened, wanted), parameters(opened, wanted)
    tables.write(path, schema(wanted), [columns], stored)


@pytest.fixture(scope="module")
def structures(tmp_path_factory):
    """Structure tables of three samples, with their trajectories' folder."""
    folder, paths = tmp_path_factory.mktemp("structures"), []
    for sample in range(3):
        trajectory = folder / f"copy0{sample}-sample00.h5"
        write_caged(trajectory, sample, particles=200, frames=3)
        paths.append(trajectory.with_suffix(".parquet"))
        write(trajectory, paths[-1], description())
    return paths


def test_a_table_holds_the_middle_frame(structures):
    with open_trajectory(structures[0].with_suffix(".h5")) as opened:
        expected = radial_descriptors(opened.frame(1), opened.species, opened.box_length, EDGES)
        box_length = opened.box_length
    table = tables.read(structures[0], parameters={"edges": EDGES.tolist(), "box_length": box_length})
    np.testing.assert_array_equal(table["descriptors"].to_numpy(), expected)
    positions = table.select("x", "y", "z").to_numpy()
    assert (positions >= 0).all()
    assert (positions < box_length).all()
    # single precision in the trajectory, double in the table
    np.testing.assert_array_equal(
        radial_descriptors(positions, table["type"].to_numpy(), box_length, EDGES), expected
    )


def test_a_box_too_small_is_refused_with_the_file_s_name(structures):
    with (
        open_trajectory(structures[0].with_suffix(".h5")) as opened,
        pytest.raises(TrajectoryError, match=r"two cutoffs.*copy00-sample00.h5"),
    ):
        describe_midframe(opened, description(np.array([0.5, 3.0])))


def test_components_see_training_samples_only(structures):
    news = []
    pca, about = fit(structures[:2], 4, news.append)
    assert news == [1, 1]
    rows = np.concatenate([rows_of(path, EDGES.tolist()) for path in structures[:2]])
    np.testing.assert_allclose(pca.mean, rows.mean(axis=0, dtype=np.float64), rtol=1e-12)
    assert about == {"samples": ["copy00-sample00", "copy01-sample00"], "rows": 400, "edges": EDGES.tolist()}
    columns = project_table(pca, structures[2], about["edges"])
    assert columns["components"].shape == (200, 4)
    table = explained_variance(pca)
    assert table["cumulative"].to_numpy()[-1] == pytest.approx(1)
    assert (np.diff(table["variance"].to_numpy()) <= 0).all()


def test_refusals(structures, tmp_path):
    with pytest.raises(PcaError, match="training sample"):
        fit([], 4)
    write(structures[0].with_suffix(".h5"), tmp_path / "other.parquet", description(EDGES + 0.1))
    with pytest.raises(tables.TableError, match="another edges"):
        fit([structures[0], tmp_path / "other.parquet"], 4)


def test_memory_does_not_grow_with_the_samples(structures):
    peaks = []
    for times in (1, 5):
        tracemalloc.start()
        fit(structures * times, 4)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_the_figure_shows_how_much_is_kept(structures):
    table = explained_variance(fit(structures, 4)[0])
    figure = figures.explained_variance(table, 4)
    (curve, mark) = figure.axes[0].get_lines()
    np.testing.assert_array_equal(curve.get_ydata(), table["cumulative"].to_numpy())
    assert set(mark.get_xdata()) == {4}


def test_columns_beside_the_descriptors(structures, tmp_path):
    trajectory = structures[0].with_suffix(".h5")
    extras = Describe(0.1, 2, 1.5, inherent=False)
    write(trajectory, tmp_path / "a.parquet", description(extras=extras))
    table = tables.read(tmp_path / "a.parquet", parameters={"extras": asdict(extras)})
    assert table.columns[5:] == ["descriptors", "smooth", "averaged_1", "averaged_2"]
    with open_trajectory(trajectory) as opened:
        positions, species, box_length = opened.frame(1), opened.species, opened.box_length
    expected = smooth_descriptors(positions, species, box_length, EDGES, 0.1)
    np.testing.assert_array_equal(table["smooth"].to_numpy(), expected)
    pairs = find_neighbours(positions, box_length, 1.5)
    found = average_generations(
        table["descriptors"].to_numpy().astype(np.float64), pairs, count=2, length=1.5
    )
    np.testing.assert_array_equal(table["averaged_2"].to_numpy(), found[:, 12:].astype(np.float32))


def test_the_inherent_structure_has_no_forces():
    """The quench of a jittered lattice ends where no force is left."""
    lattice = np.stack(np.meshgrid(*[np.arange(5.0)] * 3), -1).reshape(-1, 3) * 1.05
    positions = lattice + np.random.default_rng(0).normal(size=lattice.shape) * 0.05
    species = np.zeros(125, np.uint8)
    quenched = Quench("lammps", POTENTIAL)(positions, species, 5.25)
    before = energy_and_forces(positions, species, 5.25, POTENTIAL)
    after = energy_and_forces(quenched, species, 5.25, POTENTIAL)
    assert after.energy < before.energy
    assert np.abs(after.forces).max() < 1.01e-6
