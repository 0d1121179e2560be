"""Tables: what is written is read, or nothing is there."""

import errno
import resource

import numpy as np
import pyarrow.parquet as pq
import pytest

from glassdyn.storage import tables

SCHEMA = tables.features_schema(3)
PARAMETERS = {"r_min": 0.7, "edges": (1, 2)}


def block(first, last):
    rng = np.random.default_rng(first)
    particles = np.arange(first, last)
    positions = dict(zip("xyz", rng.normal(size=(3, last - first)), strict=True))
    descriptors = rng.normal(size=(last - first, 6)).astype(np.float32)
    return {"particle": particles, "type": particles % 2, **positions, "descriptors": descriptors}


def test_blocks_come_back_as_one_table(tmp_path):
    path = tmp_path / "folder" / "a.parquet"
    tables.write(path, SCHEMA, (block(n, n + 5) for n in (0, 5)), PARAMETERS)
    frame = tables.read(path, ["descriptors", "particle", "x"], parameters={"edges": (1, 2)})
    assert frame.columns == ["descriptors", "particle", "x"]
    np.testing.assert_array_equal(frame["particle"].to_numpy(), np.arange(10))
    expected = np.concatenate([block(n, n + 5)["descriptors"] for n in (0, 5)])
    np.testing.assert_array_equal(frame["descriptors"].to_numpy(), expected)
    assert tables.read_parameters(path) == {"r_min": 0.7, "edges": [1, 2]}
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).statistics.max == 4


def test_same_rows_same_bytes(tmp_path):
    for name in "ab":
        tables.write(tmp_path / name, SCHEMA, [block(0, 5)], PARAMETERS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("column", "numbers"), [("particle", [-1]), ("particle", [2**32]), ("type", [256]), ("type", [0.5])]
)
def test_whole_numbers_that_do_not_fit_are_refused(tmp_path, column, numbers):
    with pytest.raises(tables.TableError, match="holds such numbers"):
        tables.write(tmp_path / "a", SCHEMA, [block(0, 1) | {column: np.array(numbers)}])
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_no_file(tmp_path, error):
    def blocks():
        yield block(0, 5)
        raise error

    with pytest.raises(type(error)):
        tables.write(tmp_path / "a.parquet", SCHEMA, blocks())
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_file_and_spares_the_old_one(tmp_path):
    """No file may grow beyond 20 kB: the system refuses the bytes as a full disk does."""
    path = tmp_path / "a.parquet"
    tables.write(path, SCHEMA, [block(0, 5)])
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            tables.write(path, SCHEMA, (block(n, n + 1000) for n in range(0, 10000, 1000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before


def test_a_block_with_other_columns_is_refused(tmp_path):
    with pytest.raises(tables.TableError, match="exactly the columns"):
        tables.write(tmp_path / "a", SCHEMA, [{"particle": np.arange(3)}])


def test_refusals_name_what_is_wrong(tmp_path):
    path = tmp_path / "a.parquet"
    with pytest.raises(tables.TableError, match="no table"):
        tables.read(path)
    tables.write(path, SCHEMA, [block(0, 5)], PARAMETERS)
    with pytest.raises(tables.TableError, match=r"no column \['p_hop'\]"):
        tables.read(path, ["p_hop"])
    with pytest.raises(tables.TableError, match=r"another r_min: wanted 0\.8, got 0\.7"):
        tables.read(path, parameters={"r_min": 0.8})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(tables.TableError, match="not a Parquet table"):
        tables.read(path)


def test_tables_made_otherwise_are_not_mixed(tmp_path):
    paths = [tmp_path / "a", tmp_path / "b"]
    for path, p_c in zip(paths, (0.16, 0.2), strict=True):
        tables.write(path, tables.labels_schema(["p_hop"]), [], {"p_c": p_c, "t_f": 5.0})
    with pytest.raises(tables.TableError, match=r"differ in \['p_c'\]"):
        tables.agreed_parameters(paths)
    assert tables.agreed_parameters(paths[:1]) == {"p_c": 0.16, "t_f": 5.0}
