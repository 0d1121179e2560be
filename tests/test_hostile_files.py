"""Files that read others, declare what they do not hold, or lie: refused, with a reason, before memory is taken."""

import resource
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glassdyn.errors import GlassdynError
from glassdyn.liquid.neighbours import MAX_PER_CELL, find_neighbours
from glassdyn.simulation import state as states
from glassdyn.simulation.state import StateError, random_state
from glassdyn.storage import tables
from glassdyn.storage.tables import TableError
from glassdyn.storage.trajectory import TrajectoryError, TrajectoryWriter, open_trajectory

SPECIES = (np.arange(10) >= 8).astype(np.uint8)
POSITIONS = np.random.default_rng(0).uniform(0, 2, (3, 10, 3))
MB = 2**20


def write_trajectory(path):
    with TrajectoryWriter(path, species=SPECIES, box_length=2.0, timestep=0.01) as writer:
        for frame, positions in enumerate(POSITIONS):
            writer.append(frame, positions)


def write_state(path):
    states.save(random_state(SPECIES, 2.0, np.random.default_rng(1)), path, temperature=0.5)


def link(path, name):
    elsewhere = path.with_name("elsewhere.h5")
    with h5py.File(path, "a") as file, h5py.File(elsewhere, "w") as target:
        file.copy(name, target, "data")
        del file[name]
        file[name] = h5py.ExternalLink(elsewhere.name, "data")


def store_outside(path, name):
    raw = path.with_name("secret.txt")
    raw.write_bytes(b"somebody's words " * 1000)
    with h5py.File(path, "a") as file:
        shape, dtype = file[name].shape, file[name].dtype
        del file[name]
        file.create_dataset(name, shape, dtype, external=[(str(raw), 0, h5py.h5f.UNLIMITED)])


def make_virtual(path, name):
    elsewhere = path.with_name("elsewhere.h5")
    with h5py.File(path, "a") as file, h5py.File(elsewhere, "w") as target:
        file.copy(name, target, "data")
        layout = h5py.VirtualLayout(file[name].shape, file[name].dtype)
        layout[...] = h5py.VirtualSource(elsewhere.name, "data", file[name].shape)
        del file[name]
        file.create_virtual_dataset(name, layout)


def refuse_memory():
    """Less memory than the lies below would take: whoever believes them fails."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 512 * MB, resource.getrlimit(resource.RLIMIT_AS)[1]))


@pytest.fixture
def little_memory():
    before = resource.getrlimit(resource.RLIMIT_AS)
    refuse_memory()
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("divert", [link, store_outside, make_virtual])
class TestDataElsewhere:
    def test_trajectory(self, tmp_path, divert):
        write_trajectory(tmp_path / "t.h5")
        divert(tmp_path / "t.h5", "particles/all/position/value")
        with (
            pytest.raises(
                TrajectoryError, match=r"holds its data itself.*(external|virtual).*position/value"
            ),
            open_trajectory(tmp_path / "t.h5"),
        ):
            pass

    def test_state(self, tmp_path, divert):
        write_state(tmp_path / "s.h5")
        divert(tmp_path / "s.h5", "positions")
        with pytest.raises(StateError, match=r"holds its data itself.*positions"):
            states.load(tmp_path / "s.h5")


def test_a_link_to_a_group_that_lies_elsewhere_is_refused(tmp_path):
    write_trajectory(tmp_path / "t.h5")
    link(tmp_path / "t.h5", "particles")
    with pytest.raises(TrajectoryError, match="external link, particles"), open_trajectory(tmp_path / "t.h5"):
        pass


class TestDeclaredSizes:
    @pytest.mark.parametrize(
        "options", [{}, {"chunks": (4096, 3)}, {"chunks": (4096, 3), "compression": "gzip"}]
    )
    def test_state_of_a_thousand_million_particles(self, tmp_path, little_memory, options):
        write_state(tmp_path / "s.h5")
        with h5py.File(tmp_path / "s.h5", "a") as file:
            for name in ("positions", "velocities", "images"):
                del file[name]
                file.create_dataset(name, (10**9, 3), "f8", **options)
        with pytest.raises(
            StateError, match=r"declares what is stored: got /positions of the shape \(1000000000, 3\)"
        ):
            states.load(tmp_path / "s.h5")

    @pytest.mark.parametrize("name", ["species", "position/value", "position/step", "position/time"])
    def test_trajectory(self, tmp_path, little_memory, name):
        write_trajectory(tmp_path / "t.h5")
        with h5py.File(tmp_path / "t.h5", "a") as file:
            group = file["particles/all"]
            shape, dtype = group[name].shape, group[name].dtype
            del group[name]
            group.create_dataset(name, (10**9, *shape[1:]), dtype)
        with pytest.raises(TrajectoryError), open_trajectory(tmp_path / "t.h5"):
            pass


class TestStates:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("thermostat", "hot"),
            ("thermostat", [1.0]),
            ("thermostat", [np.nan, 0.0]),
            ("box_length", -1.0),
            ("box_length", np.inf),
            ("box_length", [1.0, 2.0]),
            ("step", -1),
            ("step", "soon"),
            ("temperature", [1.0, 2.0]),
            ("temperature", h5py.Empty("f")),
        ],
    )
    def test_odd_attributes(self, tmp_path, name, value):
        write_state(tmp_path / "s.h5")
        with h5py.File(tmp_path / "s.h5", "a") as file:
            file.attrs[name] = value
        with pytest.raises(StateError, match=r"make it anew"):
            states.load(tmp_path / "s.h5")

    @pytest.mark.parametrize("name", ["thermostat", "box_length", "step"])
    def test_absent_attributes(self, tmp_path, name):
        write_state(tmp_path / "s.h5")
        with h5py.File(tmp_path / "s.h5", "a") as file:
            del file.attrs[name]
        with pytest.raises(StateError, match=name):
            states.load(tmp_path / "s.h5")

    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("positions", np.zeros((9, 3))),
            ("images", np.zeros(10)),
            ("species", np.full(10, 2)),
            ("species", np.zeros((10, 1))),
            ("velocities", np.full((10, 3), np.nan)),
            ("velocities", np.full((10, 3), b"fast")),
        ],
    )
    def test_odd_arrays(self, tmp_path, name, values):
        write_state(tmp_path / "s.h5")
        with h5py.File(tmp_path / "s.h5", "a") as file:
            del file[name]
            file[name] = values
        with pytest.raises(StateError, match=r"make it anew"):
            states.load(tmp_path / "s.h5")


def varint(number):
    """Thrift's compact integer: zigzag, seven bits a byte."""
    zigzag, octets = 2 * number, []
    while zigzag > 127:
        octets.append(zigzag & 127 | 128)
        zigzag >>= 7
    return bytes([*octets, zigzag])


