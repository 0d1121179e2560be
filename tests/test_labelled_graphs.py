"""Labelled graphs are made of tables that belong together."""

from dataclasses import replace

import numpy as np
import pytest

from glassdyn.learning.labelled_graphs import TableFolders, load_labelled_graph
from glassdyn.storage import tables
from short_pipeline import section

GRAPH = section("graph", r_threshold=1.5, edges="distance", self_edges=False, nodes="full")


STRUCTURE = {"box_length": 4.0, "edges": [1, 2, 3], "frame": 250}
LABELS = {"box_length": 4.0, "p_c": 0.16, "frame": 250}
P_HOP = tables.labels_schema(["p_hop"])


@pytest.fixture
def folders(tmp_path):
    """Two samples of 50 particles."""
    folders = TableFolders(tmp_path / "features", tmp_path / "pca", tmp_path / "labels")
    rng = np.random.default_rng(0)
    particles = {"particle": np.arange(50), "type": np.arange(50) % 2}
    for name in ("copy00-sample00", "copy01-sample00"):
        positions = dict(zip("xyz", rng.uniform(0, 4, (3, 50)), strict=True))
        structure = {**particles, **positions, "descriptors": rng.random((50, 4))}
        path = folders.features / f"{name}.parquet"
        tables.write(path, tables.features_schema(2), [structure], STRUCTURE)
        labels = {**particles, "p_hop": rng.random(50)}
        path = folders.labels / f"{name}.parquet"
        tables.write(path, tables.labels_schema(["p_hop"]), [labels], LABELS)
    return folders


def rewrite(path, schema, parameters, **changes):
    """The same table with other columns or parameters."""
    columns = {name: tables.read(path)[name].to_numpy() for name in tables.read(path).columns}
    tables.write(path, schema, [columns | changes], parameters)


def test_a_graph_has_the_rows_of_its_tables(folders):
    graph = load_labelled_graph("copy01-sample00", folders, GRAPH, ["p_hop"])
    expected = tables.read(folders.labels / "copy01-sample00.parquet", ["p_hop"]).to_numpy()
    np.testing.assert_array_equal(graph.y.numpy(), expected.astype(np.float32))
    assert graph.x.shape == (50, 5)


def test_graphs_at_inherent_positions_join_what_is_near_there(folders):
    """A lattice of spacing 1, whatever the thermal positions."""
    path = folders.features / "copy00-sample00.parquet"
    number = np.arange(50)
    inherent = np.stack((number % 4 * 1.0, number // 4 % 4 * 1.0, number // 16 * 1.0), axis=1)
    rewrite(
        path, tables.features_schema(2, [], {"inherent_positions": 3}), STRUCTURE, inherent_positions=inherent
    )
    graph = load_labelled_graph("copy00-sample00", folders, replace(GRAPH, positions="inherent"), ["p_hop"])
    np.testing.assert_array_equal(graph.pos.numpy(), inherent.astype(np.float32))
    assert (graph.edge_vectors.norm(dim=1) >= 1).all()
    thermal = load_labelled_graph("copy00-sample00", folders, GRAPH, ["p_hop"])
    np.testing.assert_array_equal(graph.x.numpy(), thermal.x.numpy())


def test_columns_beside_the_descriptors_extend_the_features(folders):
    smooth = np.random.default_rng(1).random((50, 4))
    path = folders.features / "copy00-sample00.parquet"
    rewrite(path, tables.features_schema(2, ["smooth"]), STRUCTURE, smooth=smooth)
    extended = replace(GRAPH, nodes="extended")
    features = load_labelled_graph("copy00-sample00", folders, extended, ["p_hop"]).x.numpy()
    np.testing.assert_array_equal(features[:, 5:], smooth.astype(np.float32))
    full = load_labelled_graph("copy00-sample00", folders, GRAPH, ["p_hop"]).x.numpy()
    np.testing.assert_array_equal(features[:, :5], full)


def test_labels_made_otherwise_are_refused(folders):
    rewrite(folders.labels / "copy01-sample00.parquet", P_HOP, LABELS | {"p_c": 0.2})
    with pytest.raises(tables.TableError, match=r"differ in \['p_c'\]"):
        load_labelled_graph("copy01-sample00", folders, GRAPH, ["p_hop"])


@pytest.mark.parametrize("change", [{"box_length": 4.5}, {"frame": 300}])
def test_labels_of_other_trajectories_are_refused(folders, change):
    for path in folders.labels.iterdir():
        rewrite(path, P_HOP, LABELS | change)
    with pytest.raises(tables.TableError, match=rf"features.*labels.* differ in \['{next(iter(change))}'\]"):
        load_labelled_graph("copy01-sample00", folders, GRAPH, ["p_hop"])


def test_labels_of_other_particles_are_refused(folders):
    rewrite(folders.labels / "copy01-sample00.parquet", P_HOP, LABELS, type=np.arange(1, 51) % 2)
    with pytest.raises(tables.TableError, match="a row for each of its particles"):
        load_labelled_graph("copy01-sample00", folders, GRAPH, ["p_hop"])


def test_tables_half_written_do_not_matter(folders):
    (folders.labels / ".copy00-sample00-1f2e3d4c.parquet").write_bytes(b"half of a table")
    load_labelled_graph("copy01-sample00", folders, GRAPH, ["p_hop"])


def test_an_absent_table_is_named(folders):
    with pytest.raises(tables.TableError, match="no table"):
        load_labelled_graph("copy07-sample00", folders, GRAPH, ["p_hop"])
