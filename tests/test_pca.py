"""Principal components equal scikit-learn's on all rows at once, and are defined by the training samples alone."""

import tracemalloc

import numpy as np
import pytest
from sklearn.decomposition import PCA

from glassdyn.features.moments import empty, update
from glassdyn.features.pca import (
    PcaError,
    explained_variance,
    fit,
    load,
    principal_components,
    project,
    project_table,
    save,
)
from glassdyn.figures import features as figures
from glassdyn.storage import tables
from glassdyn.storage.tensor_file import TensorFileError

EDGES = [0.5, 1.0, 1.5, 2.0]


def rows(seed=0, count=2000, features=12):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(features, features)) * np.geomspace(1, 0.01, features)
    return (rng.normal(size=(count, features)) @ mixing.T + 50).astype(np.float32)


def fitted(data, components, pieces=5):
    moments = empty(data.shape[1])
    for piece in np.array_split(data, pieces):
        moments = update(moments, piece)
    return principal_components(moments, components)


def test_equal_to_scikit_learn():
    data = rows()
    ours, theirs = fitted(data, 5), PCA(svd_solver="full").fit(data.astype(np.float64))
    np.testing.assert_allclose(ours.variances, theirs.explained_variance_, rtol=1e-6)
    np.testing.assert_allclose(ours.components, theirs.components_[:5], atol=1e-6)
    np.testing.assert_allclose(ours.mean, theirs.mean_, rtol=1e-12)
    np.testing.assert_allclose(project(ours, data), theirs.transform(data)[:, :5], atol=1e-4)


def test_pieces_and_order_do_not_matter():
    data = rows()
    whole = fitted(data, 12, pieces=1)
    for again in (fitted(data, 12, pieces=7), fitted(data[::-1], 12)):
        np.testing.assert_allclose(again.components, whole.components, atol=1e-7)


def test_the_largest_entry_of_a_component_is_positive():
    components = fitted(rows(), 12).components
    assert (components[np.arange(12), np.abs(components).argmax(axis=1)] > 0).all()


def test_a_file_comes_back_and_has_the_same_bytes(tmp_path):
    pca = fitted(rows(), 3)
    for name in "ab":
        save(tmp_path / name, pca, {"samples": ["copy00-sample00"], "rows": 2000})
    read, metadata = load(tmp_path / "a")
    for ours, theirs in zip(read, pca, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert metadata == {"samples": ["copy00-sample00"], "rows": 2000}
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    (tmp_path / "a").write_bytes(b"junk")
    with pytest.raises(TensorFileError, match="not a readable"):
        load(tmp_path / "a")


def test_refusals():
    with pytest.raises(PcaError, match="13 features"):
        fitted(rows(), 13)
    with pytest.raises(PcaError, match="2 rows"):
        principal_components(empty(12), 3)
    data = rows()
    data[3, 4] = np.nan
    with pytest.raises(PcaError, match="finite"):
        fitted(data, 3)


def write_structure(path, seed, edges=EDGES):
    """A structure table of 200 particles with descriptors at random; its rows (T, G_A, G_B)."""
    rng = np.random.default_rng(seed)
    descriptors = rng.normal(size=(200, 6)).astype(np.float32)
    species = rng.integers(0, 2, 200, np.uint8)
    columns = {"particle": np.arange(200), "type": species, "descriptors": descriptors}
    columns |= dict(zip("xyz", rng.random((3, 200)), strict=True))
    tables.write(path, tables.features_schema(3), [columns], {"edges": edges})
    return np.column_stack([species, descriptors])


@pytest.fixture
def structures(tmp_path):
    """Structure tables of three samples, and their rows."""
    paths = [tmp_path / f"copy0{copy}-sample00.parquet" for copy in range(3)]
    return paths, [write_structure(path, seed) for seed, path in enumerate(paths)]


def test_components_are_defined_by_the_training_samples_alone(structures):
    (paths, rows), reported = structures, []
    pca, metadata = fit(paths[:2], 4, reported.append)
    assert reported == [1, 1]
    np.testing.assert_allclose(pca.mean, np.concatenate(rows[:2]).mean(axis=0), rtol=1e-6)
    assert metadata == {"samples": ["copy00-sample00", "copy01-sample00"], "rows": 400, "edges": EDGES}
    columns = project_table(pca, paths[2], metadata["edges"])
    np.testing.assert_array_equal(columns["components"], project(pca, rows[2].astype(np.float32)))


def test_explained_variance_decreases_and_sums_to_the_whole(structures):
    table = explained_variance(fit(structures[0], 4)[0])
    assert table["cumulative"].to_numpy()[-1] == pytest.approx(1)
    assert (np.diff(table["variance"].to_numpy()) <= 0).all()


def test_the_figure_shows_how_much_the_components_explain(structures):
    table = explained_variance(fit(structures[0], 4)[0])
    figure = figures.explained_variance(table, 4)
    (curve, mark) = figure.axes[0].get_lines()
    np.testing.assert_array_equal(curve.get_ydata(), table["cumulative"].to_numpy())
    assert set(mark.get_xdata()) == {4}


def test_no_sample_and_mixed_edges_are_refused(structures, tmp_path):
    with pytest.raises(PcaError, match="training sample"):
        fit([], 4)
    write_structure(tmp_path / "copy03-sample00.parquet", 3, edges=[0.6, 1.1, 1.6, 2.1])
    with pytest.raises(tables.TableError, match="another edges"):
        fit([structures[0][0], tmp_path / "copy03-sample00.parquet"], 4)


def test_memory_does_not_grow_with_the_samples(structures):
    peaks = []
    for times in (1, 5):
        tracemalloc.start()
        fit(structures[0] * times, 4)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
