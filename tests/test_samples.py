"""Labelled graphs are made of tables that belong together."""

from dataclasses import replace

import numpy as np
import pytest

from glassdyn import tables
from glassdyn.learning.samples import Tables, labelled
from glassdyn.params import Graph

GRAPH = Graph(1.5, "distance", self_edges=False, nodes="full")


@pytest.fixture
def folders(tmp_path):
    """Two samples of 50 particles."""
    made = Tables(tmp_path / "features", tmp_path / "pca", tmp_path / "labels")
    rng = np.random.default_rng(0)
    particles = {"particle": np.arange(50), "type": np.arange(50) % 2}
    for name in ("copy00-sample00", "copy01-sample00"):
        positions = dict(zip("xyz", rng.uniform(0, 4, (3, 50)), strict=True))
        structure = {**particles, **positions, "descriptors": rng.random((50, 4))}
        path = made.features / f"{name}.parquet"
        tables.write(path, tables.structure_schema(2), [structure], {"box_length": 4.0, "edges": [1, 2, 3]})
        labels = {**particles, "p_hop": rng.random(50)}
        path = made.labels / f"{name}.parquet"
        tables.write(path, tables.labels_schema(["p_hop"]), [labels], {"p_c": 0.16})
    return made


def test_a_graph_has_the_rows_of_its_tables(folders):
    graph = labelled("copy01-sample00", folders, GRAPH, ["p_hop"])
    expected = tables.read(folders.labels / "copy01-sample00.parquet", ["p_hop"]).to_numpy()
    np.testing.assert_array_equal(graph.y.numpy(), expected.astype(np.float32))
    assert graph.x.shape == (50, 5)


def test_columns_beside_the_descriptors_extend_the_features(folders):
    path = folders.features / "copy00-sample00.parquet"
    columns = {name: tables.read(path)[name].to_numpy() for name in tables.read(path).columns}
    columns["smooth"] = np.random.default_rng(1).random((50, 4))
    tables.write(path, tables.structure_schema(2, ["smooth"]), [columns], tables.parameters(path))
    extended = replace(GRAPH, nodes="extended")
    features = labelled("copy00-sample00", folders, extended, ["p_hop"]).x.numpy()
    np.testing.assert_array_equal(features[:, 5:], columns["smooth"].astype(np.float32))
    full = labelled("copy00-sample00", folders, GRAPH, ["p_hop"]).x.numpy()
    np.testing.assert_array_equal(features[:, :5], full)


def test_labels_made_otherwise_are_refused(folders):
    path = folders.labels / "copy01-sample00.parquet"
    columns = {name: tables.read(path)[name].to_numpy() for name in ("particle", "type", "p_hop")}
    tables.write(path, tables.labels_schema(["p_hop"]), [columns], {"p_c": 0.2})
    with pytest.raises(tables.TableError, match=r"differ in \['p_c'\]"):
        labelled("copy01-sample00", folders, GRAPH, ["p_hop"])


def test_an_absent_table_is_named(folders):
    with pytest.raises(tables.TableError, match="no table"):
        labelled("copy07-sample00", folders, GRAPH, ["p_hop"])
