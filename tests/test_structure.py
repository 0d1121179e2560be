"""Structure tables and their reduction."""

import numpy as np
import pytest

from glassdyn import tables
from glassdyn.features.descriptors import radial_descriptors
from glassdyn.features.pca import PcaError
from glassdyn.features.structure import described, explained, fit, reduced, rows_of
from glassdyn.synthetic import write_caged
from glassdyn.trajectory import TrajectoryError, open_trajectory

EDGES = np.array([0.5, 1.0, 1.5, 2.0])


@pytest.fixture(scope="module")
def structures(tmp_path_factory):
    """Structure tables of three samples, with their trajectories' folder."""
    folder, paths = tmp_path_factory.mktemp("structures"), []
    for sample in range(3):
        trajectory = folder / f"copy0{sample}-sample00.h5"
        write_caged(trajectory, sample, particles=200, frames=3)
        with open_trajectory(trajectory) as opened:
            columns, parameters = described(opened, EDGES)
        paths.append(folder / f"copy0{sample}-sample00.parquet")
        tables.write(paths[-1], tables.structure_schema(3), [columns], parameters)
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
        described(opened, np.array([0.5, 3.0]))


def test_components_see_training_samples_only(structures):
    pca, about = fit(structures[:2], 4)
    rows = np.concatenate([rows_of(path, EDGES.tolist()) for path in structures[:2]])
    np.testing.assert_allclose(pca.mean, rows.mean(axis=0, dtype=np.float64), rtol=1e-12)
    assert about == {"samples": ["copy00-sample00", "copy01-sample00"], "rows": 400, "edges": EDGES.tolist()}
    columns = reduced(pca, structures[2], about["edges"])
    assert columns["components"].shape == (200, 4)
    table = explained(pca)
    assert table["cumulative"].to_numpy()[-1] == pytest.approx(1)
    assert (np.diff(table["variance"].to_numpy()) <= 0).all()


def test_refusals(structures, tmp_path):
    with pytest.raises(PcaError, match="training sample"):
        fit([], 4)
    with open_trajectory(structures[0].with_suffix(".h5")) as opened:
        columns, parameters = described(opened, EDGES + 0.1)
    tables.write(tmp_path / "other.parquet", tables.structure_schema(3), [columns], parameters)
    with pytest.raises(tables.TableError, match="another edges"):
        fit([structures[0], tmp_path / "other.parquet"], 4)
