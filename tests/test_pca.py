"""Principal components from moments equal scikit-learn's on all rows at once."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from glassdyn.features.moments import empty, update
from glassdyn.features.pca import PcaError, load, principal_components, project, save


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
    one = fitted(data, 12, pieces=1)
    for other in (fitted(data, 12, pieces=7), fitted(data[::-1], 12)):
        np.testing.assert_allclose(other.components, one.components, atol=1e-7)


def test_the_largest_entry_of_a_component_is_positive():
    components = fitted(rows(), 12).components
    assert (components[np.arange(12), np.abs(components).argmax(axis=1)] > 0).all()


def test_a_file_comes_back_and_has_the_same_bytes(tmp_path):
    pca = fitted(rows(), 3)
    for name in "ab":
        save(tmp_path / name, pca, {"samples": ["copy00-sample00"], "rows": 2000})
    read, about = load(tmp_path / "a")
    for one, other in zip(read, pca, strict=True):
        np.testing.assert_array_equal(one, other)
    assert about == {"samples": ["copy00-sample00"], "rows": 2000}
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    (tmp_path / "a").write_bytes(b"junk")
    with pytest.raises(PcaError, match="cannot be read"):
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