def lie_about_rows(path, rows, claimed):
    """Put another number in place of the rows, wherever the footer states them."""
    content = path.read_bytes()
    length = int.from_bytes(content[-8:-4], "little")
    body, footer = content[: -8 - length], content[-8 - length : -8]
    lying = footer.replace(b"\x16" + varint(rows), b"\x16" + varint(claimed))
    assert lying != footer
    path.write_bytes(body + lying + len(lying).to_bytes(4, "little") + b"PAR1")


@pytest.mark.parametrize("claimed", [10**6, 10**9, 2**40, 2**62])
def test_a_table_whose_footer_lies_about_its_rows(tmp_path, little_memory, claimed):
    path, rows = tmp_path / "t.parquet", 12345
    numbers = np.random.default_rng(0).normal(size=rows)
    columns = {"particle": np.arange(rows), "type": np.zeros(rows, np.uint8), "p_hop": numbers}
    tables.write(path, tables.labels_schema(["p_hop"]), [columns])
    lie_about_rows(path, rows, claimed)
    with pytest.raises(TableError, match="damaged"):
        tables.read(path)


def test_a_table_of_equal_rows_is_read(tmp_path):
    path, rows = tmp_path / "t.parquet", 10**6
    columns = {"particle": np.arange(rows), "type": np.zeros(rows, np.uint8), "p_hop": np.zeros(rows)}
    tables.write(path, tables.labels_schema(["p_hop"]), [columns])
    assert len(tables.read(path)) == rows


def test_tables_of_other_programs_are_read(tmp_path):
    frame = pl.DataFrame({"x": [1.0, 2.0], "y": [0, 1]})
    frame.write_parquet(tmp_path / "t.parquet")
    assert tables.read(tmp_path / "t.parquet").equals(frame)
    pq.write_table(pa.table({"x": np.zeros(0)}), tmp_path / "empty.parquet")
    assert len(tables.read(tmp_path / "empty.parquet")) == 0


class TestCrowds:
    def test_a_crowd_in_one_point_is_refused(self):
        with pytest.raises(GlassdynError, match=r"spread over the box.* got 200000 on average"):
            find_neighbours(np.ones((200_000, 3)), 20.0, 1.5)

    def test_as_many_as_a_cell_may_hold(self):
        pairs = find_neighbours(np.ones((MAX_PER_CELL // 8, 3)), 20.0, 1.5)
        assert len(pairs.senders) == (MAX_PER_CELL // 8) * (MAX_PER_CELL // 8 - 1)
